// The doctor's look at this machine: the runtime, the data directory, the port.

import { accessSync, constants, existsSync, type Stats, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Config, ServerConfig } from '../config/config.ts';
import { databasePath, GATEWAY_MIGRATIONS } from '../node-files.ts';
import { openDatabase } from '../storage/database.ts';
import { VERSION } from '../version.ts';
import { type Check, ok, problem, warning } from './check.ts';
import { CommandError } from './command-error.ts';
import { NodeClient, urlOf } from './node-client.ts';
import { buildFailure, listenFailure } from './start-failure.ts';
import type { Surroundings } from './surroundings.ts';

/** What package.json asks for. */
const NODE_MIN = [22, 19] as const;

export function checkRuntime(): Check {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const isNewEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  const message = `flowmesh ${VERSION} on Node ${node}, ${process.platform}-${process.arch}`;
  return isNewEnough ? ok('runtime', message) : problem('runtime', message, `Use Node ${NODE_MIN.join('.')} or newer.`);
}

export function checkData(config: Config): Check[] {
  const { dataDirectory } = config;
  const name = 'data directory';
  const stats = statsOf(dataDirectory);
  if (stats === undefined) {
    const parent = firstExisting(dataDirectory);
    if (isWritable(parent)) return [ok(name, `${dataDirectory} will be made at the first start`)];
    return [problem(name, `${dataDirectory} does not exist and cannot be made in ${parent}`, OTHER_PLACE)];
  }
  if (!stats.isDirectory()) return [problem(name, `${dataDirectory} is a file, not a directory`, OTHER_PLACE)];
  if (!isWritable(dataDirectory)) return [problem(name, `this user may not write in ${dataDirectory}`, OTHER_PLACE)];
  return [checkMode(name, dataDirectory, stats), checkDatabase(config)];
}

const OTHER_PLACE = 'Correct its rights, or choose another place with dataDirectory or FLOWMESH_HOME.';

function checkMode(name: string, path: string, { mode }: Stats): Check {
  // Windows knows no such modes.
  const isPrivate = process.platform === 'win32' || (mode & 0o077) === 0;
  if (isPrivate) return ok(name, `${path} can be written`);
  return warning(name, `other users of this machine can look into ${path}`, `chmod 700 ${path}`);
}

function checkDatabase(config: Config): Check {
  const path = databasePath(config);
  if (!existsSync(path)) return ok('database', `${path} will be made at the first start`);
  try {
    openDatabase(path, GATEWAY_MIGRATIONS).close();
    return ok('database', `${path} opens`);
  } catch (error) {
    const failure = buildFailure(error, config.dataDirectory);
    if (failure instanceof CommandError) return problem('database', failure.message);
    throw error;
  }
}

/** Free, or taken by a node: both are fine. */
export async function checkPort(server: ServerConfig, around: Surroundings): Promise<Check> {
  const { host, port } = server;
  if (port === 0) return ok('port', 'a free one will be picked');
  const url = urlOf(host, port);
  const isNode = (at: string): Promise<boolean> => new NodeClient({ url: at, key: undefined }, around).isAnswering();
  if (await isNode(url)) return ok('port', `a flowmesh node is running at ${url}`);
  try {
    await tryToListen(host, port);
    return ok('port', `${port} on ${host} is free; no node is running`);
  } catch (error) {
    const failure = await listenFailure(error, server, isNode);
    if (failure instanceof CommandError) return problem('port', failure.message);
    throw failure;
  }
}

function tryToListen(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // Missing, or not to be seen: the directory above tells which.
    return undefined;
  }
}

function firstExisting(path: string): string {
  let parent = dirname(path);
  while (!existsSync(parent) && parent !== dirname(parent)) parent = dirname(parent);
  return parent;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
