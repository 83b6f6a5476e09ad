// Whose writes a file records. Once a file has been part of a mesh, every process that writes to it records its changes:
// also commands beside the node, and a node whose mesh is switched off for a while. Else what was written meanwhile would
// be overwritten by what the mesh remembers.

import type { Database } from '../storage/database.ts';

/** Undefined while the file has never been part of a mesh. */
export function originOf(database: Database): string | undefined {
  return database.prepare<[], string>("SELECT value FROM replication_state WHERE name = 'origin'").pluck().get();
}

export function rememberOrigin(database: Database, origin: string): void {
  database.prepare("INSERT OR REPLACE INTO replication_state (name, value) VALUES ('origin', ?)").run(origin);
}

/**
 * The file goes on as another node's. What it wrote and never signed was never sent; nobody else may sign it now, so it
 * is written anew under the new origin (`adoptRows`).
 */
export function forgetOrigin(database: Database): void {
  database.transaction(() => {
    const unsent = database
      .prepare<[], { origin: number; epoch: number; seq: number }>(
        'SELECT origin, epoch, MIN(seq) AS seq FROM replication_change WHERE signature IS NULL GROUP BY origin, epoch',
      )
      .all();
    for (const from of unsent) {
      const ofEpoch = 'WHERE origin = @origin AND epoch = @epoch';
      database.prepare(`DELETE FROM replication_change ${ofEpoch} AND seq >= @seq`).run(from);
      for (const table of ['replication_known', 'replication_cleared']) {
        database.prepare(`DELETE FROM ${table} ${ofEpoch} AND first >= @seq`).run(from);
        database.prepare(`UPDATE ${table} SET last = @seq - 1 ${ofEpoch} AND last >= @seq`).run(from);
      }
    }
    database.exec("DELETE FROM replication_state WHERE name = 'origin'");
  })();
}
