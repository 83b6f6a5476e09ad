// A real node whose disk fills up: two processes, libp2p over loopback, the data directory of one on a small file system.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';
import { startPair, until } from '../support/real-pair.ts';

const problem = mountProblem();
const skip = problem === undefined ? false : `no small file system can be mounted here: ${problem}`;

function mountProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root';
  using place = commandPlace();
  try {
    mount(place.path('probe'));
  } catch (error) {
    return String(error);
  }
  execFileSync('umount', [place.path('probe')]);
  return undefined;
}

function mount(directory: string): void {
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory], { stdio: 'pipe' });
}

test('a node whose disk is full says so, goes on serving, and catches up when there is space', {
  skip,
}, async (context) => {
  using place = commandPlace();
  const small = place.path('small');
  mount(small);
  // Lazily: the processes that use it are ended after this.
  using _mounted = { [Symbol.dispose]: () => void execFileSync('umount', ['-l', small]) };
  const [wide, narrow] = await startPair(context, place, ['wide', 'small/data']);
  const first = await wide.makeKey('first');
  await until(async () => (await narrow.chat(first)) === 200, 'the first key on the other node');
  assert.equal((await narrow.upload(first, 'early.txt', 'Owls hunt at night.')).status, 200);

  const ballast = place.path('small/ballast');
  for (const size of [1 << 20, 1 << 14, 1 << 10, 1]) {
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(size, 1));
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'ENOSPC');
    }
  }

  const large = 'Rabbits dig burrows in dry meadows. '.repeat(20_000);
  const refused = await narrow.upload(first, 'refused.txt', large);
  assert.equal(refused.status, 507, refused.text);
  assert.match(refused.text, /The disk of this node is full/);
  const noKeys = await Promise.all(
    Array.from({ length: 5 }, () => narrow.admin('POST', '/admin/keys', { tenant: 'acme', name: 'k'.repeat(200) })),
  );
  assert.ok(
    noKeys.some(({ status, text }) => status === 507 && text.includes('disk_full')),
    noKeys
      .map(({ status, text }) => `${status} ${text}`)
      .join('\n')
      .slice(0, 500),
  );
  for (let asked = 0; asked < 20; asked += 1) assert.equal(await narrow.chat(first), 200);

  const second = await wide.makeKey('second');
  assert.equal((await wide.upload(first, 'late.txt', large)).status, 200);
  await narrow.process.untilStdout(
    /replication: no space for changes of other nodes|documents of other nodes cannot be stored/,
  );
  assert.equal(await narrow.chat(first), 200);

  rmSync(ballast);
  await until(async () => (await narrow.chat(second)) === 200, 'a key that was made meanwhile');
  await until(async () => (await narrow.files(first)) === 'early.txt,late.txt', 'a document that was added meanwhile');
  await until(async () => (await wide.usage()) === (await narrow.usage()), 'the same usage on both');
  assert.equal((await narrow.upload(first, 'again.txt', 'Foxes hunt at dawn.')).status, 200);
});
