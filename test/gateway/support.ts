// The request path without HTTP server or network: fake upstreams, a clock that the test moves, dice that always show
// the same.

import { ResponseCache } from '../../src/cache/response-cache.ts';
import { dialects } from '../../src/dialects/registry.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Answer } from '../../src/gateway/answer.ts';
import { Caching } from '../../src/gateway/caching.ts';
import { handle, type PipelineDeps, type RequestContext } from '../../src/gateway/pipeline.ts';
import { Router } from '../../src/gateway/router.ts';
import { RoutingState } from '../../src/gateway/routing-state.ts';
import { TargetHealth } from '../../src/gateway/target-health.ts';
import { RequestTrace } from '../../src/gateway/trace.ts';
import type { ChatRequest, DialectName } from '../../src/model/chat.ts';
import type { Frame } from '../../src/model/stream.ts';
import { buildAccounts } from '../../src/providers/accounts.ts';
import { presetNamed } from '../../src/providers/preset-lookup.ts';
import { ANONYMOUS } from '../../src/tenancy/principal.ts';
import { FakeHttp, type FakeReply, settled } from '../support/fake-http.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { configWith, type PartialConfig } from '../support/node.ts';
import { testAccountant } from '../support/tenancy.ts';

export const CLIENT_LEFT = new GatewayError('client_closed', 'The client left.');

/** Two accounts, `a` and `b`, and a chain `main` over `a/one` and `b/two`, each tried once. */
export const TWO_TARGETS: PartialConfig = {
  accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' } },
  chains: { main: ['a/one', 'b/two'] },
  retries: { max: 0 },
};

export class TestGateway {
  readonly clock = new ManualClock();
  readonly http: FakeHttp;
  readonly health: TargetHealth;
  readonly store: ResponseCache;
  readonly deps: PipelineDeps;
  readonly tenancy: ReturnType<typeof testAccountant>;
  router: Router;

  constructor(config: PartialConfig, ...replies: readonly FakeReply[]) {
    const whole = configWith(config);
    this.http = new FakeHttp(...replies);
    this.health = new TargetHealth(this.clock, () => whole.cooldown);
    this.store = new ResponseCache({
      path: ':memory:',
      clock: this.clock,
      limits: () => whole.cache,
      onFailure: (error) => {
        throw error;
      },
    });
    this.router = routerOf(config);
    this.tenancy = testAccountant(this.clock);
    this.deps = {
      clock: this.clock,
      random: {
        next: () => 0.5,
        uuid: () => '00000000-0000-4000-8000-000000000000',
        bytes: (count) => new Uint8Array(count),
      },
      http: this.http,
      health: this.health,
      routing: new RoutingState(),
      caching: new Caching(this.store),
      accountant: this.tenancy.accountant,
      facts: () => undefined,
      router: () => this.router,
      builtin: () => {
        throw new Error('no test here asks the built-in answerer');
      },
    };
  }

  /** Hosts that were called, in order. */
  get hosts(): string[] {
    return this.http.calls.map(({ request }) => new URL(request.url).hostname.split('.')[0] ?? '');
  }

  /** The ledger, oldest entry first. */
  entries(): Record<string, unknown>[] {
    this.tenancy.ledger.flush();
    return this.tenancy.database
      .prepare<[], Record<string, unknown>>(
        'SELECT request_id, status, operation, model, target, input_tokens, output_tokens, attempts FROM ledger ORDER BY id',
      )
      .all();
  }

  context(): TestContext {
    return new TestContext(this.clock.elapsed());
  }

  handle(body: object = {}, context = this.context(), dialect: DialectName = 'openai-chat'): Promise<Answer> {
    return handle(chatRequest(body, dialect), context, this.deps);
  }

  /** The whole answer as the client would see it streamed. */
  async text(body: object = {}, context = this.context(), dialect: DialectName = 'openai-chat'): Promise<string> {
    const request = chatRequest(body, dialect);
    const renderer = dialects[dialect].client.streamRenderer(request, { id: 'own', createdAt: 1 });
    return (await framesOf(await handle(request, context, this.deps))).map((frame) => renderer.render(frame)).join('');
  }

  /** How it failed. A success fails the test. */
  async failure(body: object = {}, context = this.context()): Promise<GatewayError> {
    return failureOf(this.text(body, context));
  }

  async advance(durationMs: number): Promise<void> {
    await settled();
    this.clock.advance(durationMs);
    await settled();
  }
}

export class TestContext implements RequestContext {
  readonly trace: RequestTrace;
  readonly principal = ANONYMOUS;
  readonly ownKeys: ReadonlyMap<string, string> = new Map();
  readonly isExplained: boolean = false;
  readonly #client = new AbortController();

  constructor(startedAt: number) {
    this.trace = new RequestTrace('request-1', 'openai-chat', startedAt);
  }

  get signal(): AbortSignal {
    return this.#client.signal;
  }

  headers(): Readonly<Record<string, string>> {
    return {};
  }

  leave(): void {
    this.#client.abort(CLIENT_LEFT);
  }
}

export function routerOf(config: PartialConfig, accountsFor: (model: string) => readonly string[] = () => []): Router {
  const whole = configWith(config);
  return new Router(whole, buildAccounts(whole.accounts, presetNamed), { accountsFor });
}

/** A streaming request to the chain `main`, unless the body says otherwise. */
export function chatRequest(body: object = {}, dialect: DialectName = 'openai-chat'): ChatRequest {
  const messages = [{ role: 'user', content: 'Hello' }];
  return dialects[dialect].client.parseRequest({ model: 'main', stream: true, messages, ...body }, {});
}

export async function framesOf(answer: Answer): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let batch = await answer.next(); batch; batch = await answer.next()) frames.push(...batch);
  return frames;
}

export async function failureOf(action: Promise<unknown>): Promise<GatewayError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('It succeeded.');
}
