// One entry of LiteLLM's model_list as an account and a target of ours.

import { asArray, asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import { type LitellmModel, readModel } from './providers.ts';
import type { LitellmSection } from './section.ts';

/** In the file's own spelling. */
export interface AccountDraft {
  readonly provider: string;
  readonly key?: string;
  readonly url?: string;
  readonly organization?: string;
  readonly apiVersion?: string;
}

/** The keys of a target besides account and model, in the file's own spelling. */
export interface TargetExtras {
  readonly headers?: JsonObject;
  readonly extraBody?: JsonObject;
  readonly timeouts?: JsonObject;
  readonly retries?: JsonObject;
}

export interface Deployment {
  /** One a credential: LiteLLM makes a deployment of each organization. Empty when flowmesh cannot call it. */
  readonly accounts: readonly AccountDraft[];
  readonly model: string;
  readonly extras: TargetExtras;
  /** Lower first. */
  readonly order: number;
  /** Not negative. */
  readonly weight: number | undefined;
  readonly notes: readonly string[];
}

/** Request fields that LiteLLM lets a deployment preset. */
const REQUEST_FIELDS = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'max_completion_tokens',
  'seed',
  'stop',
  'presence_penalty',
  'frequency_penalty',
  'reasoning_effort',
  'thinking',
  'service_tier',
  'user',
];

/** Dialects whose request has these fields at the top, as OpenAI's has. */
const NESTED_FIELDS_PROVIDERS: ReadonlySet<string> = new Set(['gemini', 'ollama']);

export function readDeployment(params: LitellmSection, path: string, providers: ReadonlySet<string>): Deployment {
  const notes: string[] = [];
  const written = params.takeText('model') ?? '';
  const base = params.takeText('api_base') ?? params.takeText('base_url');
  const named = readModel(written, params.takeText('custom_llm_provider'));
  const provider = providerFor(named, base, providers);
  const accounts = provider === undefined ? [] : readAccounts(params, { named, provider, base }, path, notes);
  if (provider === undefined) {
    notes.push(`${path}: flowmesh does not speak to '${named.prefix}', so ${written} is left out.`);
  } else if (accounts.length === 0) {
    notes.push(`${path}: the address of ${written} is not a full http(s) url, so it is left out.`);
  }
  const extras = readExtras(params, provider ?? '', path, notes);
  const order = params.takeInteger('order') ?? Number.POSITIVE_INFINITY;
  const share = asNumber(params.take('weight'));
  const weight = share && Math.max(0, share);
  return { accounts, model: named.model, extras, order, weight, notes: [...notes, ...params.unreadNotes()] };
}

/** `openai/` with another address is LiteLLM's way to say "any compatible server". */
function providerFor(
  { known }: LitellmModel,
  base: string | undefined,
  providers: ReadonlySet<string>,
): string | undefined {
  if (known === undefined) return undefined;
  const isElsewhere = base !== undefined && !base.startsWith('https://api.openai.com');
  if (known.provider === 'openai' && isElsewhere) return 'openai-compatible';
  if (providers.has(known.provider)) return known.provider;
  return base === undefined ? undefined : 'openai-compatible';
}

interface Source {
  readonly named: LitellmModel;
  readonly provider: string;
  readonly base: string | undefined;
}

function readAccounts(
  params: LitellmSection,
  { named, provider, base }: Source,
  path: string,
  notes: string[],
): AccountDraft[] {
  const url = base ?? (provider === 'azure' ? '${AZURE_API_BASE}' : undefined);
  const isAddress = url === undefined || /^https?:\/\/[^?#<>\s@]+$/.test(url) || /^\$\{\w+\}/.test(url);
  const needsAddress = provider === 'openai-compatible' && url === undefined;
  const written = params.takeText('api_key');
  const apiVersion = params.takeText('api_version');
  const organization = params.take('organization');
  if (!isAddress || needsAddress) return [];
  const key = written ?? impliedKey({ named, provider, base }, path, notes);
  const account: AccountDraft = {
    provider,
    ...(key !== undefined && { key }),
    ...(url !== undefined && { url }),
    ...(apiVersion !== undefined && { apiVersion }),
  };
  const organizations = (Array.isArray(organization) ? organization : [organization]).flatMap(
    (item) => params.toText(item) ?? [],
  );
  return organizations.length === 0 ? [account] : organizations.map((item) => ({ ...account, organization: item }));
}

/** LiteLLM reads a variable of its own choice when no key is given; here it is written out. */
function impliedKey({ named, provider, base }: Source, path: string, notes: string[]): string | undefined {
  const variable = named.known?.keyVariable;
  if (variable === undefined || (provider === 'openai-compatible' && base !== undefined)) return undefined;
  notes.push(`${path}: gives no api_key; LiteLLM reads ${variable} then, so the key is \${${variable}}.`);
  return `\${${variable}}`;
}

function readExtras(params: LitellmSection, provider: string, path: string, notes: string[]): TargetExtras {
  const fields: JsonObject = {};
  for (const name of REQUEST_FIELDS) {
    const value = params.take(name);
    if (value === undefined) continue;
    if (NESTED_FIELDS_PROVIDERS.has(provider))
      notes.push(`${path}.${name} is left out: '${provider}' names it otherwise.`);
    else fields[name] = params.toValue(value);
  }
  if (Object.keys(fields).length > 0) {
    const names = Object.keys(fields).join(', ');
    notes.push(`${path}: extraBody (${names}) replaces what a client sends; in LiteLLM the client wins.`);
  }
  const extraBody = { ...fields, ...asObject(params.toValue(params.take('extra_body') ?? null)) };
  const headers = textsOf(params, { ...asObject(params.take('headers')), ...asObject(params.take('extra_headers')) });
  const totalMs = params.takeSeconds('timeout');
  const ttftMs = params.takeSeconds('stream_timeout');
  const max = params.takeInteger('max_retries') ?? params.takeInteger('num_retries');
  const timeouts = { ...(ttftMs !== undefined && { ttftMs }), ...(totalMs !== undefined && { totalMs }) };
  return {
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(extraBody).length > 0 && { extraBody }),
    ...(Object.keys(timeouts).length > 0 && { timeouts }),
    ...(max !== undefined && { retries: { max: Math.min(max, 10) } }),
  };
}

function textsOf(params: LitellmSection, values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const text = params.toText(value);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** `[{a: [b, c]}, {d: [e]}]`, or the same as one mapping, as LiteLLM writes fallbacks. */
export function readFallbacks(value: unknown): Map<string, readonly unknown[]> {
  const entries = (Array.isArray(value) ? value : [value]).flatMap((item) => Object.entries(asObject(item) ?? {}));
  return new Map(entries.map(([name, names]) => [name, asString(names) === undefined ? asArray(names) : [names]]));
}
