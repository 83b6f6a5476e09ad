// Brings what the change log says of documents into the brain: fetches the passages that are missing, then lets the brain
// index many documents at once. While one batch is indexed, the passages of the next one are on their way.

import { asArray, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Clock, Logger } from '../../ports.ts';
import { compareVersions } from '../../replication/change.ts';
import { type ChangeLog, newest } from '../../replication/change-log.ts';
import type { HeldChange } from '../../replication/change-table.ts';
import { severalAtOnce } from '../ingest/several-at-once.ts';
import { DOCUMENT_KIND } from '../store/manifest.ts';
import type { KnowledgeReplica } from '../worker/client.ts';
import { manifestOf, passageListOf } from './document-kind.ts';
import { LostVersions } from './lost-versions.ts';
import type { PassageFetcher } from './passage-fetcher.ts';
import type { PendingDocuments } from './pending-documents.ts';

export interface DocumentTakeoverDeps {
  readonly log: ChangeLog;
  readonly pending: PendingDocuments;
  readonly knowledge: KnowledgeReplica;
  readonly fetcher: PassageFetcher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The brain has a document with a change of ours that the log does not know yet. */
  readonly onChangedHere: () => void;
}

/** A document that is to be brought to what the log holds of it. */
interface Wanted {
  readonly document: string;
  readonly held: HeldChange | undefined;
  /** Undefined: the document goes. */
  readonly body: JsonObject | undefined;
}

/** A document with all that the brain needs. */
interface Ready {
  readonly wanted: Wanted;
  /** Undefined: the document goes. */
  readonly manifest: JsonObject | undefined;
  readonly hashes: readonly string[];
}

const DOCUMENTS_AT_ONCE = 256;
const PASSAGES_AT_ONCE = 2_000;
/** Passages of a document that does not say how many it has: some hundreds at least. */
const LONG_DOCUMENT = 500;
/** The brain is asked for so many at once; each is a point query. */
const LOOKED_UP_AT_ONCE = 1_000;
/** Indexed in one transaction: some milliseconds. */
const INDEXED_AT_ONCE = 128;
/** Lists of long documents that are asked for at once. */
const LISTS_AT_ONCE = 16;
/** Of removals and very short documents. */
const DOCUMENTS_APPLIED_AT_ONCE = 64;
/** The brain is never without work, and nobody else waits for long. */
const PARTS_AT_ONCE = 4;

export class DocumentTakeover {
  readonly #deps: DocumentTakeoverDeps;
  readonly #lostVersions: LostVersions;
  /** In this run: versions of ours whose texts nobody gave. */
  #lacking: { readonly document: string; readonly held: HeldChange }[] = [];
  /** Documents taken over since the start, and when this run of them began. */
  readonly counts = { documents: 0 };
  #run: { readonly since: number; readonly documents: number } | undefined;

  constructor(deps: DocumentTakeoverDeps) {
    this.#deps = deps;
    this.#lostVersions = new LostVersions(deps);
  }

