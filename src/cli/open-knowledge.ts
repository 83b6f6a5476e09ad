// The knowledge that a `kb` command works on: that of a running node, else the file in the data directory.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { isCollectionName } from '../config/knowledge.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import { GatewayError } from '../errors.ts';
import { Ingest } from '../knowledge/ingest/ingest.ts';
import { DocumentReader } from '../knowledge/ingest/reader.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { knowledgePath } from '../knowledge/knowledge-path.ts';
import { openLocalKnowledge } from '../knowledge/local-knowledge.ts';
import { isDirectoryLocked } from '../storage/directory-lock.ts';
import { AdminClient, AdminRefusal, readAdminToken } from './admin-client.ts';
import { CommandError, EXIT } from './command-error.ts';
import { readTextFile } from './find-node.ts';
import { configFromFile } from './load-config.ts';
import { NodeClient, urlOf } from './node-client.ts';
import { RemoteKnowledge } from './remote-knowledge.ts';
import { buildFailure } from './start-failure.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { note, styled } from './terminal.ts';

export interface KnowledgeOptions {
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly tenant: string;
}

export interface OpenKnowledge {
  readonly knowledge: Knowledge;
  readonly ingest: Ingest;
  readonly around: Surroundings;
}

/** What the arguments have wrong, or a node refuses, ends the command with its sentence. */
export async function withKnowledge<Result>(
  options: KnowledgeOptions,
  work: (open: OpenKnowledge) => Promise<Result>,
): Promise<Result> {
  checkedName('tenant', options.tenant);
  return withSurroundings(async (around) => {
    const config = configFromFile(options.config, around)?.config;
    const knowledge = (await remoteKnowledge(options, config, around)) ?? localKnowledge(config, around);
    const reader = new DocumentReader(around.clock);
    const fileBytesMax = (config ?? DEFAULTS).knowledge.fileBytesMax;
    try {
      return await work({
        knowledge,
        ingest: new Ingest({ knowledge, reader, fileBytesMax: () => fileBytesMax }),
        around,
      });
    } catch (error) {
      throw error instanceof GatewayError ? new CommandError(error.message, EXIT.failed, { cause: error }) : error;
    } finally {
      await reader.close();
      await knowledge.close();
    }
  });
}

/** @throws CommandError */
export function checkedName(what: 'tenant' | 'collection', name: string): string {
  if (isCollectionName(name)) return name;
  throw new CommandError(`A ${what}'s name may have letters, digits and '._:@-', at most 128 of them.`, EXIT.usage);
}

/** Undefined when no node answers that belongs to the data directory. */
async function remoteKnowledge(
  { url: named, tokenFile }: KnowledgeOptions,
  config: Config | undefined,
  around: Surroundings,
): Promise<Knowledge | undefined> {
  const url = named ?? ownUrl(config);
  const token =
    (tokenFile === undefined ? around.env.FLOWMESH_ADMIN_TOKEN?.trim() : readTextFile(tokenFile).trim()) ||
    readAdminToken(dataDirectoryOf(config, around));
  const isAnswering = await new NodeClient({ url, key: undefined }, around).isAnswering();
  if (!isAnswering && named !== undefined) throw new CommandError(`No flowmesh node answers at ${url}.`);
  if (!isAnswering) return undefined;
  if (token === undefined) return strangerAt(url, named);
  const client = new AdminClient(url, token, around);
  try {
    await client.request('GET', '/admin/knowledge?tenant=-');
  } catch (error) {
    if (error instanceof AdminRefusal && error.status === 401) return strangerAt(url, named);
    throw error;
  }
  return new RemoteKnowledge(client);
}

/** A node is there, but of another data directory: only an error where it was named. */
function strangerAt(url: string, named: string | undefined): undefined {
  if (named !== undefined) {
    throw new CommandError(
      `The node at ${url} wants its own admin token: give --token-file with the admin.token of its data directory, or set FLOWMESH_ADMIN_TOKEN.`,
    );
  }
  note(styled('dim', `The node at ${url} has another data directory; working on the files here.`, process.stderr));
  return undefined;
}

function localKnowledge(config: Config | undefined, around: Surroundings): Knowledge {
  const dataDirectory = dataDirectoryOf(config, around);
  try {
    if (isDirectoryLocked(dataDirectory)) {
      throw new CommandError(
        `A node uses this data directory (${dataDirectory}) but does not answer at ${ownUrl(config)}; give --url.`,
      );
    }
    return openLocalKnowledge({ file: knowledgePath(dataDirectory), clock: around.clock });
  } catch (error) {
    throw buildFailure(error, dataDirectory);
  }
}

function ownUrl(config: Config | undefined): string {
  const { host, port } = (config ?? DEFAULTS).server;
  return urlOf(host, port);
}

function dataDirectoryOf(config: Config | undefined, { env, directory }: Surroundings): string {
  return config?.dataDirectory ?? defaultDataDirectory(env) ?? resolve(directory, '.flowmesh');
}
