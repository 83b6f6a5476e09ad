// Things an operator should look at: how often each was seen, of whom, first and last. They never stop anything.

import type { Database } from '../storage/database.ts';

export type FlagName =
  /** A change is stamped far ahead of the mesh: somebody's clock is wrong. */
  | 'clock-ahead'
  /** Peers know changes of ours that we do not: our disk is older than what we sent, or runs twice. */
  | 'disk-restored'
  /** An origin wrote what it may not. */
  | 'not-allowed'
  /** A change whose signature is wrong or missing came from this peer. */
  | 'forged'
  /** A change whose kind or body this version does not understand. */
  | 'parked'
  /** Two different changes bear one number. */
  | 'number-used-twice'
  /** Rows differed although the vectors were equal. */
  | 'audit-difference';

export interface Flag {
  readonly name: FlagName;
  /** Usually an origin or a peer. */
  readonly subject: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A thousand subjects are more than anyone reads; further ones are not added. */
const FLAGS_MAX = 1_000;

export class Flags {
  readonly #raise;
  readonly #list;

  constructor(database: Database) {
    this.#raise = database.prepare<[{ name: string; subject: string; count: number; now: number }]>(
      `INSERT INTO replication_flag (name, subject, count, first_at, last_at)
       SELECT $name, $subject, $count, $now, $now WHERE (SELECT count(*) FROM replication_flag) < ${FLAGS_MAX}
         OR EXISTS (SELECT 1 FROM replication_flag WHERE name = $name AND subject = $subject)
       ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at`,
    );
    this.#list = database.prepare<[], Flag>(
      'SELECT name, subject, count, first_at AS firstAt, last_at AS lastAt FROM replication_flag ORDER BY name, subject',
    );
  }

  raise(name: FlagName, subject: string, now: number, count = 1): void {
    this.#raise.run({ name, subject, count, now: Math.floor(now) });
  }

  list(): Flag[] {
    return this.#list.all();
  }
}
