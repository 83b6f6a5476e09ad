// The start without a configuration: accounts from the environment's keys and from servers that run on this machine,
// and one chain over all of them that ends with the built-in answerer.

import type { AccountConfig, ChainConfig, TargetConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Clock, HttpClient } from '../ports.ts';
import { buildAccount } from './accounts.ts';
import { isLoopback } from './base-url.ts';
import { type Environment, type Probe, placeOf, probeLocalServers } from './local-servers.ts';
import { presetNamed } from './preset-lookup.ts';
import { type Preset, presets } from './presets.ts';

export interface Discovery {
  readonly accounts: Readonly<Record<string, AccountConfig>>;
  readonly chains: Readonly<Record<string, ChainConfig>>;
  readonly aliases: Readonly<Record<string, string>>;
  readonly defaultChain: string;
  readonly findings: readonly Finding[];
}

/** One line of the start banner. */
export interface Finding {
  /** Account or preset name. */
  readonly name: string;
  readonly title: string;
  readonly isUsable: boolean;
  /** Where it was found or why it is left out, without secrets. */
  readonly detail: string;
  /** Known for servers that were asked. */
  readonly modelCount?: number;
}

const CHAIN_NAME = 'default';
/** A name for clients that must send one and do not care. */
const ALIAS = 'auto';
const BUILTIN_NAME = 'flowmesh';

interface Found {
  readonly name: string;
  readonly account?: AccountConfig;
  /** Joins the default chain. */
  readonly model?: string;
  readonly finding: Finding;
}

/** Never rejects: what cannot be used is a finding. */
export async function discover(env: Environment, http: HttpClient, clock: Clock): Promise<Discovery> {
  const isProbing = !isSet(env.FLOWMESH_NO_PROBE) || env.FLOWMESH_NO_PROBE === '0';
  const probes = isProbing ? await probeLocalServers(env, { http, clock }) : [];
  const found = [
    ...presets.flatMap((preset) => cloudAccount(preset, env)).map(checked),
    ...probes.flatMap((probe) => localAccount(probe)),
    builtinAccount(),
  ];
  const accounts: Record<string, AccountConfig> = {};
  for (const { name, account } of found) if (account) accounts[name] = account;
  return {
    accounts,
    chains: { [CHAIN_NAME]: chainOf(found) },
    aliases: { [ALIAS]: CHAIN_NAME },
    defaultChain: CHAIN_NAME,
    findings: found.map(({ finding }) => finding),
  };
}

function cloudAccount(preset: Preset, env: Environment): Found[] {
  const variable = preset.keyVariables.find((name) => isSet(env[name]));
  if (variable === undefined) return [];
  const key = env[variable]?.trim() ?? '';
  if (preset.name === 'azure') return [azureAccount(preset, variable, key, env)];
  const url = preset.urlVariable && env[preset.urlVariable]?.trim();
  // A client's setting that points its SDK at flowmesh must not make flowmesh call itself.
  const isOwnUrl = isSet(url) && isLoopback(url);
  const account: AccountConfig = {
    ...emptyAccount(preset.name),
    keys: [key],
    ...(isSet(url) && !isOwnUrl && { url }),
    ...(preset.name === 'openai' && openaiScope(env)),
  };
  const ignored = isOwnUrl ? `; ${preset.urlVariable} points at this machine and is ignored` : '';
  const withoutDefault = preset.defaultModel ? '' : `; ask for ${preset.name}/<model>, it has no default model`;
  return [
    {
      name: preset.name,
      account,
      ...(preset.defaultModel !== undefined && { model: preset.defaultModel }),
      finding: usable(preset.name, preset.title, `key from ${variable}${ignored}${withoutDefault}`),
    },
  ];
}

/** A variable with a broken address costs its own account, not the start. */
function checked(found: Found): Found {
  try {
    if (found.account) buildAccount(found.name, found.account, presetNamed);
    return found;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { name: found.name, finding: unusable(found.name, found.finding.title, error.message) };
  }
}

function openaiScope(env: Environment): Partial<AccountConfig> {
  return {
    ...(isSet(env.OPENAI_ORG_ID) && { organization: env.OPENAI_ORG_ID.trim() }),
    ...(isSet(env.OPENAI_PROJECT_ID) && { project: env.OPENAI_PROJECT_ID.trim() }),
  };
}

function azureAccount(preset: Preset, variable: string, key: string, env: Environment): Found {
  const { name, title } = preset;
  const url = env.AZURE_OPENAI_ENDPOINT;
  if (!isSet(url)) {
    return { name, finding: unusable(name, title, `${variable} is set, but AZURE_OPENAI_ENDPOINT is not`) };
  }
  const version = [env.AZURE_OPENAI_API_VERSION, env.OPENAI_API_VERSION].find(isSet)?.trim();
  const deployment = [env.AZURE_OPENAI_DEPLOYMENT, env.AZURE_OPENAI_DEPLOYMENT_NAME].find(isSet)?.trim();
  const account: AccountConfig = {
    ...emptyAccount(name),
    keys: [key],
    url: url.trim(),
    models: deployment === undefined ? [] : [deployment],
    ...(version !== undefined && { apiVersion: version }),
  };
  const detail =
    deployment === undefined ? 'ask for azure/<deployment>, AZURE_OPENAI_DEPLOYMENT is not set' : deployment;
  return {
    name,
    account,
    ...(deployment !== undefined && { model: deployment }),
    finding: usable(name, title, `key from ${variable}; ${detail}`),
  };
}

/** A server that is absent without having been announced is nothing to report. */
function localAccount({ name, url, outcome }: Probe): Found[] {
  const title = presetNamed(name)?.title ?? name;
  switch (outcome.type) {
    case 'absent':
      return [];
    case 'unusable':
      return [{ name, finding: unusable(name, title, `${placeOf(url)}: ${outcome.reason}`) }];
    case 'found': {
      const finding = usable(name, title, `${placeOf(url)}, ${outcome.chatModel}`);
      const modelCount = outcome.models.length;
      return [{ name, account: outcome.account, model: outcome.chatModel, finding: { ...finding, modelCount } }];
    }
  }
}

function builtinAccount(): Found {
  const preset = presetNamed(BUILTIN_NAME);
  const model = preset?.defaultModel ?? '';
  return {
    name: BUILTIN_NAME,
    account: { ...emptyAccount(BUILTIN_NAME), models: [model] },
    model,
    finding: {
      ...usable(BUILTIN_NAME, preset?.title ?? '', 'answers with quotations when nothing else does'),
      modelCount: 1,
    },
  };
}

function chainOf(found: readonly Found[]): ChainConfig {
  const targets = found.flatMap(({ name, model }) => (model === undefined ? [] : [targetOf(name, model)]));
  return { targets, onContextLength: [], onContentFilter: [], timeouts: {}, retries: {} };
}

function targetOf(account: string, model: string): TargetConfig {
  return { account, model, timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
}

function emptyAccount(provider: string): AccountConfig {
  return { provider, keys: [], headers: {}, models: [] };
}

function usable(name: string, title: string, detail: string): Finding {
  return { name, title, isUsable: true, detail };
}

function unusable(name: string, title: string, detail: string): Finding {
  return { name, title, isUsable: false, detail };
}

/** A variable set to nothing is a variable that is not set. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}
