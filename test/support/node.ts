// A whole node on a free port of 127.0.0.1, with the real ports but a log that tests can read.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountConfig, ChainConfig, Config, TargetConfig } from '../../src/config/config.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { createNode, type FlowmeshNode, type NodePorts } from '../../src/node.ts';
import type { LogFields, Logger } from '../../src/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';

/** What a test wants different from the defaults. Targets may be written `account/model`. */
export interface PartialConfig extends Partial<Omit<Config, 'accounts' | 'chains' | Section>> {
  readonly server?: Partial<Config['server']>;
  readonly timeouts?: Partial<Config['timeouts']>;
  readonly retries?: Partial<Config['retries']>;
  readonly cooldown?: Partial<Config['cooldown']>;
  readonly responses?: Partial<Config['responses']>;
  readonly ledger?: Config['ledger'];
  readonly cache?: Partial<Config['cache']>;
  readonly compaction?: Partial<Config['compaction']>;
  readonly knowledge?: Partial<Config['knowledge']>;
  readonly accounts?: Readonly<Record<string, Partial<AccountConfig>>>;
  readonly chains?: Readonly<Record<string, PartialChain>>;
}

type Section =
  | 'server'
  | 'timeouts'
  | 'retries'
  | 'cooldown'
  | 'responses'
  | 'ledger'
  | 'cache'
  | 'compaction'
  | 'knowledge';
type PartialTarget = string | (Partial<TargetConfig> & Pick<TargetConfig, 'account' | 'model'>);
type PartialChain = readonly PartialTarget[] | PartialChainConfig;

interface PartialChainConfig extends Partial<Omit<ChainConfig, 'targets' | 'onContextLength' | 'onContentFilter'>> {
  readonly targets: readonly PartialTarget[];
  readonly onContextLength?: readonly PartialTarget[];
  readonly onContentFilter?: readonly PartialTarget[];
}

export function configWith(partial: PartialConfig = {}): Config {
  const {
    accounts = {},
    chains = {},
    server,
    timeouts,
    retries,
    cooldown,
    responses,
    ledger,
    cache,
    compaction,
    knowledge,
    ...rest
  } = partial;
  return {
    ...DEFAULTS,
    aliases: {},
    dataDirectory: ':memory:',
    ...rest,
    server: { ...DEFAULTS.server, port: 0, ...server },
    timeouts: { ...DEFAULTS.timeouts, ...timeouts },
    retries: { ...DEFAULTS.retries, backoffMs: 1, ...retries },
    cooldown: { ...DEFAULTS.cooldown, ...cooldown },
    responses: { ...DEFAULTS.responses, ...responses },
    ledger: { ...DEFAULTS.ledger, ...ledger },
    cache: { ...DEFAULTS.cache, ...cache },
    compaction: { ...DEFAULTS.compaction, ...compaction },
    knowledge: { ...DEFAULTS.knowledge, ...knowledge },
    accounts: mapped(accounts, (account) => ({
      provider: 'openai-compatible',
      keys: [],
      headers: {},
      // Not empty, so that nobody asks the upstream for its models.
      models: ['unlisted'],
      ...account,
    })),
    chains: mapped(chains, chainOf),
  };
}

function chainOf(partial: PartialChain): ChainConfig {
  const chain: PartialChainConfig = isList(partial) ? { targets: partial } : partial;
  return {
    timeouts: {},
    retries: {},
    ...chain,
    targets: chain.targets.map(targetOf),
    onContextLength: (chain.onContextLength ?? []).map(targetOf),
    onContentFilter: (chain.onContentFilter ?? []).map(targetOf),
  };
}

function isList(chain: PartialChain): chain is readonly PartialTarget[] {
  return Array.isArray(chain);
}

function targetOf(partial: PartialTarget): TargetConfig {
  const plain = { timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
  if (typeof partial !== 'string') return { ...plain, ...partial };
  const slash = partial.indexOf('/');
  return { ...plain, account: partial.slice(0, slash), model: partial.slice(slash + 1) };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

export class LogRecorder implements Logger {
  readonly lines: LogLine[] = [];
  readonly debug = this.#recorder('debug');
  readonly info = this.#recorder('info');
  readonly warn = this.#recorder('warn');
  readonly error = this.#recorder('error');
  #waiting: (() => void)[] = [];

  /** The one line of each finished request. */
  get requests(): readonly LogFields[] {
    return this.lines.filter(({ message }) => message.startsWith('request')).map(({ fields }) => fields);
  }

  /** A request's line is written after its answer: wait for so many of them. */
  async untilRequests(count: number): Promise<readonly LogFields[]> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.requests;
  }

  #recorder(level: LogLine['level']) {
    return (fields: LogFields, message: string): void => {
      this.lines.push({ level, fields, message });
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }
}

export class TestNode {
  readonly url: string;
  readonly log: LogRecorder;
  readonly dataDirectory: string;
  readonly #node: FlowmeshNode;
  #stopping: Promise<void> | undefined;

  constructor(url: string, log: LogRecorder, dataDirectory: string, node: FlowmeshNode) {
    this.url = url;
    this.log = log;
    this.dataDirectory = dataDirectory;
    this.#node = node;
  }

  /** Posts JSON; a text is sent as it is. */
  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return fetch(this.url + path, { method: 'POST', ...init, body: text as string });
  }

  /** A chat in OpenAI's format. */
  chat(body: object = {}, init: RequestInit = {}): Promise<Response> {
    const chat = { model: 'main', messages: [{ role: 'user', content: 'Hello' }], ...body };
    return this.post('/v1/chat/completions', chat, init);
  }

  reload(config: PartialConfig): void {
    this.#node.reload(configWith({ ...config, dataDirectory: this.dataDirectory }));
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#node.stop().then(() => rm(this.dataDirectory, { recursive: true, force: true }));
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export async function startNode(partial: PartialConfig = {}, ports: Partial<NodePorts> = {}): Promise<TestNode> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flowmesh-test-'));
  const log = new LogRecorder();
  const node = createNode(configWith({ dataDirectory, ...partial }), {
    clock: systemClock,
    random: systemRandom,
    http: new UndiciHttpClient(),
    logger: log,
    ...ports,
  });
  return new TestNode(await node.listen(), log, dataDirectory, node);
}
