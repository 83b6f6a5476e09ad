import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';

/** Nothing listens on port 1: neither a node nor the accounts' server. */
const CONFIG = `server:
  port: 1
accounts:
  mine: {provider: local, url: "http://127.0.0.1:1", models: [small, big]}
chains:
  default: [mine/big]
  cheap: [mine/small]
rules:
  - name: translations
    when: {keywords: [translate]}
    use: cheap
`;

test('without a node the configuration is explained, and nobody is asked', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', CONFIG);
  const request = { model: 'default', messages: [{ role: 'user', content: 'Translate this into French: bread' }] };
  const result = await place.run(['explain', '-'], { stdin: JSON.stringify(request) });
  assert.equal(
    result.stderr,
    'No node answers at http://127.0.0.1:1; explaining what one of this configuration would do.\n',
  );
  assert.equal(result.exitCode, 0);
  const [, ...lines] = result.stdout.split('\n');
  assert.deepEqual(lines, [
    "rule 'translations' matches: says 'translate'; use cheap",
    'chain cheap by priority:',
    '  1. mine/small: fit, position 1',
    'asked in this order: mine/small',
    '',
  ]);
});
