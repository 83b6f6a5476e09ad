// Keeps the brain and the change log of documents together, in both directions.
//
// The brain lives in a thread with a file of its own, the log in this thread with another one. What is changed in the brain
// waits in its outbox until the log has it; what a merge brings waits in the log's file until the brain has it. Each
// side's note is written in the transaction that makes the change, and taken away afterwards, so that a crash repeats work
// and loses none. A document with a note in the outbox is not overwritten: the log decides first which version wins.

import { GatewayError } from '../../errors.ts';
import { asArray, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Clock, Logger, Random, Timer } from '../../ports.ts';
import { canonicalText, compareVersions } from '../../replication/change.ts';
import { type ChangeLog, newest } from '../../replication/change-log.ts';
import type { HeldChange } from '../../replication/change-table.ts';
import type { OutboxEntry } from '../store/knowledge-store.ts';
import { DOCUMENT_KIND } from '../store/manifest.ts';
import type { KnowledgeReplica } from '../worker/client.ts';
import { DOCUMENT_CAPABILITY, manifestOf, passageListOf, travellingBody } from './document-kind.ts';
import type { PassageFetcher } from './passage-fetcher.ts';
import type { PendingDocument, PendingDocuments } from './pending-documents.ts';
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

/** A document with all that the brain needs. */
interface Ready {
  readonly document: string;
  readonly held: HeldChange | undefined;
  /** Undefined: the document goes. */
  readonly manifest: JsonObject | undefined;
  readonly hashes: readonly string[];
}

/** Other processes change the brain's file, and peers that had nothing to give may have it now. */
const LOOK_MS = 2_000;
const HANDED_OVER_AT_ONCE = 32;
const DOCUMENTS_AT_ONCE = 64;
const PASSAGES_AT_ONCE = 2_000;
/** The brain is asked for so many at once; each is a point query. */
const LOOKED_UP_AT_ONCE = 1_000;
/** Indexed in one transaction: some milliseconds. */
const INDEXED_AT_ONCE = 128;
const CALLS_AT_ONCE = 16;

export class DocumentSync {
  readonly #deps: DocumentSyncDeps;
  readonly #handOver: Repeated;
  readonly #takeOver: Repeated;
  #timer: Timer | undefined;
  #isStopped = false;
  #isLinked = false;
  /** Documents taken over since the start, and when this run of them began. */
  readonly counts = { documents: 0 };
  #run: { readonly since: number; readonly documents: number } | undefined;

  constructor(deps: DocumentSyncDeps) {
    const { logger } = deps;
    this.#deps = deps;
    this.#handOver = new Repeated(
      () => this.#recordChanges(),
      (error) => logger.error({ err: error }, 'changes of documents cannot be recorded'),
    );
    this.#takeOver = new Repeated(
      () => this.#applyPending(),
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

