// Streams as networks deliver them: split anywhere, decorated as the format allows, and broken off. A split changes
// nothing. A break before the first content is the next target's chance, and the client sees one perfect answer; after
// it the SDK raises. Never a part of an answer that looks like the whole.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask, type ClientKind, essence, modelFor, type ScenarioName, type Seen } from '../support/cases.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { type After, type Script, startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { expectedSight } from './deviations.ts';
import {
  accountFor,
  modelAt,
  ROUTES,
  type RouteName,
  type RouteSpec,
  type RunningNode,
  routeNamed,
  startNode,
} from './gateway.ts';
import { type Ending, type Recording, Replay, recordLast } from './replay.ts';
import { assertStreamLaws } from './stream-laws.ts';

const upstreams = {} as Record<RouteName, Upstream>;
let replay: Replay;
let spare: Upstream;
let node: RunningNode;

/** The second target of every chain. */
const SPARE = routeNamed('anthropic');

/** Two clients for each upstream: one that gets its bytes verbatim, and one that gets them translated. */
function clientsOf(route: RouteSpec): readonly ClientKind[] {
  return [route.dialect, route.dialect === 'openai-chat' ? 'anthropic' : 'openai-chat'];
}

before(async () => {
  replay = new Replay();
  await replay.listen();
  spare = await startUpstream(SPARE.kind);
  const accounts: Record<string, ReturnType<typeof accountFor>> = { spare: accountFor(SPARE, spare) };
  const chains: Record<string, string[]> = {};
  for (const route of ROUTES) {
    const upstream = await startUpstream(route.kind);
    upstreams[route.name] = upstream;
    accounts[route.name] = accountFor(route, upstream);
    accounts[`replay-${route.name}`] = { ...accountFor(route, upstream), url: replay.url };
    const model = modelFor(route.kind, 'text');
    const last = `spare/${modelFor(SPARE.kind, 'text')}`;
    chains[`broken-${route.name}`] = [`${route.name}/${model}`, last];
    chains[`replayed-${route.name}`] = [`replay-${route.name}/${model}`, last];
  }
  // No second try at the same target, and none is ever set aside.
  node = await startNode({ accounts, config: { chains, retries: { max: 0 }, cooldown: { failures: 1_000 } } });
});

after(async () => {
  await node.stop();
  for (const upstream of [spare, ...Object.values(upstreams)]) await upstream.close();
  await replay[Symbol.asyncDispose]();
  assert.deepEqual(node.defects, []);
});

describe('a stream that is split anywhere', () => {
  const SPLITS: readonly (readonly [string, Omit<Script, 'scenario' | 'fault'>, readonly ScenarioName[]])[] = [
    ['byte by byte', { chunking: 'byte' }, ['tools']],
    ['seven bytes at a time', { chunking: 7 }, ['text', 'parallel-tools']],
    ['all at once', { chunking: 'whole' }, ['text', 'parallel-tools', 'reasoning']],
    ['with CRLF', { lineEnding: '\r\n', chunking: 5 }, ['text', 'parallel-tools']],
    ['with CR', { lineEnding: '\r', chunking: 5 }, ['text', 'parallel-tools']],
    ['with comments', { hasComments: true }, ['text', 'reasoning']],
    ['with comments and CRLF, byte by byte', { hasComments: true, lineEnding: '\r\n', chunking: 'byte' }, ['tools']],
  ];
  for (const route of ROUTES) {
    for (const client of clientsOf(route)) {
      for (const [how, delivery, scenarios] of SPLITS) {
        it(`${route.name} for ${client}: ${how}`, async () => {
          for (const scenario of scenarios) {
            upstreams[route.name].respondWith({ scenario, ...delivery });
            const seen = await ask(client, {
              ...node.asClient(client),
              model: modelAt(route, scenario),
              scenario,
              isStream: true,
            });
            assert.deepEqual({ ...essence(seen), refusal: seen.refusal }, expectedSight({ client, route, scenario }));
            assertStreamLaws(client, seen, client === route.dialect);
          }
        });
      }
    }
  }
});

type Outcome = 'from the spare' | 'raised' | 'complete';

/** Asks a chain whose first target breaks off; anything but these three outcomes fails the test. */
async function outcomeOf(client: ClientKind, model: string, scenario: ScenarioName): Promise<Outcome> {
  spare.respondWith(scenario);
  const asked = spare.requests.length;
  let seen: Seen;
  try {
    seen = await ask(client, { ...node.asClient(client), model, scenario, isStream: true });
  } catch (error) {
    assert.equal(spare.requests.length, asked, 'after the first content no other target is asked');
    assert.match(String((error as Error).message), /./);
    return 'raised';
  }
  const answer = finalAnswer(scenario);
  const { text, toolCalls, finish } = essence(seen);
  assert.deepEqual(
    { text, toolCalls, finish },
    { text: answer.text, toolCalls: answer.toolCalls, finish: answer.finish },
  );
  const isFromSpare = spare.requests.length > asked;
  assertStreamLaws(client, seen, !isFromSpare);
  return isFromSpare ? 'from the spare' : 'complete';
}

