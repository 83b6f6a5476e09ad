// Uses files together with other processes, and says what came of it. Started by database.test.ts.

import { setTimeout } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { openDatabase } from '../../src/storage/database.ts';

export type Order =
  /** Opens each of these and writes a row; answers with the outcomes. */
  | { readonly open: readonly string[]; readonly migrations: readonly string[] }
  /** Is about to write to this empty file; answers when it holds the lock, and soon lets go of it. */
  | { readonly hold: string };

process.on('message', async (order: Order) => {
  if ('open' in order) {
    process.send?.(order.open.map((path) => opened(path, order.migrations)));
    return;
  }
  const database = new BetterSqlite3(order.hold);
  database.exec('BEGIN IMMEDIATE');
  process.send?.('held');
  await setTimeout(100);
  database.exec('COMMIT');
  database.close();
});
process.send?.('ready');

function opened(path: string, migrations: readonly string[]): string {
  try {
    const database = openDatabase(path, migrations);
    database.exec(`INSERT INTO words VALUES ('${process.pid}', 1)`);
    database.close();
    return 'opened';
  } catch (error) {
    return String(error);
  }
}
