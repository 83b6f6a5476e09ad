// The knowledge brain in this thread: for tests, the simulator, and commands that run without a node.

import { KnowledgeClient } from './worker/client.ts';
import { LocalChannel, type LocalOptions } from './worker/local-channel.ts';

/** The file (or `:memory:`) is opened by the first call. */
export function openLocalKnowledge(options: LocalOptions): KnowledgeClient {
  return new KnowledgeClient(new LocalChannel(options));
}
