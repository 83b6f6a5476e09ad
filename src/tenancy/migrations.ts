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
  // Rows in the order of their writing, so that a busy ledger touches few pages. Open entries are in the journal now.
  `ALTER TABLE ledger RENAME TO ledger_by_request;
   CREATE TABLE ledger (
     id INTEGER PRIMARY KEY,
     request_id TEXT NOT NULL,
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
   );
   INSERT INTO ledger SELECT row_number() OVER (ORDER BY started_at), request_id, started_at,
     iif(status = 'open', 'recovered', status), tenant, key_id, tags, operation, prompt, model, chain, target, provider,
     input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, is_estimated, cost, saved_tokens,
     saved_cost, attempts, ttft_ms, duration_ms, error FROM ledger_by_request;
   DROP TABLE ledger_by_request;
   CREATE INDEX ledger_by_time ON ledger (started_at);`,
  // Rows of other nodes come in any order: a key may come before its tenant. And a key that was revoked stays revoked,
  // whatever another node that did not know of it has written over the key.
  `CREATE TABLE key_revocation (
     key TEXT PRIMARY KEY,
     revoked_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO key_revocation SELECT id, revoked_at FROM virtual_key WHERE revoked_at IS NOT NULL;
   ALTER TABLE virtual_key RENAME TO virtual_key_of_tenant;
   CREATE TABLE virtual_key (
     id TEXT PRIMARY KEY,
     tenant TEXT NOT NULL,
     name TEXT NOT NULL,
     secret_hash TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     scopes TEXT NOT NULL DEFAULT '{}',
     limits TEXT NOT NULL DEFAULT '{}',
     accounts TEXT NOT NULL DEFAULT '{}',
     tags TEXT NOT NULL DEFAULT '{}'
   ) WITHOUT ROWID;
   INSERT INTO virtual_key SELECT id, tenant, name, secret_hash, created_at, expires_at, scopes, limits, accounts, tags
     FROM virtual_key_of_tenant;
   DROP TABLE virtual_key_of_tenant;
   CREATE INDEX virtual_key_by_tenant ON virtual_key (tenant);
   CREATE INDEX virtual_key_by_secret ON virtual_key (secret_hash);`,
  // How old entries are, by time that has surely passed: see ledger-age.ts.
  `CREATE TABLE ledger_age (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     age_ms INTEGER NOT NULL,
     wall_ms INTEGER NOT NULL
   );
   CREATE TABLE ledger_mark (
     age_ms INTEGER PRIMARY KEY,
     last_id INTEGER NOT NULL
   );`,
  // What was spent, so that budgets need not be summed up from a month of entries: see day-sums.ts.
  `CREATE TABLE ledger_day (
     day TEXT NOT NULL,
     tenant TEXT NOT NULL,
     key_id TEXT NOT NULL,
     model TEXT NOT NULL,
     tokens INTEGER NOT NULL,
     cost REAL NOT NULL,
     PRIMARY KEY (day, tenant, key_id, model)
   ) WITHOUT ROWID;
   INSERT INTO ledger_day SELECT strftime('%Y-%m-%d', started_at / 1000, 'unixepoch') AS day, tenant,
     COALESCE(key_id, '') AS key, model, SUM(input_tokens + output_tokens), COALESCE(SUM(cost), 0)
     FROM ledger GROUP BY day, tenant, key, model;`,
  // That there were keys, when all of them have gone with the member that had made them.
  'CREATE TABLE key_memory (id INTEGER PRIMARY KEY CHECK (id = 1))',
  // Many settled entries in a row, as JSON lists of their columns: see ledger-blocks.ts. Those who read the table with
  // tools of their own find it as a view.
  `ALTER TABLE ledger RENAME TO ledger_by_row;
   CREATE TABLE ledger_block (
     last_id INTEGER PRIMARY KEY,
     count INTEGER NOT NULL,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     entries TEXT NOT NULL
   );
   INSERT INTO ledger_block SELECT MAX(id), COUNT(*), MIN(started_at), MAX(started_at), json_group_array(json_array(
     id, request_id, started_at, tenant, key_id, tags, operation, prompt, model, status, chain, target, provider,
     input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, is_estimated, cost, saved_tokens,
     saved_cost, attempts, ttft_ms, duration_ms, error) ORDER BY id) FROM ledger_by_row GROUP BY id / 250;
   DROP TABLE ledger_by_row;
   CREATE INDEX ledger_block_by_time ON ledger_block (last_at, first_at);
   CREATE VIEW ledger AS SELECT value ->> 0 AS id, value ->> 1 AS request_id, value ->> 2 AS started_at,
     value ->> 3 AS tenant, value ->> 4 AS key_id, value ->> 5 AS tags, value ->> 6 AS operation, value ->> 7 AS prompt,
     value ->> 8 AS model, value ->> 9 AS status, value ->> 10 AS chain, value ->> 11 AS target, value ->> 12 AS provider,
     value ->> 13 AS input_tokens, value ->> 14 AS cached_tokens, value ->> 15 AS cache_write_tokens,
     value ->> 16 AS output_tokens, value ->> 17 AS reasoning_tokens, value ->> 18 AS is_estimated, value ->> 19 AS cost,
     value ->> 20 AS saved_tokens, value ->> 21 AS saved_cost, value ->> 22 AS attempts, value ->> 23 AS ttft_ms,
     value ->> 24 AS duration_ms, value ->> 25 AS error FROM ledger_block, json_each(entries);`,
];