  /** Documents that have come and are not here yet, and how long they will take, as far as the pace tells. */
  get progress(): { readonly documents: number; readonly etaMs: number | undefined } {
    const documents = this.#deps.pending.count;
    const done = this.#run ? this.counts.documents - this.#run.documents : 0;
    if (!this.#run || documents === 0 || done === 0) return { documents, etaMs: undefined };
    return { documents, etaMs: ((this.#deps.clock.elapsed() - this.#run.since) * documents) / done };
  }

  async #recordChanges(): Promise<void> {
    const { knowledge } = this.#deps;
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

  /** While one batch is indexed, the passages of the next one are on their way. */
  async #applyPending(): Promise<void> {
    const { pending, clock } = this.#deps;
    const upTo = pending.last;
    if (upTo === 0) return;
    this.#run = { since: clock.elapsed(), documents: this.counts.documents };
    let cursor = 0;
    const nextBatch = (): Promise<readonly Ready[]> | undefined => {
      const documents = this.#isStopped ? [] : pending.list(cursor, upTo, DOCUMENTS_AT_ONCE);
      const batch = this.#batchOf(documents);
      cursor = batch.at(-1)?.id ?? cursor;
      const fetched = batch.length > 0 ? this.#gather(batch) : undefined;
      // A failure is met where it is awaited, which may be later.
      fetched?.catch(() => undefined);
      return fetched;
    };
    let fetched = nextBatch();
    while (fetched) {
      const ready = await fetched;
      fetched = nextBatch();
      const applied: Ready[] = [];
      await inGroups(ready, CALLS_AT_ONCE, async (one) => {
        if (await this.#apply(one)) applied.push(one);
      });
      this.#settle(applied);
    }
    this.#run = undefined;
  }

  /** Not more than some thousand passages. */
  #batchOf(documents: readonly PendingDocument[]): readonly PendingDocument[] {
    let passages = 0;
    return documents.filter(({ document }) => {
      const isFull = passages > PASSAGES_AT_ONCE;
      if (!isFull) passages += asArray(bodyOf(this.#heldOf(document))?.passages).length;
      return !isFull;
    });
  }

  /** Those whose passages are all here now, or could not be had. */
  async #gather(batch: readonly PendingDocument[]): Promise<readonly Ready[]> {
    const { knowledge, fetcher } = this.#deps;
    const ready = (await Promise.all(batch.map(({ document }) => this.#read(document)))).filter(
      (one) => one !== undefined,
    );
    const origin = ready.find(({ held }) => held)?.held?.origin;
    const hashes = [...new Set(ready.flatMap((one) => one.hashes))];
    for (let first = 0; first < hashes.length; first += LOOKED_UP_AT_ONCE) {
      const missing = await knowledge.missingPassages(hashes.slice(first, first + LOOKED_UP_AT_ONCE));
      await fetcher.obtain(missing, origin);
    }
    return ready;
  }

  /** Undefined when its list of passages cannot be had now. */
  async #read(document: string): Promise<Ready | undefined> {
    const held = this.#heldOf(document);
    const body = bodyOf(held);
    if (!held || !body) return { document, held, manifest: undefined, hashes: [] };
    const list = passageListOf(body);
    const passages =
      list === undefined ? asArray(body.passages) : await this.#deps.fetcher.fetchList(document, list, held.origin);
    if (!passages) return undefined;
    const hashes = passages.map((passage) => asString(asArray(passage)[0]) ?? '');
    return { document, held, manifest: manifestOf(body, passages), hashes };
  }

  /** Resolves whether the brain has it now. */
  async #apply({ document, manifest, hashes }: Ready): Promise<boolean> {
    const { knowledge } = this.#deps;
    if (manifest && hashes.length > INDEXED_AT_ONCE) {
      const ref = { tenant: asString(manifest.tenant) ?? '', collection: asString(manifest.collection) ?? '' };
      for (let first = 0; first < hashes.length; first += INDEXED_AT_ONCE) {
        await knowledge.stageKnown(ref, hashes.slice(first, first + INDEXED_AT_ONCE));
      }
    }
    const { isApplied, isChangedHere } = await knowledge.applyManifest(document, manifest);
    if (isChangedHere) this.onChange();
    if (isApplied) this.counts.documents += 1;
    return isApplied;
  }

  #settle(applied: readonly Ready[]): void {
    const { log, pending } = this.#deps;
    log.database.transaction(() => {
      for (const { document, held } of applied) {
        // Another version may have come meanwhile. If it was written here its note is gone, and the brain has the old one.
        const now = this.#heldOf(document);
        const isSame = held && now ? compareVersions(held, now) === 0 : held === now;
        if (isSame) pending.remove(document);
        else pending.add(document);
      }
    })();
  }

  #heldOf(document: string): HeldChange | undefined {
    return newest(this.#deps.log.changes.byKey(DOCUMENT_KIND, document).filter(({ isParked }) => !isParked));
  }
}

function bodyOf(held: HeldChange | undefined): JsonObject | undefined {
  return held?.body == null ? undefined : parseObject(held.body);
}

async function inGroups<Item>(
  items: readonly Item[],
  size: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: size }, lane));
}
