// Every client dialect at every upstream, streamed and whole, in every scenario: official SDK → node → faithful server.
// What the user must see is what the model said; where a rule takes something away, deviations.ts says exactly what.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask, CLIENT_KINDS, essence, modelFor, SCENARIO_NAMES } from '../support/cases.ts';
import { expectedSight } from './deviations.ts';
import { type Gateway, modelAt, ROUTES, startGateway } from './gateway.ts';
import { assertStreamLaws } from './stream-laws.ts';

let gateway: Gateway;

before(async () => {
  gateway = await startGateway();
});

after(async () => {
  await gateway.stop();
  assert.deepEqual(gateway.defects, []);
});

for (const client of CLIENT_KINDS) {
  for (const route of ROUTES) {
    describe(`a client of ${client} at ${route.name}`, () => {
      for (const isStream of [false, true]) {
        for (const scenario of SCENARIO_NAMES) {
          it(`sees ${scenario} ${isStream ? 'streamed' : 'whole'}`, async () => {
            gateway.upstreams[route.name].respondWith(scenario);
            const model = modelAt(route, scenario);
            const seen = await ask(client, { ...gateway.asClient(client), model, scenario, isStream });
            const sight = { ...essence(seen), refusal: seen.refusal };
            assert.deepEqual(sight, expectedSight({ client, route, scenario }));
            assert.equal(seen.model, modelFor(route.kind, scenario));
            const answers = [seen, ...seen.earlier];
            for (const answer of answers) {
              if (isStream) assertStreamLaws(client, answer, client === route.dialect);
              // Only Gemini names no calls, and then only to its own clients.
              if (client === 'gemini' && route.name === 'gemini') continue;
              const ids = answer.toolCalls.map((call) => call.id);
              assert.ok(ids.every((id) => id !== '') && new Set(ids).size === ids.length, `ids: ${ids}`);
            }
          });
        }
      }
    });
  }
}
