// What a node knows: the brain, its search by meaning, and the documents taken in from folders and clients. Part of the
// composition root.

import type { KnowledgeConfig } from './config/knowledge.ts';
import { SemanticKnowledge, type SemanticKnowledgeDeps } from './gateway/semantic-knowledge.ts';
import { createKnowledge } from './knowledge/create-knowledge.ts';
import { FolderWatchers } from './knowledge/ingest/folder-watchers.ts';
import { Ingest } from './knowledge/ingest/ingest.ts';
import { DocumentReader } from './knowledge/ingest/reader.ts';
import type { Knowledge } from './knowledge/knowledge.ts';
import type { KnowledgeClient } from './knowledge/worker/client.ts';
import type { Clock, Logger } from './ports.ts';
import type { Database, FileOpener } from './storage/database.ts';
import { Settings } from './storage/settings.ts';

export interface NodeKnowledgeDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => KnowledgeConfig;
  /** A path, or `:memory:`. */
  readonly file: string;
  /** Opens it in this thread, from elsewhere than the file system. */
  readonly open: FileOpener | undefined;
  /** gateway.db */
  readonly database: Database;
  readonly embed: SemanticKnowledgeDeps['embed'];
}

export class NodeKnowledge {
  readonly #deps: NodeKnowledgeDeps;
  readonly #semantic: SemanticKnowledge;
  readonly #reader: DocumentReader;
  readonly #watchers: FolderWatchers;
  /** As it is kept and replicated. */
  readonly brain: KnowledgeClient;
  /** As it is asked: by meaning too, where that is configured. */
  readonly searched: Knowledge;
  readonly ingest: Ingest;

  constructor(deps: NodeKnowledgeDeps) {
    const { clock, logger, config, file, open, database, embed } = deps;
    this.#deps = deps;
    this.brain = createKnowledge({ file, clock, logger, ...(open && { open }) });
    const remembered = new Settings(database);
    this.#semantic = new SemanticKnowledge({
      knowledge: this.brain,
      clock,
      logger,
      model: () => config().embeddings,
      memory: { get: () => remembered.get('embeddings'), set: (model) => remembered.set('embeddings', model) },
      embed,
    });
    const knowledge = this.#semantic.searched;
    this.searched = knowledge;
    this.#reader = new DocumentReader(clock);
    this.ingest = new Ingest({ knowledge, reader: this.#reader, fileBytesMax: () => config().fileBytesMax });
    this.#watchers = new FolderWatchers({ knowledge, ingest: this.ingest, clock, logger });
  }

  /** Begins to take in folders and to embed. */
  start(): void {
    this.followFolders();
    this.#semantic.start();
  }

  /** Its thread takes longer to start than the first request waits for passages. Without a file nothing is started. */
  open(): void {
    const { logger } = this.#deps;
    this.searched
      .document('', '')
      .catch((error: unknown) => logger.error({ err: error }, 'knowledge cannot be opened'));
  }

  /** The configured ones, as they are configured now. */
  followFolders(): void {
    this.#watchers.follow(this.#deps.config().watch);
  }

  async close(): Promise<void> {
    await this.#watchers.close();
    await this.#reader.close();
    await this.#semantic.stop();
    await this.searched.close();
  }
}
