// Kept answers: a few of them in memory, all of them in cache.db, which may be deleted at any time. Reading is one point
// query; writing waits for the end of the event loop's turn, and all writes of one turn make one transaction.
//
// Nothing that goes wrong here fails a request: an answer that cannot be read is asked for again.

import { LRUCache } from 'lru-cache';
import { mediaLength } from '../model/stream.ts';
import type { Clock } from '../ports.ts';
import { type ChangeRecorder, NOBODY_LISTENS } from '../storage/changes.ts';
import { type FileOpener, isDamage } from '../storage/database.ts';
import { type DisposableFile, openAnew, openDisposable } from '../storage/disposable.ts';
import { CACHE_MIGRATIONS, CacheTable, type Extent, type SpaceExtent, type SpacePattern } from './cache-table.ts';
import { ageOf, type CachedAnswer, type CacheSpace } from './cached-answer.ts';
import { SureTime } from './sure-time.ts';

export interface CacheLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly entryBytesMax: number;
}

export interface ResponseCacheOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly open?: FileOpener;
  readonly clock: Clock;
  readonly limits: () => CacheLimits;
  /** The file could not be read or written, or had to be made anew. */
  readonly onFailure: (error: unknown) => void;
  readonly changes?: ChangeRecorder;
  /** The wall clock that all nodes share, as far as this one knows; default: its own. */
  readonly meshNow?: () => number;
}

/** Characters of answers kept in memory; as objects they take about three bytes each. */
const HOT_LENGTH_MAX = 8 * 1024 * 1024;
/** So many uses are noted in the file at once. */
const TOUCHED_MAX = 500;
/** Of the answers, when there are too many: the oldest are looked for once for several. */
const REMOVED_SHARE = 0.01;
/** Expired answers are looked for once in this many transactions. */
const EXPIRY_PERIOD = 50;

export class ResponseCache {
  readonly #clock: Clock;
  readonly #meshNow: () => number;
  readonly #limits: () => CacheLimits;
  readonly #onFailure: (error: unknown) => void;
  readonly #changes: ChangeRecorder;
  readonly #file: DisposableFile;
  readonly #hot = new LRUCache<string, CachedAnswer>({ maxSize: HOT_LENGTH_MAX, sizeCalculation: lengthOf });
  readonly #epochs = new Map<string, number>();
  /** When each was used last; the file learns of it now and then. */
  readonly #touched = new Map<string, number>();
  #queue: { readonly answer: CachedAnswer; readonly isForeign: boolean }[] = [];
  #isScheduled = false;
  #transactions = 0;
  #table: CacheTable;
  #time: SureTime;
  #extent: Extent = NOTHING;

  constructor(options: ResponseCacheOptions) {
    const { path, open, clock, limits, onFailure, changes = NOBODY_LISTENS, meshNow } = options;
    this.#clock = clock;
    this.#meshNow = meshNow ?? (() => clock.now());
    this.#limits = limits;
    this.#onFailure = onFailure;
    this.#changes = changes;
    this.#file = { path, open, migrations: CACHE_MIGRATIONS, onLoss: onFailure };
    this.#table = new CacheTable(openDisposable(this.#file), changes);
    this.#time = new SureTime(clock, undefined);
    this.#guarded(() => this.#load());
  }

  /** By which answers grow old. */
  now(): number {
    return this.#time.now();
  }

