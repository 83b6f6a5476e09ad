// The configuration a command works on: the named file, one found in its usual places, or what can be discovered.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { type ConfigProblem, fileError } from '../config/config-error.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { findConfigFile, type LoadedConfig, type LoadOptions, loadConfig } from '../config/load.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import { GatewayError } from '../errors.ts';
import type { Account } from '../providers/account.ts';
import { buildAccounts } from '../providers/accounts.ts';
import { discover, type Finding } from '../providers/discover.ts';
import { withEnvironmentKeys } from '../providers/environment-keys.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { presets } from '../providers/presets.ts';
import type { Surroundings } from './surroundings.ts';

export interface CommandConfig {
  readonly config: Config;
  /** Absent when nothing was configured and the environment was searched. */
  readonly file?: string;
  readonly warnings: readonly ConfigProblem[];
  readonly findings: readonly Finding[];
}

export const PROVIDER_NAMES: ReadonlySet<string> = new Set(presets.map((preset) => preset.name));

export function loadOptions(env: NodeJS.ProcessEnv): LoadOptions {
  return { env, providers: PROVIDER_NAMES };
}

/** @throws ConfigError when the file is wrong */
export async function commandConfig(named: string | undefined, around: Surroundings): Promise<CommandConfig> {
  return configFromFile(named, around) ?? (await discoveredConfig(around));
}

/** Undefined when no file was named and there is none in the usual places. */
export function configFromFile(
  named: string | undefined,
  { env, directory }: Pick<Surroundings, 'env' | 'directory'>,
): CommandConfig | undefined {
  const file = named ?? findConfigFile(env, directory);
  return file === undefined ? undefined : fromLoaded(loadConfig(file, loadOptions(env)), file, env);
}

export function fromLoaded({ config, warnings }: LoadedConfig, file: string, env: NodeJS.ProcessEnv): CommandConfig {
  return { config: withEnvironmentKeys(config, env), warnings, file, findings: [] };
}

async function discoveredConfig({ env, directory, http, clock }: Surroundings): Promise<CommandConfig> {
  const { findings, ...routes } = await discover(env, http, clock);
  const dataDirectory = defaultDataDirectory(env) ?? resolve(directory, '.flowmesh');
  return { config: { ...DEFAULTS, ...routes, dataDirectory }, warnings: [], findings };
}

/**
 * The accounts, ready to be called.
 * @throws ConfigError for what only shows when an account is put together
 */
export function accountsOf({ config, file }: Pick<CommandConfig, 'config' | 'file'>): Map<string, Account> {
  try {
    return buildAccounts(config.accounts, presetNamed);
  } catch (error) {
    if (error instanceof GatewayError) throw fileError(file ?? 'configuration', error.message, { cause: error });
    throw error;
  }
}
