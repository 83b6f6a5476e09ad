// Answers the requests of peers from the log as it is at this moment. Holds no state between requests, so a peer that
// was cut off asks again, here or elsewhere, and loses nothing.

import { answerAudit } from './audit.ts';
import type { Change } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import type { HeldChange } from './change-table.ts';
import type { Page, Reply, Request } from './messages.ts';
import { wireBytesOf } from './messages.ts';
import { type DotRange, VersionVector } from './version-vector.ts';

/** A page's changes and ranges, in bytes on the wire. A single larger change makes a larger page. */
export const PAGE_BYTES_MAX = 60_000;
/** A page holds some tens of them: reading more in vain takes milliseconds, in which no token moves. */
const ROWS_AT_ONCE = 32;
/** What one more cleared range adds to a page, at most. */
const RANGE_BYTES = 24;
const RANGES_MAX = 2_000;

/** Every own change must be signed by now: see `ChangeLog.signPending`. */
export function answer(log: ChangeLog, request: Request, pageBytesMax = PAGE_BYTES_MAX): Reply {
  if (log.hasUnsigned) return { type: 'busy' };
  switch (request.type) {
    case 'digest':
      if (request.digest === log.digest()) return { type: 'same' };
      return {
        type: 'vector',
        known: log.vector(),
        collected: log.collectedVector(),
        collectedHlc: log.collectedHlc,
      };
    case 'want':
      return makePage(log, request.have, pageBytesMax);
    case 'cleared':
      return listCleared(log, request.after);
    case 'audit':
      return answerAudit(log, request);
    case 'fetch':
      return {
        type: 'rows',
        changes: request.rows.flatMap(({ kind, key }) => log.changes.byKey(kind, key)).filter(isSigned),
        collected: log.collectedVector(),
      };
  }
}

/** The next part of what we know and the asker does not, in order of origin, epoch and number. */
function makePage(log: ChangeLog, have: VersionVector, bytesMax: number): Page {
  const page = new PageMaker(log, bytesMax);
  for (const range of log.vector().minus(have).ranges()) {
    if (!page.take(range)) return page.finish(false);
  }
  return page.finish(true);
}

class PageMaker {
  readonly #log: ChangeLog;
  readonly #bytesMax: number;
  readonly #changes: Change[] = [];
  readonly #cleared = new VersionVector();
  #bytes = 0;

  constructor(log: ChangeLog, bytesMax: number) {
    this.#log = log;
    this.#bytesMax = bytesMax;
  }

  /** False when the page is full before the range's end. */
  take(range: DotRange): boolean {
    if (this.#bytes > this.#bytesMax) return false;
    let first = range.first;
    for (;;) {
      const rows = this.#log.changes.inRange({ ...range, first }, ROWS_AT_ONCE).filter(isSigned);
      for (const row of rows) {
        this.#takeCleared({ ...range, first, last: row.seq - 1 });
        first = row.seq;
        const bytes = wireBytesOf(row);
        if (this.#changes.length > 0 && this.#bytes + bytes > this.#bytesMax) return false;
        this.#bytes += bytes;
        this.#changes.push(row);
        first = row.seq + 1;
      }
      if (rows.length < ROWS_AT_ONCE) break;
    }
    this.#takeCleared({ ...range, first });
    return true;
  }

  finish(isLast: boolean): Page {
    return { type: 'page', changes: this.#changes, cleared: this.#cleared, isLast };
  }

  #takeCleared(range: DotRange): void {
    if (range.first > range.last) return;
    for (const cleared of this.#log.cleared.within(range)) {
      this.#cleared.add(cleared);
      this.#bytes += RANGE_BYTES;
    }
  }
}

function listCleared(log: ChangeLog, after: { origin: string; epoch: number; seq: number } | undefined): Reply {
  const cleared = new VersionVector();
  let count = 0;
  for (const range of log.cleared.load().ranges()) {
    if (after && !isAfter(range, after)) continue;
    if (count === RANGES_MAX) return { type: 'cleared', cleared, next: lastOf(cleared) };
    cleared.add(range);
    count += 1;
  }
  return { type: 'cleared', cleared, next: undefined };
}

function isAfter(range: DotRange, dot: { origin: string; epoch: number; seq: number }): boolean {
  if (range.origin !== dot.origin) return range.origin > dot.origin;
  if (range.epoch !== dot.epoch) return range.epoch > dot.epoch;
  return range.first > dot.seq;
}

function lastOf(vector: VersionVector): { origin: string; epoch: number; seq: number } | undefined {
  const range = [...vector.ranges()].at(-1);
  return range && { origin: range.origin, epoch: range.epoch, seq: range.last };
}

function isSigned(change: HeldChange): change is HeldChange & { readonly signature: Uint8Array } {
  return change.signature !== null;
}