  /** The answer, however old; undefined when there is none, or its space was cleared since. */
  find(key: string): CachedAnswer | undefined {
    const answer = this.#hot.get(key) ?? this.#read(key);
    if (!answer) return undefined;
    const nowMs = this.now();
    if (answer.epoch < this.epochOf(answer) || ageOf(answer, nowMs) >= answer.maxAgeMs) return undefined;
    this.#touched.set(key, nowMs);
    if (this.#touched.size >= TOUCHED_MAX) this.#schedule();
    return answer;
  }

  /** Keeps it, unless it is too large or its space has been cleared meanwhile. */
  put(answer: CachedAnswer): void {
    this.#put(answer, false);
  }

  /** Of another node, unless it is too old or a younger one is here. Nobody is told of it again. */
  accept(answer: CachedAnswer): void {
    // Of a clock that is ahead of ours, it would stay young for as long: its age counts from now.
    const ageMs = ageOf(answer, this.#meshNow());
    if (ageMs >= answer.maxAgeMs) return;
    const createdAt = this.now() - ageMs;
    const known = this.#hot.get(answer.key) ?? this.#read(answer.key);
    if (known && known.createdAt >= createdAt && known.epoch >= answer.epoch) return;
    this.#put({ ...answer, createdAt }, true);
  }

  #put(answer: CachedAnswer, isForeign: boolean): void {
    if (answer.epoch < this.epochOf(answer) || lengthOf(answer) > this.#limits().entryBytesMax) return;
    this.#hot.set(answer.key, answer);
    this.#queue.push({ answer, isForeign });
    this.#schedule();
  }

  /** Of what is asked for now. Rises when anything that contains the space is cleared. */
  epochOf({ scope, namespace }: CacheSpace): number {
    if (this.#epochs.size === 0) return 0;
    const patterns = [
      ['', ''],
      [scope, ''],
      ['', namespace],
      [scope, namespace],
    ] as const;
    return Math.max(...patterns.map(([one, other]) => this.#epochs.get(epochKey(one, other)) ?? 0));
  }

  /** Forgets the answers of a space; an empty part stands for anything. Returns how many there were. */
  clear(pattern: SpacePattern): number {
    // Later than any epoch of before, here and, as clocks go, on other nodes.
    const latest = Math.max(0, ...this.#epochs.values());
    return this.#raise(pattern, Math.max(this.#clock.now(), latest + 1), false);
  }

  /** Another node has forgotten the answers of a space. */
  acceptEpoch(pattern: SpacePattern, epoch: number): void {
    if (epoch > (this.#epochs.get(epochKey(pattern.scope, pattern.namespace)) ?? 0)) this.#raise(pattern, epoch, true);
  }

  #raise(pattern: SpacePattern, epoch: number, isForeign: boolean): number {
    this.flush();
    this.#epochs.set(epochKey(pattern.scope, pattern.namespace), epoch);
    this.#hot.clear();
    const removed = this.#guarded(() => this.#table.clear(pattern, epoch, isForeign)) ?? NOTHING;
    this.#extent = sum(this.#extent, removed);
    return -removed.entries;
  }

  get extent(): Extent {
    return this.#extent;
  }

  spaces(): readonly SpaceExtent[] {
    this.flush();
    return this.#guarded(() => this.#table.spaces()) ?? [];
  }

  /** Writes what is queued now. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#isScheduled = false;
    if (queue.length === 0 && this.#touched.size === 0) return;
    this.#guarded(() => {
      let extent = this.#extent;
      this.#table.transaction(() => {
        extent = this.#write(queue);
      });
      this.#extent = extent;
    });
  }

  close(): void {
    this.flush();
    this.#guarded(() => this.#table.keepMoment(this.#time.moment()));
    this.#table.close();
  }

  #load(): void {
    this.#time = new SureTime(this.#clock, this.#table.moment());
    this.#extent = this.#table.extent();
    for (const { scope, namespace, epoch } of this.#table.epochs()) {
      this.#epochs.set(epochKey(scope, namespace), epoch);
    }
  }

  #read(key: string): CachedAnswer | undefined {
    const answer = this.#guarded(() => this.#table.find(key));
    if (answer) this.#hot.set(key, answer);
    return answer;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(() => this.flush());
  }

  /** Returns what the file holds then. */
  #write(queue: readonly { readonly answer: CachedAnswer; readonly isForeign: boolean }[]): Extent {
    const nowMs = this.now();
    const meshNowMs = this.#meshNow();
    let extent = this.#extent;
    for (const { answer, isForeign } of queue) {
      const madeAtMs = isForeign ? undefined : Math.round(meshNowMs - ageOf(answer, nowMs));
      extent = sum(extent, this.#table.put(answer, nowMs, madeAtMs));
    }
    this.#table.keepMoment(this.#time.moment());
    for (const [key, usedAt] of this.#touched) this.#table.touch(key, usedAt);
    this.#touched.clear();
    if (this.#transactions % EXPIRY_PERIOD === 0) extent = sum(extent, this.#table.removeExpired(nowMs));
    this.#transactions += 1;
    const { bytesMax, entriesMax } = this.#limits();
    while (extent.bytes > bytesMax || extent.entries > entriesMax) {
      const removed = this.#table.removeOldest(Math.ceil(extent.entries * REMOVED_SHARE));
      if (removed.entries === 0) break;
      extent = sum(extent, removed);
    }
    return extent;
  }

  /** Undefined when the file failed. A damaged one is replaced by an empty one. */
  #guarded<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      this.#onFailure(error);
      if (!isDamage(error)) return undefined;
      this.#table.close();
      this.#table = new CacheTable(openAnew(this.#file), this.#changes);
      this.#extent = NOTHING;
      return undefined;
    }
  }
}

const NOTHING: Extent = { entries: 0, bytes: 0 };

function sum(a: Extent, b: Extent): Extent {
  return { entries: a.entries + b.entries, bytes: a.bytes + b.bytes };
}

function epochKey(scope: string, namespace: string): string {
  return `${scope}\n${namespace}`;
}

/** About what it takes in the file. */
function lengthOf({ events }: CachedAnswer): number {
  let length = 200;
  for (const event of events) length += 50 + textLengthOf(event);
  return length;
}

function textLengthOf(event: CachedAnswer['events'][number]): number {
  if ('text' in event) return event.text.length;
  if (event.type === 'tool-call-delta') return event.argumentsDelta.length;
  if (event.type === 'media-add') return mediaLength(event.media);
  return event.type === 'logprobs-add' || event.type === 'annotation-add' ? JSON.stringify(event).length : 0;
}
