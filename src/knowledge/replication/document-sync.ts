// Keeps the brain and the change log of documents together, in both directions.
//
// The brain lives in a thread with a file of its own, the log in this thread with another one. What is changed in the brain
// waits in its outbox until the log has it; what a merge brings waits in the log's file until the brain has it. Each
// side's note is written in the transaction that makes the change, and taken away afterwards, so that a crash repeats work
// and loses none. A document with a note in the outbox is not overwritten: the log decides first which version wins.

import { GatewayError } from '../../errors.ts';
import type { Cancellable, Clock, Logger, Random } from '../../ports.ts';
import { canonicalText } from '../../replication/change.ts';
import { type ChangeLog, newest } from '../../replication/change-log.ts';
import type { OutboxEntry } from '../store/knowledge-store.ts';
import { DOCUMENT_KIND } from '../store/manifest.ts';
import type { KnowledgeReplica } from '../worker/client.ts';
import { DOCUMENT_CAPABILITY, travellingBody } from './document-kind.ts';
import { DocumentTakeover } from './document-takeover.ts';
import type { PassageFetcher } from './passage-fetcher.ts';
import type { PendingDocuments } from './pending-documents.ts';
import { Repeated } from './repeated.ts';

export interface DocumentSyncDeps {
  readonly log: ChangeLog;
  readonly pending: PendingDocuments;
  readonly knowledge: KnowledgeReplica;
  readonly fetcher: PassageFetcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Other processes change the brain's file, and peers that had nothing to give may have it now. */
const LOOK_MS = 2_000;
const HANDED_OVER_AT_ONCE = 32;

export class DocumentSync {
  readonly #deps: DocumentSyncDeps;
  readonly #handOver: Repeated;
  readonly #takeOver: Repeated;
  readonly takeover: DocumentTakeover;
  #timer: Cancellable | undefined;
  #isStopped = false;
  #isLinked = false;

  constructor(deps: DocumentSyncDeps) {
    const { logger } = deps;
    this.#deps = deps;
    this.takeover = new DocumentTakeover({ ...deps, onChangedHere: () => this.onChange() });
    this.#handOver = new Repeated(
      () => this.#recordChanges(),
      (error) => logger.error({ err: error }, 'changes of documents cannot be recorded'),
    );
    this.#takeOver = new Repeated(
      () => this.takeover.run(() => this.#isStopped),
      (error) => logger.error({ err: error }, 'documents of other nodes cannot be stored'),
    );
  }

  start(): void {
    this.#timer = this.#deps.clock.every(LOOK_MS, () => this.look());
    this.look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await Promise.all([this.#handOver.stop(), this.#takeOver.stop()]);
  }

  /** A document was changed here. */
  onChange(): void {
    if (!this.#isStopped) void this.#handOver.run();
  }

  /** A merge has brought documents, or somebody came who may have passages. */
  look(): void {
    if (this.#isStopped) return;
    void this.#handOver.run().then(() => (this.#isStopped ? undefined : this.#takeOver.run()));
  }

  async #recordChanges(): Promise<void> {
    const { knowledge, log } = this.#deps;
    // A node that knows nothing does not pay for the brain's thread. One whose brain was lost gets it back from the log.
    if (knowledge.isEmpty && log.changes.counts().rows === 0) return;
    if (!this.#isLinked) await this.#link();
    while (!this.#isStopped) {
      const entries = await knowledge.outbox(HANDED_OVER_AT_ONCE);
      const last = entries.at(-1);
      if (!last) return;
      this.#record(entries);
      await knowledge.settleOutbox(last.id);
    }
  }

  async #link(): Promise<void> {
    const { knowledge, pending, random } = this.#deps;
    if (await knowledge.link(pending.logId(() => random.uuid()))) pending.addAll();
    this.#isLinked = true;
  }

  #record(entries: readonly OutboxEntry[]): void {
    const { log, logger } = this.#deps;
    log.database.transaction(() => {
      for (const entry of entries) {
        try {
          this.#recordOne(entry);
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          logger.warn({ document: entry.document, reason: error.message }, 'a document stays on this node');
        }
      }
    })();
  }

  #recordOne({ document, body }: OutboxEntry): void {
    const { log, pending, logger } = this.#deps;
    const held = newest(log.changes.byKey(DOCUMENT_KIND, document));
    if (!log.mayWrite(log.origin, DOCUMENT_KIND, DOCUMENT_CAPABILITY)) {
      logger.warn({ document }, 'this node may not change the knowledge of the mesh: what it changed stays here');
      // What the mesh knows better comes back.
      if (held) pending.add(document);
      return;
    }
    pending.remove(document);
    if (!body) {
      if (held && held.body !== null) log.remove(DOCUMENT_KIND, document);
      return;
    }
    const travelling = travellingBody(body);
    if (held?.body !== canonicalText(travelling)) log.put(DOCUMENT_KIND, document, travelling);
  }
}
