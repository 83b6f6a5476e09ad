// Every fault of every upstream, as the users of every official SDK meet it: alone, and before a healthy target.
// The faults are rows of fault-cases.ts; what follows from a code stands in src/gateway/failure-policy.ts.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError } from '@google/genai';
import OpenAI from 'openai';
import { ERROR_TABLE } from '../../src/errors.ts';
import { policyOf } from '../../src/gateway/failure-policy.ts';
import { accountFor, ROUTES, type RouteName, type RouteSpec, routeNamed } from '../conformance/gateway.ts';
import { CLIENT_KINDS, type ClientKind, essence, expectedSeen, modelFor } from '../support/cases.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { type Script, startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { FAULT_CASES, type FaultCase, HARMLESS } from './fault-cases.ts';
import { type Gateway, type Outcome, startGateway } from './gateway.ts';

/** The healthy target behind a failing one: always of another dialect. */
const SECOND: Readonly<Record<RouteName, RouteName>> = {
  openai: 'anthropic',
  'openai-responses': 'gemini',
  azure: 'openai-responses',
  mistral: 'ollama',
  compatible: 'anthropic',
  anthropic: 'gemini',
  gemini: 'openai',
  ollama: 'anthropic',
};

const RETRIES = 1;
/** Long enough for a busy test process to pass the request on. */
const SILENCE_MS = 500;
const PATIENCE_MS = 60_000;
/** A port on which nobody listens, and which no other test is given: one that was free a moment ago may be. */
const REFUSING = ':1';

/** One request: it has a chain, a model and an account of its own, so that no cooldown reaches into another. */
interface Asked {
  readonly name: string;
  readonly client: ClientKind;
  readonly isStream: boolean;
  readonly script: Script | 'refused';
  /** Before or after its first content; absent: it does not fall silent. */
  readonly silence?: 'at first' | 'midway' | undefined;
  readonly hasSecond: boolean;
}

class Bench {
  readonly #route: RouteSpec;
  readonly #second: RouteSpec;
  readonly #asked: Asked[] = [];
  #first: Upstream | undefined;
  #other: Upstream | undefined;
  readonly #counts = new Map<string, number>();
  #gateway: Gateway | undefined;

  constructor(route: RouteSpec) {
    this.#route = route;
    this.#second = routeNamed(SECOND[route.name as RouteName]);
  }

  add(asked: Omit<Asked, 'name'>): Asked {
    const complete = { ...asked, name: `case-${this.#asked.length}` };
    this.#asked.push(complete);
    return complete;
  }

