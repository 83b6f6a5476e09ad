// With whom rows are still to be compared after an eviction, kept over restarts: a node that dies in the middle of it would
// else lack what others have, until the rare comparison of all rows.

import type { Database } from '../storage/database.ts';

const NAME = 'owed-audits';

export class OwedAudits {
  readonly #read;
  readonly #write;

  constructor(database: Database) {
    this.#read = database.prepare<[], string>(`SELECT value FROM replication_state WHERE name = '${NAME}'`).pluck();
    this.#write = database.prepare(`INSERT OR REPLACE INTO replication_state (name, value) VALUES ('${NAME}', ?)`);
  }

  peers(): readonly string[] {
    return JSON.parse(this.#read.get() ?? '[]') as string[];
  }

  keep(peers: readonly string[]): void {
    this.#write.run(JSON.stringify(peers));
  }
}
