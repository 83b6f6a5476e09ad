// Why a node could not start, in a sentence that says what to do.

import type { ServerConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { UnusableFile } from '../storage/database.ts';
import type { DirectoryInUse } from '../storage/directory-lock.ts';
import { CommandError, codeOf, EXIT } from './command-error.ts';
import { urlOf } from './node-client.ts';

const DATA_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of that path is a file, not a directory',
  EEXIST: 'there is a file of that name',
  ENOENT: 'it cannot be created',
  SQLITE_CANTOPEN: 'its database cannot be opened',
  SQLITE_READONLY: 'its database may not be written by this user',
  SQLITE_FULL: 'the disk is full',
  SQLITE_BUSY: 'another process holds its database',
  SQLITE_IOERR: 'the disk reports an error',
};

const OWN_DIRECTORY = 'give this one its own with dataDirectory in the configuration, or with FLOWMESH_HOME';

/** For whatever building a node throws; defects are returned as they are. */
export function buildFailure(error: unknown, dataDirectory: string): unknown {
  // The configuration is right in form, but not for these providers.
  if (error instanceof GatewayError) return new CommandError(error.message, EXIT.usage, { cause: error });
  const code = codeOf(error);
  const reason = code && (DATA_REASONS[code] ?? DATA_REASONS[code.split('_', 2).join('_')]);
  if (reason) {
    return new CommandError(
      `The data directory ${dataDirectory} cannot be used: ${reason} (${code}). Choose another one with dataDirectory in the configuration, or with FLOWMESH_HOME.`,
      EXIT.failed,
      { cause: error },
    );
  }
  // The storage says in its own sentence what is wrong with a file.
  if (error instanceof UnusableFile || (error instanceof Error && error.constructor === Error)) {
    return new CommandError(error.message, EXIT.failed, { cause: error });
  }
  return error;
}

/** Most often it is the node that runs here already. */
export async function inUseFailure(
  error: DirectoryInUse,
  { host, port }: ServerConfig,
  isNode: (url: string) => Promise<boolean>,
): Promise<CommandError> {
  const url = urlOf(host, port);
  const message = (await isNode(url))
    ? `A flowmesh node runs already. Use that one at ${url}/v1, or for a second one choose another port and ${OWN_DIRECTORY}.`
    : `${error.message} Stop it, or ${OWN_DIRECTORY}.`;
  return new CommandError(message, EXIT.failed, { cause: error });
}

/** @param isNode tells whether a flowmesh node is what answers there already */
export async function listenFailure(
  error: unknown,
  { host, port }: ServerConfig,
  isNode: (url: string) => Promise<boolean>,
): Promise<unknown> {
  const fail = (message: string) => new CommandError(message, EXIT.failed, { cause: error });
  switch (codeOf(error)) {
    case 'EADDRINUSE': {
      const url = urlOf(host, port);
      const choice = 'choose another port with --port or server.port';
      return fail(
        (await isNode(url))
          ? `Port ${port} on ${host} is in use by another flowmesh node. Use that one at ${url}/v1, or ${choice}.`
          : `Port ${port} on ${host} is in use by another program. Stop it (\`${whoListens(port)}\` shows it), or ${choice}.`,
      );
    }
    case 'EACCES':
      return fail(`This user may not listen on port ${port}. Choose one above 1023 with --port or server.port.`);
    case 'EADDRNOTAVAIL':
      return fail(`This machine has no address ${host}. Use one of its own as server.host or --host.`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail(`The host name ${host} is unknown. Use an address of this machine as server.host or --host.`);
    default:
      // The mesh says in its own sentence why it cannot listen.
      return error instanceof Error && error.constructor === Error ? fail(error.message) : error;
  }
}

function whoListens(port: number): string {
  if (process.platform === 'linux') return `ss -ltnp sport = :${port}`;
  return process.platform === 'win32' ? `netstat -ano | findstr :${port}` : `lsof -iTCP:${port} -sTCP:LISTEN`;
}