  async start(): Promise<void> {
    const first = await startUpstream(this.#route.kind, { models: this.#models(this.#route) });
    const other = await startUpstream(this.#second.kind, { models: this.#models(this.#second) });
    const scripts = new Map(this.#asked.map(({ name, script }) => [name, script]));
    first.respondWith((request) => {
      const name = caseOf(request);
      this.#counts.set(`first ${name}`, this.#count('first', name) + 1);
      const script = scripts.get(name);
      return script === undefined || script === 'refused' ? 'text' : script;
    });
    other.respondWith((request) => {
      const name = caseOf(request);
      this.#counts.set(`second ${name}`, this.#count('second', name) + 1);
      return 'text';
    });
    const chains: Record<string, object> = {};
    const accounts: Record<string, object> = {};
    for (const { name, script, isStream, silence, hasSecond } of this.#asked) {
      const account = accountFor(this.#route, first);
      const url = script === 'refused' ? first.url.replace(/:\d+/, REFUSING) : first.url;
      accounts[`first-${name}`] = { ...account, url, models: ['listed'] };
      accounts[`second-${name}`] = { ...accountFor(this.#second, other), models: ['listed'] };
      // A whole answer has four times as long until its first content.
      const ttftMs = isStream ? SILENCE_MS : SILENCE_MS / 4;
      // The first content of a stream that falls silent later may take its time: the machine may be busy.
      const isFirstPatient = isStream && silence === 'midway';
      const timeouts = silence ? { ttftMs: isFirstPatient ? PATIENCE_MS : ttftMs, idleMs: SILENCE_MS } : {};
      const targets = [
        { account: `first-${name}`, model: modelOf(this.#route, name), timeouts },
        { account: `second-${name}`, model: modelOf(this.#second, name) },
      ];
      chains[name] = { targets: hasSecond ? targets : targets.slice(0, 1) };
    }
    this.#gateway = await startGateway({
      config: {
        accounts,
        chains,
        retries: { max: RETRIES, backoffMs: 0, backoffMaxMs: 1 },
        timeouts: { connectMs: PATIENCE_MS, ttftMs: PATIENCE_MS, idleMs: PATIENCE_MS, totalMs: PATIENCE_MS },
      },
      server: { keepAliveMs: PATIENCE_MS },
    });
    this.#first = first;
    this.#other = other;
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
    await this.#first?.close();
    await this.#other?.close();
  }

  get defects() {
    return this.#gateway?.defects;
  }

  ask({ name, client, isStream }: Asked): Promise<Outcome> {
    if (!this.#gateway) throw new Error('not started');
    return this.#gateway.tryAsk(client, { model: name, isStream });
  }

  /** Requests that each target got. */
  counts({ name }: Asked): { readonly first: number; readonly second: number } {
    return { first: this.#count('first', name), second: this.#count('second', name) };
  }

  targetId({ name }: Asked, place: 'first' | 'second'): string {
    return `${place}-${name}/${modelOf(place === 'first' ? this.#route : this.#second, name)}`;
  }

  #count(place: 'first' | 'second', name: string): number {
    return this.#counts.get(`${place} ${name}`) ?? 0;
  }

  #models(route: RouteSpec): string[] {
    return this.#asked.map(({ name }) => modelOf(route, name));
  }
}

function modelOf(route: RouteSpec, name: string): string {
  return `${modelFor(route.kind, 'text')}.${name}`;
}

/** The model stands in the path or in the body. */
function caseOf(request: { readonly path: string; readonly body: any }): string {
  return /\.(case-\d+)/.exec(`${request.path} ${request.body?.model ?? ''}`)?.[1] ?? '';
}

/** What upstreams have in common with OpenAI's is proven there; those get two clients, in turn. */
const LIKE_OPENAI: readonly RouteName[] = ['azure', 'mistral', 'compatible'];

let turn = 0;

function clientsOf(route: RouteName, isOneEnough: boolean | undefined): readonly ClientKind[] {
  const count = isOneEnough ? 1 : LIKE_OPENAI.includes(route) ? 2 : CLIENT_KINDS.length;
  turn += count;
  return CLIENT_KINDS.map((_, at) => CLIENT_KINDS[(turn + at) % CLIENT_KINDS.length] as ClientKind).slice(0, count);
}

for (const route of ROUTES) {
  describe(`${route.name} fails`, { concurrency: 3 }, () => {
    const bench = new Bench(route);
    before(() => bench.start());
    after(() => bench.stop());

    for (const one of FAULT_CASES) {
      if (one.upstreams && !one.upstreams.includes(route.name)) continue;
      const modes = [true, false].filter((isStream) => !one.only || (one.only === 'streamed') === isStream);
      const script = one.fault === 'refused' ? 'refused' : { fault: one.fault };
      const silence = one.isSilent ? (one.isMidStream ? 'midway' : 'at first') : undefined;
      const allOf = (hasSecond: boolean, isOneEnough = one.isHeavy): Asked[] =>
        clientsOf(route.name, isOneEnough).flatMap((client) =>
          modes.map((isStream) => bench.add({ client, isStream, script, hasSecond, silence })),
        );

      const alone = allOf(false);
      it(`${one.name}: every SDK raises its own error`, async () => {
        await Promise.all(
          alone.map((asked) =>
            explained(asked, async () => checkFailure(one, asked, await bench.ask(asked), bench, attemptsAt(one))),
          ),
        );
      });

      const isFinal = one.isMidStream || policyOf(one.code).proceed === 'final' || one.code === 'content_filtered';
      // How each SDK takes a failure is known by now; here it counts that nobody else is asked.
      const chained = allOf(true, isFinal || one.isHeavy);
      it(`${one.name}: ${isFinal ? 'the next target is not asked' : 'the next target answers'}`, async () => {
        await Promise.all(
          chained.map((asked) =>
            explained(asked, async () => {
              const outcome = await bench.ask(asked);
              if (isFinal) checkFailure(one, asked, outcome, bench, attemptsAt(one));
              else checkFallback(one, asked, outcome, bench, route);
            }),
          ),
        );
      });
    }

    for (const { name, fault, isHeavy } of HARMLESS) {
      const all = clientsOf(route.name, isHeavy).flatMap((client) =>
        [true, false].map((isStream) => bench.add({ client, isStream, script: { fault }, hasSecond: true })),
      );
      it(`${name}: no harm is done`, async () => {
        await Promise.all(
          all.map((asked) => explained(asked, async () => checkHarmless(fault, asked, await bench.ask(asked), bench))),
        );
      });
    }

    it('nothing of all this was a defect', () => {
      assert.deepEqual(bench.defects, []);
    });
  });
}

async function explained(asked: Asked, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    const how = `${asked.client}, ${asked.isStream ? 'streamed' : 'whole'}${asked.hasSecond ? ', chained' : ''}`;
    (error as Error).message = `[${how}] ${(error as Error).message}`;
    throw error;
  }
}

/** Attempts at the failing target. */
function attemptsAt(one: FaultCase): number {
  return !one.isMidStream && policyOf(one.code).proceed === 'retry' ? 1 + RETRIES : 1;
}

function checkFailure(one: FaultCase, asked: Asked, outcome: Outcome, bench: Bench, attempts: number): void {
  const { error, headers, line } = outcome;
  if (error === undefined) assert.fail(`The SDK saw a success: ${JSON.stringify(outcome.seen?.raw)}`);
  assert.equal(line.error, one.code, `the node's word for it; the SDK says: ${error.message}`);
  assert.equal(outcome.status, one.isMidStream ? 200 : statusOf(one));
  checkErrorClass(asked.client, one, error);
  assert.doesNotMatch(error.message, /\[object|undefined|^\s*$/);
  assert.ok(error.message.length > 8, error.message);
  assert.equal(headers?.get('x-request-id'), line.requestId);
  assert.equal(headers?.get('x-flowmesh-attempts'), String(attempts));
  assert.equal(headers?.get('x-flowmesh-target'), encodeURI(bench.targetId(asked, 'first')));
  if (one.isMidStream) assert.ok(Number(line.outputTokens) > 0, 'the tokens so far are counted');
  else checkRetryAfter(one, headers);
  assert.deepEqual(bench.counts(asked), { first: one.fault === 'refused' ? 0 : attempts, second: 0 });
}

function statusOf(one: FaultCase): number {
  return one.status ?? ERROR_TABLE[one.code].status;
}

function checkErrorClass(client: ClientKind, one: FaultCase, error: any): void {
  const status = one.isMidStream ? undefined : statusOf(one);
  switch (client) {
    case 'openai-chat':
    case 'openai-responses':
      assert.equal(error.constructor.name, openAiClass(status), error.stack);
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, status);
      assert.ok(error.requestID, 'a request id');
      assert.ok(error.type ?? error.code, 'a type or a code');
      return;
    case 'anthropic':
      assert.equal(error.constructor.name, anthropicClass(status), error.stack);
      assert.ok(error instanceof Anthropic.APIError);
      assert.equal(error.status, status);
      assert.ok(error.requestID, 'a request id');
      assert.match(String(error.type), /_error$|^request_too_large$/);
      return;
    case 'gemini':
      assert.ok(error instanceof ApiError, error.stack);
      if (status === undefined) assert.ok(error.status >= 400 && error.status < 600, `status ${error.status}`);
      else assert.equal(error.status, status);
      return;
    case 'ollama':
      assert.equal(error.name, status === undefined ? 'Error' : 'ResponseError', error.stack);
      assert.equal(error.status_code, status);
  }
}

function openAiClass(status: number | undefined): string {
  const names: Readonly<Record<number, string>> = {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    403: 'PermissionDeniedError',
    404: 'NotFoundError',
    422: 'UnprocessableEntityError',
    429: 'RateLimitError',
  };
  if (status === undefined) return 'APIError';
  return names[status] ?? (status >= 500 ? 'InternalServerError' : 'APIError');
}

function anthropicClass(status: number | undefined): string {
  const names: Readonly<Record<number, string>> = {
    413: 'ContentTooLargeError',
    503: 'ServiceUnavailableError',
    504: 'GatewayTimeoutError',
    529: 'OverloadedError',
  };
  return names[status ?? 0] ?? openAiClass(status);
}

function checkRetryAfter({ retryAfterMs }: FaultCase, headers: Headers | undefined): void {
  const milliseconds = headers?.get('retry-after-ms') ?? undefined;
  const seconds = headers?.get('retry-after') ?? undefined;
  assert.equal(seconds, retryAfterMs === undefined ? undefined : String(retryAfterMs / 1_000));
  if (retryAfterMs === undefined) assert.equal(milliseconds, undefined);
  else assert.equal(Math.ceil(Number(milliseconds) / 1_000), retryAfterMs / 1_000);
}

function checkFallback(one: FaultCase, asked: Asked, outcome: Outcome, bench: Bench, route: RouteSpec): void {
  const { seen, error, headers, line } = outcome;
  if (!seen) assert.fail(`The SDK raised: ${error.stack}`);
  const second = routeNamed(SECOND[route.name as RouteName]);
  const expected = { upstream: second.kind, upstreamDialect: second.dialect, client: asked.client };
  assert.deepEqual(essence(seen), expectedSeen('text', expected));
  const attempts = attemptsAt(one);
  assert.deepEqual(bench.counts(asked), { first: one.fault === 'refused' ? 0 : attempts, second: 1 });
  assert.equal(headers?.get('x-flowmesh-attempts'), String(attempts + 1));
  assert.equal(headers?.get('x-flowmesh-target'), encodeURI(bench.targetId(asked, 'second')));
  assert.equal(headers?.get('x-request-id'), line.requestId);
  const failures = line.failures as readonly { code: string; target: string }[];
  const told = failures.map(({ target, code }) => `${target} ${code}`);
  assert.deepEqual(told, Array(attempts).fill(`${bench.targetId(asked, 'first')} ${one.code}`));
}

function checkHarmless(fault: { readonly type: string }, asked: Asked, outcome: Outcome, bench: Bench): void {
  const { seen, error } = outcome;
  if (!seen) assert.fail(`The SDK raised: ${error.stack}`);
  const { text } = finalAnswer('text');
  assert.equal(seen.text, fault.type === 'oversized-line' ? `${text} ${'é漢🙂 '.repeat(20_000)}` : text);
  assert.deepEqual(bench.counts(asked), { first: 1, second: 0 });
}
