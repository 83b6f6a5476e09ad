// `flowmesh backup` and `restore` on a mesh of real processes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';
import { startPair, until } from '../support/real-pair.ts';

test('a member is saved while it runs, and gets back from the other what it had told it after that', async (context) => {
  using place = commandPlace();
  const [a, b] = await startPair(context, place, ['a', 'b']);
  const before = await a.makeKey('before');
  await until(async () => (await b.chat(before)) === 200, 'the key on the other node');
  assert.equal((await b.upload(before, 'early.txt', 'Owls hunt at night.')).status, 200);
  const saved = await place.run(['backup', '-c', b.config, '--output', place.path('b.tar.gz')]);
  assert.equal(saved.exitCode, 0, saved.stderr);

  const after = await b.makeKey('after');
  assert.equal((await b.upload(before, 'late.txt', 'Foxes hunt at dawn.')).status, 200);
  assert.equal(await b.chat(after), 200);
  await until(async () => (await a.chat(after)) === 200, 'the later key on the other node');
  await until(async () => (await a.files(before)) === 'early.txt,late.txt', 'both documents on the other node');
  await until(async () => (await a.usage()) === (await b.usage()), 'the same usage on both');

  const restore = ['restore', '-c', b.config, '--force', place.path('b.tar.gz')];
  const refused = await place.run(restore);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /Stop it before you restore/);
  await b.stop();
  const restored = await place.run(restore);
  assert.equal(restored.exitCode, 0, restored.stderr);
  await b.start();
  await until(async () => (await b.chat(after)) === 200, 'the later key on the restored node');
  await until(async () => (await b.files(before)) === 'early.txt,late.txt', 'both documents on the restored node');
  await until(async () => (await a.usage()) === (await b.usage()), 'the same usage on both');
});
