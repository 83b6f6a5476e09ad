import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnonymousMode, exposureProblem } from '../../src/config/exposure.ts';

function problem(host: string, anonymous: AnonymousMode = 'until-first-key', apiKeys: string[] = [], isKeyed = false) {
  return exposureProblem({ host, apiKeys, anonymous }, isKeyed);
}

test('every loopback address may be listened on without a key', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]']) assert.equal(problem(host), undefined);
});

test('a wider address needs a key of either kind, or a word on who may be anonymous', () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'gateway.lan', '127.0.0.1.evil.example']) {
    assert.equal(
      problem(host),
      `listening on ${host} without a key lets other machines spend your credit. Make a virtual key (\`flowmesh keys create --tenant NAME\`), or set server.apiKeys, or set server.anonymous to never and make keys later, or listen on 127.0.0.1.`,
    );
    assert.equal(problem(host, 'until-first-key', ['k']), undefined);
    assert.equal(problem(host, 'until-first-key', [], true), undefined);
    assert.equal(problem(host, 'never'), undefined);
    assert.equal(problem(host, 'always'), undefined);
  }
});
