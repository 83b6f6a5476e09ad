// What a node remembers in single words, by name.

import type { Database } from './database.ts';

export const SETTINGS_MIGRATIONS: readonly string[] = [
  'CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
];

export class Settings {
  readonly #get;
  readonly #set;

  constructor(database: Database) {
    this.#get = database.prepare<[string], string>('SELECT value FROM setting WHERE name = ?').pluck();
    this.#set = database.prepare('INSERT OR REPLACE INTO setting VALUES (?, ?)');
  }

  get(name: string): string | undefined {
    return this.#get.get(name);
  }

  set(name: string, value: string): void {
    this.#set.run(name, value);
  }
}