  /** Documents that have come and are not here yet, and how long they will take, as far as the pace tells. */
  get progress(): { readonly documents: number; readonly etaMs: number | undefined } {
    const documents = this.#deps.pending.count;
    const done = this.#run ? this.counts.documents - this.#run.documents : 0;
    if (!this.#run || documents === 0 || done === 0) return { documents, etaMs: undefined };
    return { documents, etaMs: ((this.#deps.clock.elapsed() - this.#run.since) * documents) / done };
  }

  /** All that wait now, once each: those whose passages nobody has stay for the next time. */
  async run(isStopped: () => boolean): Promise<void> {
    const { pending, clock } = this.#deps;
    const upTo = pending.last;
    if (upTo === 0) return;
    this.#run = { since: clock.elapsed(), documents: this.counts.documents };
    this.#lacking = [];
    let cursor = 0;
    const nextBatch = (): Promise<readonly Ready[]> | undefined => {
      const { batch, last } = isStopped() ? { batch: [], last: 0 } : this.#batchAfter(cursor, upTo);
      if (batch.length === 0) return undefined;
      cursor = last;
      const gathered = this.#gather(batch);
      // A failure is met where it is awaited, which may be later.
      gathered.catch(() => undefined);
      return gathered;
    };
    let gathered = nextBatch();
    while (gathered) {
      const ready = await gathered;
      gathered = nextBatch();
      const applied = severalAtOnce(inParts(ready), PARTS_AT_ONCE, (part) => this.#apply(part));
      for await (const done of applied) this.#settle(done);
    }
    for (const { document, held } of this.#lacking) await this.#lostVersions.replace(document, held);
    this.#run = undefined;
  }

  /** Not more than some thousand passages. */
  #batchAfter(after: number, upTo: number): { readonly batch: readonly Wanted[]; readonly last: number } {
    const batch: Wanted[] = [];
    let [passages, last] = [0, after];
    for (const { id, document } of this.#deps.pending.list(after, upTo, DOCUMENTS_AT_ONCE)) {
      if (passages > PASSAGES_AT_ONCE) break;
      const held = this.#heldOf(document);
      const body = held?.body == null ? undefined : parseObject(held.body);
      batch.push({ document, held, body });
      passages += body && passageListOf(body) !== undefined ? LONG_DOCUMENT : asArray(body?.passages).length;
      last = id;
    }
    return { batch, last };
  }

  /** Those whose passages are all here now, or could not be had. */
  async #gather(batch: readonly Wanted[]): Promise<readonly Ready[]> {
    const { knowledge, fetcher } = this.#deps;
    const ready: Ready[] = [];
    for (let first = 0; first < batch.length; first += LISTS_AT_ONCE) {
      const read = batch.slice(first, first + LISTS_AT_ONCE).map((wanted) => this.#read(wanted));
      ready.push(...(await Promise.all(read)).filter((one) => one !== undefined));
    }
    const origin = batch.find(({ held }) => held)?.held?.origin;
    const hashes = [...new Set(ready.flatMap((one) => one.hashes))];
    for (let first = 0; first < hashes.length; first += LOOKED_UP_AT_ONCE) {
      const missing = await knowledge.missingPassages(hashes.slice(first, first + LOOKED_UP_AT_ONCE));
      await fetcher.obtain(missing, origin);
    }
    return ready;
  }

  /** Undefined when its list of passages cannot be had now. */
  async #read(wanted: Wanted): Promise<Ready | undefined> {
    const { document, held, body } = wanted;
    if (!held || !body) return { wanted, manifest: undefined, hashes: [] };
    const list = passageListOf(body);
    const passages =
      list === undefined ? asArray(body.passages) : await this.#deps.fetcher.fetchList(document, list, held.origin);
    if (!passages) {
      this.#noteLacking(wanted);
      return undefined;
    }
    const hashes = passages.map((passage) => asString(asArray(passage)[0]) ?? '');
    return { wanted, manifest: manifestOf(body, passages), hashes };
  }

  /** Resolves with those of which nothing is left to do. */
  async #apply(part: readonly Ready[]): Promise<readonly Wanted[]> {
    const { knowledge, logger, onChangedHere } = this.#deps;
    for (const { manifest, hashes } of part) {
      if (!manifest || hashes.length <= INDEXED_AT_ONCE) continue;
      const ref = { tenant: asString(manifest.tenant) ?? '', collection: asString(manifest.collection) ?? '' };
      for (let first = 0; first < hashes.length; first += INDEXED_AT_ONCE) {
        await knowledge.stageKnown(ref, hashes.slice(first, first + INDEXED_AT_ONCE));
      }
    }
    // What was written here since the log was read would be overwritten, and its passages, which nobody else has yet, thrown
    // away. The brain does what it is asked in order: a note it has dropped by then was in the log before we ask.
    const current = part.filter(({ wanted }) => this.#isCurrent(wanted));
    const documents = current.map(({ wanted, manifest }) => ({ id: wanted.document, body: manifest }));
    const outcomes = await knowledge.applyManifests(documents);
    const isDone = (wanted: Wanted, index: number): boolean => {
      const { document } = wanted;
      const outcome = outcomes[index];
      if (outcome && outcome.missing.length > 0) this.#noteLacking(wanted);
      if (outcome?.isChangedHere) onChangedHere();
      if (outcome?.isApplied) this.counts.documents += 1;
      if (outcome?.isRefused) logger.warn({ document }, 'a document of another node makes no sense and is left out');
      return outcome?.isApplied === true || outcome?.isRefused === true;
    };
    return current.map(({ wanted }) => wanted).filter(isDone);
  }

  #noteLacking({ document, held }: Wanted): void {
    if (held?.origin === this.#deps.log.origin) this.#lacking.push({ document, held });
  }

  #settle(done: readonly Wanted[]): void {
    const { log, pending } = this.#deps;
    log.database.transaction(() => {
      // Of another version that has come meanwhile there is a note.
      for (const wanted of done) if (this.#isCurrent(wanted)) pending.remove(wanted.document);
    })();
  }

  /** The log still says of the document what it said when it was read. */
  #isCurrent({ document, held }: Wanted): boolean {
    const now = this.#heldOf(document);
    return held && now ? compareVersions(held, now) === 0 : held === now;
  }

  #heldOf(document: string): HeldChange | undefined {
    return newest(this.#deps.log.changes.byKey(DOCUMENT_KIND, document).filter(({ isParked }) => !isParked));
  }
}

/** Each part is one transaction of the brain: a long document alone, or short ones together. */
function inParts(ready: readonly Ready[]): Ready[][] {
  const parts: Ready[][] = [];
  let room = { documents: 0, passages: 0 };
  for (const one of ready) {
    const part = parts.at(-1);
    const isFull = room.documents === 0 || one.hashes.length > room.passages;
    if (part && !isFull) part.push(one);
    else {
      parts.push([one]);
      room = { documents: DOCUMENTS_APPLIED_AT_ONCE, passages: INDEXED_AT_ONCE };
    }
    room = { documents: room.documents - 1, passages: room.passages - one.hashes.length };
  }
  return parts;
}
