// The mesh's tables in gateway.db. Append only: a released step never changes.

export const MESH_MIGRATIONS: readonly string[] = [
  `CREATE TABLE mesh_state (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE mesh_member (
     peer TEXT PRIMARY KEY,
     credential TEXT NOT NULL,
     addresses TEXT NOT NULL DEFAULT '[]',
     seen_at INTEGER
   ) WITHOUT ROWID;
   CREATE TABLE mesh_removal (
     peer TEXT NOT NULL,
     issuer TEXT NOT NULL,
     kind TEXT NOT NULL,
     removal TEXT NOT NULL,
     PRIMARY KEY (peer, issuer, kind)
   ) WITHOUT ROWID;
   CREATE TABLE mesh_invite (
     id TEXT PRIMARY KEY,
     secret TEXT NOT NULL,
     name TEXT,
     capabilities TEXT NOT NULL,
     expires_at INTEGER NOT NULL,
     used_by TEXT
   ) WITHOUT ROWID;`,
];
