// An account of a cloud provider that was configured without a key takes the one its provider's SDK would take.

import type { AccountConfig, Config } from '../config/config.ts';
import { presetNamed } from './preset-lookup.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export function withEnvironmentKeys(config: Config, env: Environment): Config {
  const accounts: Record<string, AccountConfig> = {};
  for (const [name, account] of Object.entries(config.accounts)) accounts[name] = withKey(account, env);
  return { ...config, accounts };
}

/** A key in the environment is meant for the provider's own address, never for another one. */
function withKey(account: AccountConfig, env: Environment): AccountConfig {
  if (account.keys.length > 0 || account.url !== undefined) return account;
  const variables = presetNamed(account.provider)?.keyVariables ?? [];
  const key = variables.map((variable) => env[variable]?.trim()).find((value) => value);
  return key ? { ...account, keys: [key] } : account;
}
