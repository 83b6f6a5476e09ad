import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { parse, problemsOf } from './support.ts';

test('the mesh is off unless it is enabled', () => {
  assert.equal(parse('').config.mesh, undefined);
  assert.equal(parse('mesh: {name: a, secret: 0123456789abcdef}').config.mesh, undefined);
});

test('an enabled mesh has all defaults', () => {
  assert.deepEqual(parse('mesh: {enabled: true}').config.mesh, {
    name: hostname().slice(0, 64),
    listen: ['/ip4/0.0.0.0/tcp/2403', '/ip6/::/tcp/2403'],
    announce: [],
    bootstrap: [],
    interfaces: [],
    capabilities: ['serve', 'knowledge:write', 'cache:write', 'config:write'],
  });
});

const WRONG: readonly [yaml: string, problem: RegExp][] = [
  ['mesh: {secret: short}', /the secret must have at least 16 characters\./],
  ['mesh: {secret: 0123456789abcdef, secretFile: /x}', /give either 'secret' or 'secretFile'\./],
  ['mesh: {bootstrap: [10.0.0.1]}', /must be an address such as \/ip4\/192\.168\.1\.5\/tcp\/2403\./],
  ['mesh: {adminKey: abc}', /an admin key begins with '12D3KooW'/],
  ['mesh: {capabilities: [admin]}', /must be one of serve, knowledge:write, cache:write, config:write\./],
];

for (const [yaml, problem] of WRONG) {
  test(`${yaml} is refused in a sentence, also while the mesh is off`, () => {
    const problems = problemsOf(yaml);
    assert.match(problems.join('\n'), problem);
    assert.ok(!problems.join('\n').includes('0123456789abcdef'));
  });
}
