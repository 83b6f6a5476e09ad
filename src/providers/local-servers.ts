// Looks for model servers on this machine, at the ports they use when nobody chose another.

import type { AccountConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { type Clock, type HttpClient, HttpFailure } from '../ports.ts';
import { buildAccount } from './accounts.ts';
import { isLoopback, normaliseBaseUrl } from './base-url.ts';
import { withDeadline } from './deadline.ts';
import { isChatModel, listModels, type ModelEntry } from './model-list.ts';
import { presetNamed } from './preset-lookup.ts';

/** Servers on the same machine answer within a few milliseconds; a start must not wait for one that hangs. */
export const PROBE_TIMEOUT_MS = 250;

const OLLAMA_PORT = '11434';
/** In the order in which they join the default chain. */
const PROBED: readonly string[] = ['ollama', 'llamacpp', 'lmstudio', 'vllm'];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Probe {
  /** Preset name. */
  readonly name: string;
  readonly url: string;
  readonly outcome:
    | {
        readonly type: 'found';
        readonly account: AccountConfig;
        readonly models: readonly ModelEntry[];
        readonly chatModel: string;
      }
    /** Something is there, but no model can be used. */
    | { readonly type: 'unusable'; readonly reason: string }
    /** Nothing listens there. */
    | { readonly type: 'absent' };
}

export interface ProbeDependencies {
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** All ports at once, so that the whole takes no longer than one timeout. */
export function probeLocalServers(env: Environment, dependencies: ProbeDependencies): Promise<Probe[]> {
  return Promise.all(PROBED.map((name) => probe(name, env, dependencies)));
}

async function probe(name: string, env: Environment, { http, clock }: ProbeDependencies): Promise<Probe> {
  const preset = presetNamed(name);
  const givenHost = name === 'ollama' ? env.OLLAMA_HOST?.trim() : undefined;
  let url = preset?.baseUrl ?? '';
  try {
    if (givenHost) url = ollamaUrl(givenHost);
    const account: AccountConfig = { provider: name, url, keys: [], headers: {}, models: [] };
    const models = await withDeadline(clock, PROBE_TIMEOUT_MS, undefined, (signal) =>
      listModels(buildAccount(name, account, presetNamed), http, signal),
    );
    return { name, url, outcome: judged(account, models) };
  } catch (error) {
    const isRefused = error instanceof HttpFailure && error.stage === 'connect';
    if (isRefused && !givenHost) return { name, url, outcome: { type: 'absent' } };
    return { name, url, outcome: { type: 'unusable', reason: reasonOf(error) } };
  }
}

/** Anything may listen on 8080 or 8000; a model server also says who owns its models. */
function judged(account: AccountConfig, models: readonly ModelEntry[]): Probe['outcome'] {
  if (models.some((model) => model.ownedBy === undefined)) {
    return { type: 'unusable', reason: 'it answers, but not with an OpenAI-compatible list of models' };
  }
  const chatModel = models.find((model) => isChatModel(model.id))?.id;
  return chatModel === undefined
    ? { type: 'unusable', reason: 'it runs, but has no chat model loaded' }
    : { type: 'found', account, models, chatModel };
}

function reasonOf(error: unknown): string {
  if (error instanceof GatewayError && error.code === 'upstream_authentication') {
    return "it wants a key; add it as an account with 'key' to the configuration";
  }
  if (error instanceof GatewayError && error.code !== 'bad_request') {
    return 'it answers, but not with a list of models';
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * OLLAMA_HOST as Ollama itself reads it: `host`, `host:port`, `:port` or a URL. It also tells the server where to
 * listen, so "every interface" means this machine here.
 */
export function ollamaUrl(host: string): string {
  const text = host.startsWith(':') ? `127.0.0.1${host}` : host;
  const hasScheme = text.includes('://');
  const url = new URL(normaliseBaseUrl(hasScheme ? text : `http://${text}`, 'OLLAMA_HOST'));
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  if (!hasScheme && url.port === '' && !/:80$/.test(text)) url.port = OLLAMA_PORT;
  return normaliseBaseUrl(url.href, 'OLLAMA_HOST');
}

/** For the banner: a server elsewhere is named with its host. */
export function placeOf(url: string): string {
  return isLoopback(url) ? `port ${new URL(url).port}` : new URL(url).host;
}
