// The entry of the knowledge thread: opens knowledge.db and answers what knowledge/worker/thread-channel.ts asks.

import { parentPort, workerData } from 'node:worker_threads';
import { KnowledgeStore, openKnowledgeDatabase } from './knowledge/store/knowledge-store.ts';
import type { CallMessage } from './knowledge/worker/calls.ts';
import { KnowledgeHost } from './knowledge/worker/host.ts';
import type { ThreadData, ThreadMessage } from './knowledge/worker/thread-channel.ts';
import { systemClock } from './system/system-clock.ts';

const { file, cancelled } = workerData as ThreadData;
const send = (message: ThreadMessage): void => parentPort?.postMessage(message);

const host = new KnowledgeHost({
  store: new KnowledgeStore({ database: openKnowledgeDatabase(file), clock: systemClock }),
  clock: systemClock,
  cancelled,
  warn: (warning) => send({ warning }),
  send: (reply) => send({ reply }),
});

parentPort?.on('message', (message: CallMessage | 'close') => {
  if (message !== 'close') {
    host.receive(message);
    return;
  }
  host.close();
  parentPort?.close();
});
