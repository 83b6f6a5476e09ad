// What each peer has told us that it knows, and when. Tombstones wait for it.

import { parseObject } from '../model/json.ts';
import type { Database } from '../storage/database.ts';
import { VersionVector } from './version-vector.ts';

export interface Acknowledged {
  readonly known: VersionVector;
  /** Milliseconds since 1970, by this node's clock. */
  readonly heardAt: number;
}

/** What a peer has learnt is written down only so often: until then the file believes less than is true, which is safe. */
const WRITTEN_EVERY_MS = 60_000;

export class PeerKnowledge {
  /** As this process has heard it, where the file is behind. */
  readonly #heard = new Map<string, Acknowledged>();
  /** As this process has written it. */
  readonly #written = new Map<string, Acknowledged>();
  readonly #database: Database;
  /** Of the file, when something was remembered last. */
  #rollbacks = 0;
  readonly #find;
  readonly #write;
  readonly #expect;
  readonly #forgetOthers;

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare<[string], { known: string; heard_at: number }>(
      'SELECT known, heard_at FROM replication_peer WHERE peer = ?',
    );
    this.#write = database.prepare(
      `INSERT INTO replication_peer (peer, known, heard_at) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET known = excluded.known, heard_at = excluded.heard_at`,
    );
    this.#expect = database.prepare(
      "INSERT INTO replication_peer (peer, known, heard_at) VALUES (?, '{}', ?) ON CONFLICT DO NOTHING",
    );
    this.#forgetOthers = database.prepare<[string], unknown>(
      'DELETE FROM replication_peer WHERE peer NOT IN (SELECT value FROM json_each(?))',
    );
  }

  of(peer: string): Acknowledged | undefined {
    this.#notice();
    const heard = this.#heard.get(peer);
    if (heard) return heard;
    const row = this.#find.get(peer);
    const known = row && VersionVector.parse(parseObject(row.known));
    return row && known && { known, heardAt: row.heard_at };
  }

  /** Replaces what we believed: a peer with a restored disk knows less than it did. `known` is not changed later. */
  heard(peer: string, known: VersionVector, now: number): void {
    this.#notice();
    const heardAt = Math.floor(now);
    const written = this.#written.get(peer);
    if (written && Math.abs(heardAt - written.heardAt) < WRITTEN_EVERY_MS && known.dominates(written.known)) {
      this.#heard.set(peer, { known, heardAt });
      return;
    }
    // What could not be written is not believed either.
    this.#heard.delete(peer);
    this.#write.run(peer, JSON.stringify(known.toJson()), heardAt);
    this.#written.set(peer, { known, heardAt });
  }

  /** A member of whom nothing was heard yet: its silence begins now. */
  expect(peer: string, now: number): void {
    this.#expect.run(peer, Math.floor(now));
  }

  /**
   * Whoever is no member any more keeps no tombstone from going. One that becomes a member again may come with another
   * disk, and is as one of whom nothing was heard.
   */
  keepOnly(members: readonly string[]): void {
    const kept = new Set(members);
    for (const remembered of [this.#heard, this.#written]) {
      for (const peer of remembered.keys()) if (!kept.has(peer)) remembered.delete(peer);
    }
    this.#forgetOthers.run(JSON.stringify(members));
  }

  /** What was written in a transaction that was rolled back is not in the file: there the older belief stands again. */
  #notice(): void {
    const { rollbacks } = this.#database;
    if (rollbacks === this.#rollbacks) return;
    this.#rollbacks = rollbacks;
    this.#heard.clear();
    this.#written.clear();
  }
}
