// Commands that work on what a node keeps in its data directory. A running node notices what they change.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import { GatewayError } from '../errors.ts';
import { databasePath, GATEWAY_MIGRATIONS } from '../node-files.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import type { InputContext } from '../tenancy/key-input.ts';
import { CommandError, EXIT } from './command-error.ts';
import { configFromFile } from './load-config.ts';
import { buildFailure } from './start-failure.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';

export interface State {
  readonly database: Database;
  readonly clock: Surroundings['clock'];
  readonly dataDirectory: string;
  /** Absent where there is no file. */
  readonly config: Config | undefined;
  readonly around: Surroundings;
  readonly input: InputContext;
}

/** Opens the data directory of the configuration for `work`. What the input has wrong ends the command as a usage error. */
export async function withState<Result>(
  named: string | undefined,
  work: (state: State) => Result | Promise<Result>,
): Promise<Result> {
  return withSurroundings(async (around) => {
    const config = configFromFile(named, around)?.config;
    const dataDirectory =
      config?.dataDirectory ?? defaultDataDirectory(around.env) ?? resolve(around.directory, '.flowmesh');
    const database = opened(dataDirectory);
    try {
      const { clock } = around;
      return await work({ database, clock, dataDirectory, config, around, input: inputContext(config, around) });
    } catch (error) {
      throw error instanceof GatewayError ? new CommandError(error.message, EXIT.usage, { cause: error }) : error;
    } finally {
      database.close();
    }
  });
}

function opened(dataDirectory: string): Database {
  try {
    return openDatabase(databasePath({ dataDirectory }), GATEWAY_MIGRATIONS);
  } catch (error) {
    throw buildFailure(error, dataDirectory);
  }
}

/** Without a file, accounts are what the node finds when it starts: there is nothing to check names against. */
function inputContext(config: Config | undefined, { clock }: Surroundings): InputContext {
  const accounts = config && Object.entries(config.accounts).map(([name, { provider }]) => [name, provider] as const);
  return { nowMs: clock.now(), ...(accounts && { accounts: new Map(accounts) }) };
}
