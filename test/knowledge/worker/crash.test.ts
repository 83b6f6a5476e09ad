import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { KnowledgeStore, openKnowledgeDatabase } from '../../../src/knowledge/store/knowledge-store.ts';
import { systemClock } from '../../../src/system/system-clock.ts';
import { NOTES, temporaryFile } from '../support.ts';
import { importedDocument } from './imported-document.ts';

/** Lets a process import, kills it after so many documents, and returns those it told of. */
async function importAndKill(file: string, first: number, count: number): Promise<number[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'import-process.ts'), file, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    told.push(Number(line));
    if (told.length >= count) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return told;
}

test('killed in the middle of an import, every document is whole or absent and the index is sound', async () => {
  const file = temporaryFile();
  const told: number[] = [];
  for (const count of [3, 10, 18]) {
    told.push(...(await importAndKill(file, Math.max(-1, ...told) + 1, count)));
    const store = new KnowledgeStore({ database: openKnowledgeDatabase(file), clock: systemClock });
    store.checkIntegrity();
    const there = store.documents(NOTES, { limit: 10_000 });
    const sources = new Set(there.map(({ source }) => source));
    assert.deepEqual(
      told.filter((number) => !sources.has(`source-${number}`)),
      [],
      'what was told as stored is there',
    );
    for (const { id, source } of there) {
      const number = Number(source.replace('source-', ''));
      assert.deepEqual(store.passages('acme', id), importedDocument(number).passages);
      assert.equal(store.store(importedDocument(number)), 'unchanged');
      const words = `"document${number} says"`;
      assert.equal(store.search({ ...NOTES, collections: [], query: words, topK: 1 }).length, 1);
    }
    store.close();
  }
});
