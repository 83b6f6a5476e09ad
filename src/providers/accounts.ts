// From the configuration's words to an account that can be called: preset, overrides, checks.

import type { AccountConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import type { Account, AuthStyle } from './account.ts';
import { azureBaseUrl, azureVersionFor } from './azure.ts';
import { normaliseBaseUrl } from './base-url.ts';
import type { PresetLookup } from './preset-lookup.ts';
import type { Preset } from './presets.ts';

/**
 * Every account of a configuration, by name.
 * @throws GatewayError as buildAccount does
 */
export function buildAccounts(
  configs: Readonly<Record<string, AccountConfig>>,
  presetLookup: PresetLookup,
): Map<string, Account> {
  return new Map(Object.entries(configs).map(([name, config]) => [name, buildAccount(name, config, presetLookup)]));
}

/** @throws GatewayError `bad_request` in a sentence that names the account and what to change */
export function buildAccount(name: string, config: AccountConfig, presetLookup: PresetLookup): Account {
  const preset = presetLookup(config.provider);
  if (!preset) {
    throw new GatewayError(
      'bad_request',
      `The account '${name}' names the provider '${config.provider}', which flowmesh does not know. Use 'openai-compatible' with 'url' for any OpenAI-compatible server; docs/providers.md lists the others.`,
    );
  }
  const dialect = config.dialect ?? preset.dialect;
  const baseUrl = baseUrlOf(name, config, preset);
  const isAzure = preset.name === 'azure';
  const azureApiVersion = isAzure ? azureVersionFor(baseUrl, config.apiVersion) : undefined;
  return {
    name,
    provider: preset.name,
    dialect,
    baseUrl,
    keys: config.keys,
    auth: authFor(preset, dialect),
    headers: headersOf(config),
    traits: preset.traits,
    models: config.models,
    ...(azureApiVersion !== undefined && { azureApiVersion }),
    ...(preset.isBuiltin && { isBuiltin: true }),
    ...(preset.isRouter && { isRouter: true }),
  };
}

function baseUrlOf(name: string, config: AccountConfig, preset: Preset): string {
  if (preset.isBuiltin) return '';
  const text = config.url ?? preset.baseUrl;
  if (text === '') {
    throw new GatewayError(
      'bad_request',
      `The account '${name}' needs 'url': the provider '${preset.name}' has no address of its own.`,
    );
  }
  const baseUrl = normaliseBaseUrl(text, `the account '${name}'`);
  return preset.name === 'azure' ? azureBaseUrl(baseUrl, config.apiVersion) : baseUrl;
}

const AUTH_BY_DIALECT: Readonly<Partial<Record<DialectName, AuthStyle>>> = {
  anthropic: { type: 'header', name: 'x-api-key' },
  gemini: { type: 'header', name: 'x-goog-api-key' },
};

/** A server that was told to speak another dialect expects that dialect's way to carry the key. */
function authFor(preset: Preset, dialect: DialectName): AuthStyle {
  return dialect === preset.dialect ? preset.auth : (AUTH_BY_DIALECT[dialect] ?? preset.auth);
}

/** Lower-case names, so that one header is never sent twice in two spellings. */
function headersOf(config: AccountConfig): Record<string, string> {
  const headers: Record<string, string> = {};
  if (config.organization !== undefined) headers['openai-organization'] = config.organization;
  if (config.project !== undefined) headers['openai-project'] = config.project;
  for (const [name, value] of Object.entries(config.headers)) headers[name.toLowerCase()] = value;
  return headers;
}
