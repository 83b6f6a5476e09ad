// Which models an account serves, asked from the provider's own list endpoint.

import { foreignError, fromUpstreamError } from '../dialects/upstream-failure.ts';
import { GatewayError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../model/json.ts';
import type { HttpClient, HttpResponse, StopSignal } from '../ports.ts';
import type { Account } from './account.ts';
import { endpointFor } from './endpoint.ts';

export interface ModelEntry {
  readonly id: string;
  readonly title?: string;
  readonly ownedBy?: string;
  /** Seconds since 1970. */
  readonly createdAt?: number;
  /** Tokens of prompt and answer together, where the list tells. */
  readonly contextTokens?: number;
}

/** More pages than any provider has; stops a list that never ends. */
const PAGES_MAX = 20;
const PAGE_SIZE = 1_000;
const MODELS_MAX = 10_000;
/** OpenRouter's list, the longest we know, is about 1 MB. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const ERROR_CHARS_MAX = 64 * 1024;

interface Page {
  readonly models: readonly ModelEntry[];
  /** Path of the next page. */
  readonly next?: string;
}

interface ListProtocol {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Undefined for a body that is no list of models. */
  parsePage(body: JsonValue): Page | undefined;
}

const OPENAI: ListProtocol = { path: '/models', parsePage: parseOpenaiPage };
const PROTOCOLS: Readonly<Record<DialectName, ListProtocol>> = {
  'openai-chat': OPENAI,
  'openai-completions': OPENAI,
  'openai-responses': OPENAI,
  anthropic: {
    path: `/v1/models?limit=${PAGE_SIZE}`,
    headers: { 'anthropic-version': '2023-06-01' },
    parsePage: parseAnthropicPage,
  },
  gemini: { path: `/models?pageSize=${PAGE_SIZE}`, parsePage: parseGeminiPage },
  ollama: { path: '/api/tags', parsePage: parseOllamaPage },
};

/**
 * Without repetitions, in the provider's order. Built-in accounts and Azure (whose deployments cannot be listed with a
 * key) answer from their configuration.
 * @throws GatewayError for a refusal or for something that is no list; HttpFailure when nothing answers
 */
export async function listModels(account: Account, http: HttpClient, signal: StopSignal): Promise<ModelEntry[]> {
  if (account.isBuiltin || account.provider === 'azure') return account.models.map((id) => ({ id }));
  const protocol = PROTOCOLS[account.dialect];
  const found = new Map<string, ModelEntry>();
  let path: string | undefined = protocol.path;
  for (let pageCount = 0; path !== undefined && pageCount < PAGES_MAX && found.size < MODELS_MAX; pageCount += 1) {
    const page: Page = await fetchPage(account, protocol, path, http, signal);
    for (const model of page.models) if (!found.has(model.id)) found.set(model.id, model);
    path = page.next;
  }
  return [...found.values()].slice(0, MODELS_MAX);
}

async function fetchPage(
  account: Account,
  protocol: ListProtocol,
  path: string,
  http: HttpClient,
  signal: StopSignal,
): Promise<Page> {
  const call = { path, ...(protocol.headers && { headers: protocol.headers }) };
  const endpoint = endpointFor(account, account.keys[0], call, '');
  const response = await http.request({ method: 'GET', url: endpoint.url, headers: endpoint.headers, signal });
  const text = await readText(response);
  if (response.status < 200 || response.status > 299) {
    throw fromUpstreamError(foreignError(response.status, response.headers, text.slice(0, ERROR_CHARS_MAX)));
  }
  const page = protocol.parsePage(parsed(text));
  if (page) return page;
  throw new GatewayError('upstream_garbage', `${account.name} answered its model list with something else.`);
}

async function readText(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new GatewayError('upstream_garbage', `The list of models is larger than ${BODY_BYTES_MAX} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

/** `{data: […]}`; Together sends the bare array. */
function parseOpenaiPage(body: JsonValue): Page | undefined {
  const list = Array.isArray(body) ? body : asObject(body)?.data;
  if (!Array.isArray(list)) return undefined;
  return {
    models: entriesOf(list, (model) => ({
      id: asString(model.id),
      title: asString(model.name) ?? asString(model.display_name),
      ownedBy: asString(model.owned_by),
      createdAt: asNumber(model.created),
      contextTokens: asNumber(model.context_length) ?? asNumber(model.context_window) ?? asNumber(model.max_model_len),
    })),
  };
}

function parseAnthropicPage(body: JsonValue): Page | undefined {
  const page = asObject(body);
  if (!Array.isArray(page?.data)) return undefined;
  const last = asString(page.last_id);
  const hasMore = page.has_more === true && last !== undefined;
  return {
    models: entriesOf(page.data, (model) => ({
      id: asString(model.id),
      title: asString(model.display_name),
      ownedBy: 'anthropic',
      createdAt: secondsOf(asString(model.created_at)),
      contextTokens: asNumber(model.max_input_tokens),
    })),
    ...(hasMore && { next: `/v1/models?limit=${PAGE_SIZE}&after_id=${encodeURIComponent(last)}` }),
  };
}

const GEMINI_METHODS: ReadonlySet<JsonValue> = new Set(['generateContent', 'embedContent']);

function parseGeminiPage(body: JsonValue): Page | undefined {
  const page = asObject(body);
  if (!Array.isArray(page?.models)) return undefined;
  const callable = page.models.filter((model) => {
    const methods = asObject(model)?.supportedGenerationMethods;
    return !Array.isArray(methods) || methods.some((method) => GEMINI_METHODS.has(method));
  });
  const token = asString(page.nextPageToken);
  return {
    models: entriesOf(callable, (model) => ({
      id: asString(model.name)?.replace(/^models\//, ''),
      title: asString(model.displayName),
      ownedBy: 'google',
      contextTokens: asNumber(model.inputTokenLimit),
    })),
    ...(token && { next: `/models?pageSize=${PAGE_SIZE}&pageToken=${encodeURIComponent(token)}` }),
  };
}

function parseOllamaPage(body: JsonValue): Page | undefined {
  const list = asObject(body)?.models;
  if (!Array.isArray(list)) return undefined;
  return {
    models: entriesOf(list, (model) => ({
      id: asString(model.name) ?? asString(model.model),
      ownedBy: 'ollama',
      createdAt: secondsOf(asString(model.modified_at)),
    })),
  };
}

type EntryDraft = { readonly [K in keyof ModelEntry]: ModelEntry[K] | undefined };

/** Entries without a name are passed over. */
function entriesOf(list: readonly JsonValue[], read: (model: JsonObject) => Partial<EntryDraft>): ModelEntry[] {
  return asArray(list).flatMap((item) => {
    const draft = read(asObject(item) ?? {});
    if (!draft.id) return [];
    const known = Object.entries(draft).filter(([, value]) => value !== undefined);
    return [{ ...Object.fromEntries(known), id: draft.id }];
  });
}

function secondsOf(date: string | undefined): number | undefined {
  const milliseconds = Date.parse(date ?? '');
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1_000);
}

/** A guess by the name: lists mix chat models with those for embeddings, speech, pictures and moderation. */
export function isChatModel(id: string): boolean {
  return !/embed|rerank|whisper|transcribe|tts|moderation|dall-e|imagen|image|\bbge\b|minilm|\be5-|gte-/i.test(id);
}
