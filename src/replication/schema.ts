// The tables of one change log. Each file that replicates has them once; its owner adds these steps to its migrations.

export const REPLICATION_MIGRATIONS: readonly string[] = [
  `CREATE TABLE replication_origin (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE
   );
   -- One row for each live row and tombstone: what was superseded is in replication_cleared.
   CREATE TABLE replication_change (
     id INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     origin INTEGER NOT NULL REFERENCES replication_origin (id),
     epoch INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     hlc TEXT NOT NULL,
     base TEXT NOT NULL,
     context TEXT,
     body TEXT,
     signature BLOB,
     stored_at INTEGER NOT NULL,
     is_parked INTEGER NOT NULL DEFAULT 0
   );
   CREATE UNIQUE INDEX replication_change_by_key ON replication_change (kind, key, origin, epoch, seq);
   CREATE INDEX replication_change_by_dot ON replication_change (origin, epoch, seq);
   CREATE INDEX replication_tombstone ON replication_change (stored_at) WHERE body IS NULL;
   CREATE INDEX replication_unsigned ON replication_change (id) WHERE signature IS NULL;
   CREATE INDEX replication_parked ON replication_change (kind) WHERE is_parked = 1;
   CREATE TABLE replication_known (
     origin INTEGER NOT NULL REFERENCES replication_origin (id),
     epoch INTEGER NOT NULL,
     first INTEGER NOT NULL,
     last INTEGER NOT NULL,
     PRIMARY KEY (origin, epoch, first)
   ) WITHOUT ROWID;
   CREATE TABLE replication_cleared (
     origin INTEGER NOT NULL REFERENCES replication_origin (id),
     epoch INTEGER NOT NULL,
     first INTEGER NOT NULL,
     last INTEGER NOT NULL,
     PRIMARY KEY (origin, epoch, first)
   ) WITHOUT ROWID;
   CREATE TABLE replication_collected (
     origin INTEGER NOT NULL REFERENCES replication_origin (id),
     epoch INTEGER NOT NULL,
     first INTEGER NOT NULL,
     last INTEGER NOT NULL,
     PRIMARY KEY (origin, epoch, first)
   ) WITHOUT ROWID;
   CREATE TABLE replication_state (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE replication_peer (
     peer TEXT PRIMARY KEY,
     known TEXT NOT NULL,
     heard_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE replication_conflict (
     id INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     origin TEXT NOT NULL,
     hlc TEXT NOT NULL,
     body TEXT,
     winner_origin TEXT NOT NULL,
     winner_hlc TEXT NOT NULL,
     found_at INTEGER NOT NULL
   );
   CREATE TABLE replication_flag (
     name TEXT NOT NULL,
     subject TEXT NOT NULL,
     count INTEGER NOT NULL,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     PRIMARY KEY (name, subject)
   ) WITHOUT ROWID;`,
];
