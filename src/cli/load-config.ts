// The configuration a command works on: the named file, one found in its usual places, or what can be discovered.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import type { ConfigProblem } from '../config/config-error.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { findConfigFile, type LoadOptions, loadConfig } from '../config/load.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import type { Clock, HttpClient } from '../ports.ts';
import { discover, type Finding } from '../providers/discover.ts';
import { presets } from '../providers/presets.ts';

export interface CommandConfig {
  readonly config: Config;
  /** Absent when nothing was configured and the environment was searched. */
  readonly file?: string;
  readonly warnings: readonly ConfigProblem[];
  readonly findings: readonly Finding[];
}

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly http: HttpClient;
  readonly clock: Clock;
}

export function loadOptions(env: NodeJS.ProcessEnv): LoadOptions {
  return { env, providers: new Set(presets.map((preset) => preset.name)) };
}

/** @throws ConfigError when the file is wrong */
export async function commandConfig(named: string | undefined, around: Surroundings): Promise<CommandConfig> {
  const { env, directory, http, clock } = around;
  const file = named === undefined ? findConfigFile(env, directory) : resolve(directory, named);
  if (file !== undefined) return { ...loadConfig(file, loadOptions(env)), file, findings: [] };
  const { findings, ...routes } = await discover(env, http, clock);
  const dataDirectory = defaultDataDirectory(env) ?? resolve(directory, '.flowmesh');
  return { config: { ...DEFAULTS, ...routes, dataDirectory }, warnings: [], findings };
}
