// The plainest kind: named values in a table of two columns; the last writer wins. Tests and small settings use it.

import { type JsonObject, parseObject } from '../../model/json.ts';
import type { Database } from '../../storage/database.ts';
import { canonicalText } from '../change.ts';
import type { Kind } from '../kind.ts';

export interface RegisterOptions {
  readonly name: string;
  /** A table `(key TEXT PRIMARY KEY, body TEXT NOT NULL)`. */
  readonly table: string;
  readonly capability: string;
  readonly bodyBytesMax?: number;
  readonly isValid?: (key: string, body: JsonObject) => boolean;
}

const BODY_BYTES_MAX = 65_536;

export function registerKind(options: RegisterOptions): Kind {
  const table = `"${options.table.replaceAll('"', '""')}"`;
  const writers = new WeakMap<Database, ReturnType<typeof prepare>>();
  const prepare = (database: Database) => ({
    put: database.prepare<[string, string]>(`INSERT OR REPLACE INTO ${table} (key, body) VALUES (?, ?)`),
    remove: database.prepare<[string]>(`DELETE FROM ${table} WHERE key = ?`),
  });
  return {
    name: options.name,
    capability: options.capability,
    bodyBytesMax: options.bodyBytesMax ?? BODY_BYTES_MAX,
    isValid: options.isValid ?? (() => true),
    apply: (database, key, body) => {
      const writer = writers.get(database) ?? prepare(database);
      writers.set(database, writer);
      if (body === undefined) writer.remove.run(key);
      else writer.put.run(key, canonicalText(body));
    },
    *rows(database) {
      const rows = database.prepare<[], { key: string; body: string }>(`SELECT key, body FROM ${table}`).all();
      for (const { key, body } of rows) yield { key, body: parseObject(body) ?? {} };
    },
  };
}
