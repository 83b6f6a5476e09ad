// Makes the knowledge brain of a node: in a thread of its own, unless it is to be kept in memory only.

import type { Clock, Logger } from '../ports.ts';
import type { FileOpener } from '../storage/database.ts';
import { openLocalKnowledge } from './local-knowledge.ts';
import { KnowledgeClient } from './worker/client.ts';
import { ThreadChannel } from './worker/thread-channel.ts';

export interface KnowledgeOptions {
  /** A path, or `:memory:`. */
  readonly file: string;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Opens it in this thread, from elsewhere than the file system. */
  readonly open?: FileOpener;
}

/** Nothing is opened or started before the first call that needs it. */
export function createKnowledge({ file, clock, logger, open }: KnowledgeOptions): KnowledgeClient {
  if (open || file === ':memory:') return openLocalKnowledge({ file, clock, ...(open && { open }) });
  return new KnowledgeClient(new ThreadChannel({ file, logger }));
}
