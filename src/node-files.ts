// The files in which a node remembers: their names, their tables and who may open them. Part of the composition root.

import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { MESH_MIGRATIONS } from './mesh/migrations.ts';
import { REPLICATION_MIGRATIONS } from './replication/schema.ts';
import { type Database, type FileOpener, type Migrations, openDatabase } from './storage/database.ts';
import { lockDirectory } from './storage/directory-lock.ts';
import { FileJournal, type LineJournal, NO_JOURNAL } from './storage/line-journal.ts';
import { RESPONSE_HISTORY_MIGRATIONS, RESPONSE_OWNER_MIGRATIONS } from './storage/response-history.ts';
import { SETTINGS_MIGRATIONS } from './storage/settings.ts';
import { TRAFFIC_MIGRATIONS } from './storage/traffic-log.ts';
import { TENANCY_MIGRATIONS } from './tenancy/migrations.ts';
import { USAGE_SHARD_MIGRATIONS } from './tenancy/usage-shard-table.ts';

/** What a node must find again after its process has ended. */
export interface NodeDisk {
  /** Its files are asked for by their names in a data directory. */
  readonly open: FileOpener;
  /** Of the ledger. */
  readonly journal: LineJournal;
}

export interface NodeFiles {
  /** gateway.db */
  readonly database: Database;
  readonly open: FileOpener;
  /** What `open` wants for a file of this name. */
  pathOf(file: string): string;
  /** Opens the ledger's. */
  journal(): LineJournal;
  /** Another node may have the directory. */
  unlock(): void;
}

/** Of gateway.db. */
export const GATEWAY_MIGRATIONS: Migrations = {
  responses: RESPONSE_HISTORY_MIGRATIONS,
  tenancy: TENANCY_MIGRATIONS,
  responseOwners: RESPONSE_OWNER_MIGRATIONS,
  traffic: TRAFFIC_MIGRATIONS,
  mesh: MESH_MIGRATIONS,
  settings: SETTINGS_MIGRATIONS,
  replication: REPLICATION_MIGRATIONS,
  usageShards: USAGE_SHARD_MIGRATIONS,
};

const GATEWAY_FILE = 'gateway.db';

type Place = Pick<Config, 'dataDirectory'>;

/** @throws DirectoryInUse when another process holds the directory */
export function openNodeFiles(config: Place, disk?: NodeDisk): NodeFiles {
  const open = disk?.open ?? openDatabase;
  const pathOf = (file: string): string => (disk ? file : statePath(config, file));
  const database = open(pathOf(GATEWAY_FILE), GATEWAY_MIGRATIONS);
  const unlock = keepsState(config) ? lockDirectory(config.dataDirectory) : () => undefined;
  return { database, open, pathOf, journal: () => disk?.journal ?? ledgerJournal(config), unlock };
}

/** The file with what a node remembers. */
export function databasePath(config: Place): string {
  return statePath(config, GATEWAY_FILE);
}

export function keepsState({ dataDirectory }: Place): boolean {
  return dataDirectory !== ':memory:';
}

function statePath(config: Place, file: string): string {
  return keepsState(config) ? join(config.dataDirectory, file) : ':memory:';
}

function ledgerJournal(config: Place): LineJournal {
  return keepsState(config) ? new FileJournal(join(config.dataDirectory, 'ledger.journal')) : NO_JOURNAL;
}
