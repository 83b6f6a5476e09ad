// How old the ledger's entries are, by time that has surely passed. Their stamps are the wall clock's, which may be set: a
// machine without a battery begins in 1970 and leaps to the present when the network is there, and an hour later everything
// would look forty years old. So time is counted here: what passes while the process runs, and between two processes
// what the wall clock says when it is believable. Marks say which entries there were at which count.

import type { Clock } from '../ports.ts';
import type { Database } from '../storage/database.ts';

/** The wall clock may gain so much at once: a night, a weekend, a week switched off or asleep. More is a clock that was set. */
const BELIEVED_GAP_MS = 7 * 86_400_000;
/** Marks are as far apart, so entries go by so much later. */
const MARK_EVERY_MS = 6 * 3_600_000;

interface Count {
  readonly ageMs: number;
  readonly wallMs: number;
}

export class LedgerAge {
  readonly #database: Database;
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>;
  #count: Count;
  #elapsedMs: number;

  constructor(database: Database, clock: Pick<Clock, 'now' | 'elapsed'>) {
    this.#database = database;
    this.#clock = clock;
    this.#count = database.prepare<[], Count>('SELECT age_ms AS ageMs, wall_ms AS wallMs FROM ledger_age').get() ?? {
      ageMs: 0,
      wallMs: clock.now(),
    };
    this.#elapsedMs = clock.elapsed();
  }

  /** The last entry that there was when the newest mark was made: an id that was given away, even if it is pruned. */
  get lastId(): number {
    return this.#database.prepare<[], number>('SELECT COALESCE(MAX(last_id), 0) FROM ledger_mark').pluck().get() ?? 0;
  }

  /** Counts the time since it was asked last, and marks up to where entries are by now. */
  pass(lastId: number): void {
    const elapsedMs = this.#clock.elapsed();
    const wallMs = this.#clock.now();
    const ranMs = elapsedMs - this.#elapsedMs;
    const slipMs = wallMs - this.#count.wallMs - ranMs;
    const isBelieved = slipMs > 0 && slipMs <= BELIEVED_GAP_MS;
    this.#count = { ageMs: Math.round(this.#count.ageMs + ranMs + (isBelieved ? slipMs : 0)), wallMs };
    this.#elapsedMs = elapsedMs;
    this.#database.transaction(() => this.#keep(lastId))();
  }

  /** The last entry that is older than this; undefined when none surely is. */
  olderThan(retentionMs: number): number | undefined {
    return this.#database
      .prepare<[number], number>('SELECT last_id FROM ledger_mark WHERE age_ms <= ? ORDER BY age_ms DESC LIMIT 1')
      .pluck()
      .get(this.#count.ageMs - retentionMs);
  }

  /** What is older than this has gone. The newest mark stays. */
  forget(retentionMs: number): void {
    this.#database
      .prepare('DELETE FROM ledger_mark WHERE age_ms <= ? AND age_ms < (SELECT MAX(age_ms) FROM ledger_mark)')
      .run(this.#count.ageMs - retentionMs);
  }

  #keep(lastId: number): void {
    const { ageMs, wallMs } = this.#count;
    const database = this.#database;
    database.prepare('INSERT OR REPLACE INTO ledger_age (id, age_ms, wall_ms) VALUES (1, ?, ?)').run(ageMs, wallMs);
    const newest = database.prepare<[], number | null>('SELECT MAX(age_ms) FROM ledger_mark').pluck().get() ?? null;
    if (newest !== null && ageMs < newest + MARK_EVERY_MS) return;
    database.prepare('INSERT INTO ledger_mark (age_ms, last_id) VALUES (?, ?)').run(ageMs, lastId);
  }
}
