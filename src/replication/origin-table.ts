// Names of origins are long and rows are many: rows hold a number. No row is ever removed or changed, so numbers are
// remembered, until the transaction of some caller is rolled back: it may have added a name.

import type { Database } from '../storage/database.ts';

export class OriginTable {
  readonly #database: Database;
  readonly #numbers = new Map<string, number>();
  #rollbacks = 0;
  readonly #find;
  readonly #add;

  constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare<[string], number>('SELECT id FROM replication_origin WHERE name = ?').pluck();
    this.#add = database
      .prepare<[string], number>('INSERT INTO replication_origin (name) VALUES (?) RETURNING id')
      .pluck();
  }

  find(name: string): number | undefined {
    const { rollbacks } = this.#database;
    if (rollbacks !== this.#rollbacks) this.#numbers.clear();
    this.#rollbacks = rollbacks;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const found = this.#find.get(name);
    if (found !== undefined) this.#numbers.set(name, found);
    return found;
  }

  idOf(name: string): number {
    const id = this.find(name) ?? this.#add.get(name);
    if (id === undefined) throw new Error(`The origin ${name} could not be stored`);
    return id;
  }
}
