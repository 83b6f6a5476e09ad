// What each peer has told us that it knows, and when. Tombstones wait for it.

import { parseObject } from '../model/json.ts';
import type { Database } from '../storage/database.ts';
import { VersionVector } from './version-vector.ts';

export interface Acknowledged {
  readonly known: VersionVector;
  /** Milliseconds since 1970, by this node's clock. */
  readonly heardAt: number;
}

/** What a peer says again is written down again only so often: it is about silences of days. */
const WRITTEN_EVERY_MS = 60_000;

export class PeerKnowledge {
  /** As it was written last by this process. */
  readonly #written = new Map<string, { readonly known: string; readonly at: number }>();
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
    const row = this.#find.get(peer);
    const known = row && VersionVector.parse(parseObject(row.known));
    return row && known && { known, heardAt: row.heard_at };
  }

  /** Replaces what we believed: a peer with a restored disk knows less than it did. */
  heard(peer: string, known: VersionVector, now: number): void {
    const text = JSON.stringify(known.toJson());
    const written = this.#written.get(peer);
    if (written?.known === text && Math.abs(now - written.at) < WRITTEN_EVERY_MS) return;
    this.#write.run(peer, text, Math.floor(now));
    this.#written.set(peer, { known: text, at: now });
  }

  /** A member of whom nothing was heard yet: its silence begins now. */
  expect(peer: string, now: number): void {
    this.#expect.run(peer, Math.floor(now));
  }
}
