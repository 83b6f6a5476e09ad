import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commonJsScript, compiledPath, runCommonJs, runPrecompiled } from '../../src/cli/precompiled.ts';

const place = mkdtempSync(join(tmpdir(), 'flowmesh-precompiled-'));
after(() => rmSync(place, { recursive: true, force: true }));

/** Writes down what it is given, in a function that is compiled when it is called. */
const TEXT = `
const { appendFileSync } = require('node:fs');
function note() { appendFileSync(__filename + '.ran', __dirname + ' ' + (module.exports === exports) + ' '); }
note();
`;

function scriptFile(name: string): string {
  const path = join(place, name);
  writeFileSync(path, TEXT);
  writeFileSync(`${path}.ran`, '');
  return path;
}

function ranOf(path: string): string {
  return readFileSync(`${path}.ran`, 'utf8');
}

test('a script with its compiled code beside it runs as Node would run it', () => {
  const path = scriptFile('whole.cjs');
  const script = commonJsScript(path);
  runCommonJs(script, path);
  writeFileSync(compiledPath(path), script.createCachedData());
  assert.equal(runPrecompiled(path), true);
  assert.equal(ranOf(path), `${place} true `.repeat(2));
});

test('without compiled code nothing runs', () => {
  const path = scriptFile('alone.cjs');
  assert.equal(runPrecompiled(path), false);
  assert.equal(ranOf(path), '');
});

test('compiled code that this Node does not take runs nothing', () => {
  const path = scriptFile('foreign.cjs');
  // Under another name: what was compiled in this process already would not be looked at.
  const compiled = commonJsScript(scriptFile('made.cjs')).createCachedData();
  // Where V8 keeps the hash of its version.
  compiled.writeUInt32LE((compiled.readUInt32LE(4) ^ 1) >>> 0, 4);
  writeFileSync(compiledPath(path), compiled);
  assert.equal(runPrecompiled(path), false);
  assert.equal(ranOf(path), '');
});
