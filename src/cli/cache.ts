// `flowmesh cache`: what the running node of this configuration has kept, and forgetting it. The node itself is asked,
// for it has some of the answers in memory.

import { resolve } from 'node:path';
import { DEFAULTS } from '../config/defaults.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../model/json.ts';
import { adminToken } from '../tenancy/admin-token.ts';
import { CommandError } from './command-error.ts';
import { configFromFile } from './load-config.ts';
import { NodeClient, urlOf } from './node-client.ts';
import { buildFailure } from './start-failure.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { counted, harmless, note, print, printJson, table } from './terminal.ts';

export interface CacheOptions {
  readonly config?: string;
  readonly url?: string;
}

export async function cacheStats({ json, ...options }: CacheOptions & { readonly json?: boolean }): Promise<void> {
  const stats = await withSurroundings((around) => nodeOf(options, around).admin('GET', '/cache'));
  if (json) printJson(stats);
  else printStats(stats);
}

export async function clearCache(
  options: CacheOptions & { readonly tenant?: string; readonly namespace?: string },
): Promise<void> {
  const query = new URLSearchParams();
  for (const name of ['tenant', 'namespace'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  const path = query.size > 0 ? `/cache?${query}` : '/cache';
  const { removed } = await withSurroundings((around) => nodeOf(options, around).admin('DELETE', path));
  note(`${counted(asNumber(removed) ?? 0, 'answer')} forgotten.`);
}

/** The node that the configuration describes, as its operator. */
function nodeOf(options: CacheOptions, around: Surroundings): NodeClient {
  const config = configFromFile(options.config, around)?.config;
  const { host, port } = config?.server ?? DEFAULTS.server;
  const dataDirectory =
    config?.dataDirectory ?? defaultDataDirectory(around.env) ?? resolve(around.directory, '.flowmesh');
  if (dataDirectory === ':memory:') throw new CommandError('A node without a data directory has no admin API.');
  return new NodeClient({ url: options.url ?? urlOf(host, port), key: tokenOf(dataDirectory) }, around);
}

function tokenOf(dataDirectory: string): string {
  try {
    return adminToken(dataDirectory);
  } catch (error) {
    throw buildFailure(error, dataDirectory);
  }
}

function printStats({ entries, bytes, requests, spaces }: JsonObject): void {
  const served = asObject(requests) ?? {};
  print(
    table([
      ['answers kept', number(entries)],
      ['size', `${((asNumber(bytes) ?? 0) / 1024 / 1024).toFixed(1)} MiB`],
      ...(['hit', 'shared', 'miss', 'bypass'] as const).map((name) => [`${name} since start`, number(served[name])]),
    ]),
  );
  const rows = asArray(spaces).flatMap((space) => {
    const { scope, namespace, entries: count } = asObject(space) ?? {};
    return [[harmless(asString(scope) ?? ''), harmless(asString(namespace) ?? ''), number(count)]];
  });
  if (rows.length > 0) print(`\n${table([['SCOPE', 'NAMESPACE', 'ANSWERS'], ...rows])}`);
}

function number(value: JsonValue | undefined): string {
  return (asNumber(value) ?? 0).toLocaleString('en');
}
