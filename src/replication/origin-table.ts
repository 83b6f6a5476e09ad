// Names of origins are long and rows are many: rows hold a number. Nothing is kept in memory, since the caller's
// transaction may be rolled back after a name was added.

import type { Database } from '../storage/database.ts';

export class OriginTable {
  readonly #find;
  readonly #add;

  constructor(database: Database) {
    this.#find = database.prepare<[string], number>('SELECT id FROM replication_origin WHERE name = ?').pluck();
    this.#add = database
      .prepare<[string], number>('INSERT INTO replication_origin (name) VALUES (?) RETURNING id')
      .pluck();
  }

  find(name: string): number | undefined {
    return this.#find.get(name);
  }

  idOf(name: string): number {
    const id = this.#find.get(name) ?? this.#add.get(name);
    if (id === undefined) throw new Error(`The origin ${name} could not be stored`);
    return id;
  }
}
