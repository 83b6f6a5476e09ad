import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compiledPath, compiledScript, runScript } from '../../scripts/bundle/run-script.ts';

const place = mkdtempSync(join(tmpdir(), 'flowmesh-run-script-'));
after(() => rmSync(place, { recursive: true, force: true }));

const TEXT = `
const { basename } = require('node:path');
function name() { return basename(__filename); }
module.exports = { name: name(), directory: __dirname };
`;

function scriptFile(name: string): string {
  const path = join(place, name);
  writeFileSync(path, TEXT);
  return path;
}

test('a script runs as Node would run it, without compiled code', () => {
  assert.deepEqual(runScript(scriptFile('alone.cjs')), { name: 'alone.cjs', directory: place });
});

test('a script runs with the compiled code beside it', () => {
  const path = scriptFile('whole.cjs');
  writeFileSync(compiledPath(path), compiledScript(path).createCachedData());
  assert.equal(compiledScript(path).cachedDataRejected, false);
  assert.deepEqual(runScript(path), { name: 'whole.cjs', directory: place });
});

test('a script runs without compiled code that this V8 does not take', () => {
  const path = scriptFile('foreign.cjs');
  // Under another name: what was compiled in this process already would not be looked at.
  const compiled = compiledScript(scriptFile('made.cjs')).createCachedData();
  // Where V8 keeps the hash of its version.
  compiled.writeUInt32LE((compiled.readUInt32LE(4) ^ 1) >>> 0, 4);
  writeFileSync(compiledPath(path), compiled);
  assert.equal(compiledScript(path).cachedDataRejected, true);
  assert.deepEqual(runScript(path), { name: 'foreign.cjs', directory: place });
});
