// The entry of the knowledge thread: opens knowledge.db and answers what knowledge/worker/thread-channel.ts asks.

import { parentPort, workerData } from 'node:worker_threads';
import { KnowledgeStore, openKnowledgeDatabase } from './knowledge/store/knowledge-store.ts';
import type { CallMessage } from './knowledge/worker/calls.ts';
import { KnowledgeHost } from './knowledge/worker/host.ts';
import type { ThreadData, ThreadMessage } from './knowledge/worker/thread-channel.ts';
import { releaseFreedMemory } from './system/freed-memory.ts';
import { keepIdleMemorySmall } from './system/idle-memory.ts';
import { systemClock } from './system/system-clock.ts';
import { releaseUnusedCode } from './system/unused-code.ts';
import { releaseUnusedHeap } from './system/unused-heap.ts';

const { file, cancelled } = workerData as ThreadData;
const send = (message: ThreadMessage): void => parentPort?.postMessage(message);

const store = new KnowledgeStore({ database: openKnowledgeDatabase(file), clock: systemClock });
const host = new KnowledgeHost({
  store,
  clock: systemClock,
  cancelled,
  warn: (warning) => send({ warning }),
  send: (reply) => send({ reply }),
});

let begun = 0;
parentPort?.on('message', (message: CallMessage | 'close') => {
  if (message !== 'close') {
    begun += 1;
    host.receive(message);
    return;
  }
  host.close();
  parentPort?.close();
});

keepIdleMemorySmall({
  clock: systemClock,
  isIdle: () => host.isIdle,
  begun: () => begun,
  held: () => process.memoryUsage.rss(),
  release: () => {
    store.forgetPages();
    releaseUnusedHeap();
    releaseFreedMemory();
    // The other thread's release may have been before this one, which has used much of it.
    releaseUnusedCode();
  },
});