/** Frames at the end without which an answer is still complete when HTTP ended well: `[DONE]` and usage. */
const FORGIVEN: Readonly<Record<RouteName, number>> = {
  openai: 2,
  'openai-responses': 0,
  azure: 2,
  mistral: 1,
  compatible: 2,
  anthropic: 0,
  gemini: 0,
  ollama: 0,
};

/** Gemini's streams have no mark at their end, so that only a good end of the connection is one. */
const WITHOUT_MARK: RouteName = 'gemini';

const ENDINGS: Readonly<Record<Ending, string>> = {
  cut: 'its connection cut',
  end: 'ended as if it were complete',
};

describe('a stream that breaks off after any of its frames', () => {
  const recordings = new Map<string, Recording>();

  async function recordingOf(route: RouteSpec, client: ClientKind, scenario: ScenarioName): Promise<Recording> {
    const key = `${route.name} ${client} ${scenario}`;
    let recording = recordings.get(key);
    if (!recording) {
      upstreams[route.name].respondWith(scenario);
      const model = `${route.name}/${modelFor(route.kind, 'text')}`;
      await ask(client, { ...node.asClient(client), model, scenario, isStream: true });
      recording = await recordLast(upstreams[route.name]);
      recordings.set(key, recording);
    }
    return recording;
  }

  for (const route of ROUTES) {
    for (const client of clientsOf(route)) {
      for (const scenario of ['text', 'parallel-tools'] as const) {
        for (const ending of ['cut', 'end'] as const) {
          it(`${route.name} for ${client}, ${scenario}, ${ENDINGS[ending]}`, async () => {
            const { contentType, frames } = await recordingOf(route, client, scenario);
            const outcomes: Outcome[] = [];
            for (let count = 0; count <= frames.length; count += 1) {
              replay.respondWith(contentType, Buffer.concat(frames.slice(0, count)), ending);
              outcomes.push(await outcomeOf(client, `replayed-${route.name}`, scenario));
            }
            const complete = ending === 'end' ? 1 + FORGIVEN[route.name] : Number(route.name !== WITHOUT_MARK);
            const spared = outcomes.lastIndexOf('from the spare') + 1;
            assert.ok(spared >= 1 && spared < frames.length);
            assert.deepEqual(outcomes, [
              ...Array(spared).fill('from the spare'),
              ...Array(frames.length + 1 - spared - complete).fill('raised'),
              ...Array(complete).fill('complete'),
            ]);
          });
        }
      }

      it(`${route.name} for ${client}: and after any byte`, async () => {
        const { contentType, bytes } = await recordingOf(route, client, 'tools');
        for (let length = 0; length < bytes.length - 120; length += 211) {
          replay.respondWith(contentType, bytes.subarray(0, length), length % 2 === 0 ? 'end' : 'cut');
          await outcomeOf(client, `replayed-${route.name}`, 'tools');
        }
      });
    }
  }
});

describe('a stream that fails while its frames come one by one', () => {
  const FAULTS = ['cut-mid-stream', 'clean-end-early', 'error-in-200'] as const;
  const PLACES: readonly (readonly [After, Outcome])[] = [
    [-1, 'from the spare'],
    [0, 'from the spare'],
    [1, 'raised'],
    [3, 'raised'],
    ['content', 'raised'],
  ];
  for (const route of ROUTES) {
    for (const client of ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama'] as const) {
      it(`${route.name} for ${client}`, async () => {
        for (const type of FAULTS) {
          for (const [place, expected] of PLACES) {
            upstreams[route.name].respondWith({ scenario: 'text', fault: { type, after: place } });
            const outcome = await outcomeOf(client, `broken-${route.name}`, 'text');
            assert.equal(outcome, expected, `${type} after ${place}`);
          }
        }
      });
    }
  }
});

describe('an unstreamed answer that breaks off', () => {
  for (const route of ROUTES) {
    it(`${route.name}: is answered by the next target`, async () => {
      for (const type of ['cut-mid-stream', 'clean-end-early', 'error-in-200'] as const) {
        for (const client of clientsOf(route)) {
          upstreams[route.name].respondWith({ scenario: 'text', fault: { type, after: 0 } });
          spare.respondWith('text');
          const asked = spare.requests.length;
          const seen = await ask(client, {
            ...node.asClient(client),
            model: `broken-${route.name}`,
            scenario: 'text',
            isStream: false,
          });
          assert.equal(seen.text, finalAnswer('text').text);
          assert.equal(spare.requests.length, asked + 1, `${type} for ${client}`);
        }
      }
    });
  }
});
