// The tables of tenants, keys and the ledger in gateway.db. Append only: a released step never changes.

export const TENANCY_MIGRATIONS: readonly string[] = [
  `CREATE TABLE tenant (
     id TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     is_disabled INTEGER NOT NULL DEFAULT 0,
     limits TEXT NOT NULL DEFAULT '{}',
     accounts TEXT NOT NULL DEFAULT '{}',
     tags TEXT NOT NULL DEFAULT '{}'
   ) WITHOUT ROWID;
   CREATE TABLE virtual_key (
     id TEXT PRIMARY KEY,
     tenant TEXT NOT NULL REFERENCES tenant (id),
     name TEXT NOT NULL,
     secret_hash TEXT NOT NULL UNIQUE,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     revoked_at INTEGER,
     scopes TEXT NOT NULL DEFAULT '{}',
     limits TEXT NOT NULL DEFAULT '{}',
     accounts TEXT NOT NULL DEFAULT '{}',
     tags TEXT NOT NULL DEFAULT '{}'
   ) WITHOUT ROWID;
   CREATE INDEX virtual_key_by_tenant ON virtual_key (tenant);
   CREATE TABLE ledger (
     request_id TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     status TEXT NOT NULL,
     tenant TEXT NOT NULL,
     key_id TEXT,
     tags TEXT,
     operation TEXT NOT NULL,
     prompt TEXT,
     model TEXT NOT NULL,
     chain TEXT,
     target TEXT,
     provider TEXT,
     input_tokens INTEGER NOT NULL DEFAULT 0,
     cached_tokens INTEGER NOT NULL DEFAULT 0,
     cache_write_tokens INTEGER NOT NULL DEFAULT 0,
     output_tokens INTEGER NOT NULL DEFAULT 0,
     reasoning_tokens INTEGER NOT NULL DEFAULT 0,
     is_estimated INTEGER NOT NULL DEFAULT 0,
     cost REAL,
     saved_tokens INTEGER NOT NULL DEFAULT 0,
     saved_cost REAL,
     attempts INTEGER NOT NULL DEFAULT 0,
     ttft_ms REAL,
     duration_ms REAL,
     error TEXT
   ) WITHOUT ROWID;
   CREATE INDEX ledger_by_time ON ledger (started_at, tenant);
   CREATE INDEX ledger_open ON ledger (status) WHERE status = 'open';`,
];
