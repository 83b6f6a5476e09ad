import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { releaseFreedMemory } from '../../src/system/freed-memory.ts';

const warnings: string[] = [];
const note = ({ name }: Error): void => void warnings.push(name);
process.on('warning', note);
after(() => process.off('warning', note));

test('giving back freed memory warns nobody, the first time or later, and leaves warnings as they were', async () => {
  const { emitWarning } = process;
  releaseFreedMemory();
  releaseFreedMemory();
  assert.equal(process.emitWarning, emitWarning);
  process.emitWarning('still heard', 'TestWarning');
  await turn();
  assert.deepEqual(warnings, ['TestWarning']);
});

const CHUNK_BYTES = 16_384;
const MEGABYTE = 1_048_576;
/** The functions of C can be asked by Node from 26.1 on, and glibc is what keeps freed memory. */
const canTrim = Number.parseInt(process.versions.node, 10) >= 26 && isGlibc();

function isGlibc(): boolean {
  const { header } = process.report.getReport() as { header: Record<string, unknown> };
  return header.glibcVersionRuntime !== undefined;
}

test('freed memory goes back to the machine, though some of its neighbours are in use', {
  skip: !canTrim,
}, async () => {
  const inUse: Buffer[] = [];
  // 64 MB, of which one chunk in forty stays: so the rest cannot be cut off at the end.
  for (let count = 0; count < 4_000; count += 1) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES).fill(1);
    if (count % 40 === 0) inUse.push(chunk);
  }
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  while (process.memoryUsage().arrayBuffers > 8 * MEGABYTE) {
    collect();
    await turn();
  }
  const before = process.memoryUsage.rss();
  releaseFreedMemory();
  assert.ok(before - process.memoryUsage.rss() > 30 * MEGABYTE);
  assert.equal(inUse.length, 100);
});
