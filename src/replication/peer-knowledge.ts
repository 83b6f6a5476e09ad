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
  readonly #find;
  readonly #write;
  readonly #expect;

  constructor(database: Database) {
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
  }

  of(peer: string): Acknowledged | undefined {
    const heard = this.#heard.get(peer);
    if (heard) return heard;
    const row = this.#find.get(peer);
    const known = row && VersionVector.parse(parseObject(row.known));
    return row && known && { known, heardAt: row.heard_at };
  }

  /** Replaces what we believed: a peer with a restored disk knows less than it did. `known` is not changed later. */
  heard(peer: string, known: VersionVector, now: number): void {
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
}
