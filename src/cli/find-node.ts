// Which running node a command should talk to, and with which key.

import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { CommandError, codeOf, EXIT } from './command-error.ts';
import { type CommandConfig, commandConfig, configFromFile } from './load-config.ts';
import { NodeClient, urlOf } from './node-client.ts';
import type { Surroundings } from './surroundings.ts';
import { note, styled } from './terminal.ts';

export interface NodeOptions {
  readonly config?: string;
  readonly url?: string;
  readonly keyFile?: string;
}

export type Found =
  | { readonly type: 'node'; readonly url: string; readonly client: NodeClient; readonly config: Config | undefined }
  /** None answers: the command does without, on this configuration. */
  | { readonly type: 'none'; readonly loaded: CommandConfig };

/**
 * The node at `--url`, which must answer, else the one that the configuration describes, if it answers.
 * @param without what the command does when there is none, for people
 * @throws CommandError, ConfigError
 */
export async function findNode(
  options: NodeOptions,
  around: Surroundings,
  without = 'asking the providers from here',
): Promise<Found> {
  const key = givenKey(options, around.env);
  if (options.url !== undefined) {
    const client = new NodeClient({ url: options.url, key }, around);
    if (await client.isAnswering()) return { type: 'node', url: options.url, client, config: undefined };
    throw new CommandError(
      `No flowmesh node answers at ${options.url}. Start one with \`flowmesh start\`, or leave out --url to do without.`,
    );
  }
  const written = configFromFile(options.config, around);
  const { host, port, apiKeys } = written?.config.server ?? DEFAULTS.server;
  const url = urlOf(host, port);
  const client = new NodeClient({ url, key: key ?? apiKeys[0] }, around);
  if (await client.isAnswering()) return { type: 'node', url, client, config: written?.config };
  note(styled('dim', `No node answers at ${url}; ${without}.`, process.stderr));
  return { type: 'none', loaded: written ?? (await commandConfig(undefined, around)) };
}

function givenKey({ keyFile }: NodeOptions, env: Surroundings['env']): string | undefined {
  if (keyFile === undefined) return env.FLOWMESH_API_KEY?.trim() || undefined;
  const key = readTextFile(keyFile).trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandError(`${keyFile} does not hold a key: one line without spaces is expected.`, EXIT.usage);
}

/** @throws CommandError with a sentence instead of an errno */
export function readTextFile(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8 text' : READ_REASONS[codeOf(error) ?? ''];
    if (reason === undefined) throw error;
    throw new CommandError(`${file} cannot be read: ${reason}.`, EXIT.usage, { cause: error });
  }
}

const READ_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};
