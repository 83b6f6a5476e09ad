// The operator's API under /admin: tenants, virtual keys, usage, and how the targets are. It is opened by the admin
// token alone, which no other endpoint takes.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ResponseCache } from '../cache/response-cache.ts';
import type { Config } from '../config/config.ts';
import { suggestion } from '../config/nearest.ts';
import { GatewayError } from '../errors.ts';
import { tenantScope } from '../gateway/caching.ts';
import type { PipelineDeps } from '../gateway/pipeline.ts';
import type { Clock } from '../ports.ts';
import type { StoredTraffic, TrafficQuery } from '../storage/traffic-log.ts';
import { isToken } from '../tenancy/admin-token.ts';
import { type InputContext, readNewKey, readTenantChanges } from '../tenancy/key-input.ts';
import type { KeyRing } from '../tenancy/key-ring.ts';
import type { KeyStore, Tenant, VirtualKey } from '../tenancy/key-store.ts';
import { ENTRY_FORMATS, type EntryFormat } from '../tenancy/usage-entries.ts';
import { readUsageQuery } from '../tenancy/usage-query.ts';
import { type UsageQuery, type UsageRow, usageCsv } from '../tenancy/usage-report.ts';
import { WrongAttempts } from '../tenancy/wrong-attempts.ts';
import { presentedBearer } from './client-key.ts';
import { sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

/** Only the operator has this token, and seldom types it. */
const FREE_FAILURES = 5;

/** Absent where there is no data directory to keep the token in. */
export interface Administration {
  readonly token: string;
  readonly keyStore: KeyStore;
  readonly usage: (query: UsageQuery) => Promise<readonly UsageRow[]>;
  readonly usageEntries: (query: UsageQuery, format: EntryFormat) => AsyncIterable<string>;
  readonly shadowPairs: (query: TrafficQuery) => readonly StoredTraffic[];
  readonly cache: ResponseCache;
}

export interface AdminRoutesDeps {
  readonly administration?: Administration | undefined;
  readonly clock: Clock;
  readonly keyRing: KeyRing;
  readonly pipeline: PipelineDeps;
  readonly config: () => Config;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Opened by the admin token, and by nothing else. */
    isAdmin?: boolean;
  }
}

/** Options of a route that the admin token opens. */
export const ADMIN = { config: { isAdmin: true } } as const;
const ENTRIES_FIELDS = ['since', 'until', 'tenant', 'key', 'model', 'format'] as const;
const USAGE_FIELDS = ['by', 'since', 'until', 'tenant', 'key', 'model', 'scope', 'format'] as const;

/** Looks at a request to a route with `isAdmin` before its body is read. */
export function adminGuard({ administration, clock }: AdminRoutesDeps): (request: FastifyRequest) => void {
  const wrongAttempts = new WrongAttempts(clock, FREE_FAILURES);
  let wasOpened = false;
  return (request) => {
    const presented = presentedBearer(request);
    const isRight = administration !== undefined && isToken(presented, administration.token);
    // Clients behind the operator's own proxy must not be able to lock the operator out: who was let in does not guess.
    if (isRight && wasOpened) return;
    wrongAttempts.check(request.ip);
    if (isRight) {
      wasOpened = true;
      return;
    }
    if (presented !== undefined) wrongAttempts.note(request.ip);
    throw new GatewayError(
      'unauthenticated',
      'The admin API needs the admin token: `Authorization: Bearer fma-…`, from admin.token in the data directory.',
    );
  };
}

export function adminRoutes(server: FastifyInstance, deps: AdminRoutesDeps): void {
  const { administration } = deps;
  if (!administration) return;
  tenantRoutes(server, administration, deps);
  keyRoutes(server, administration, deps);
  cacheRoutes(server, administration, deps);
  server.get('/admin/usage', ADMIN, (request, reply) => sendUsage(request, reply, administration, deps));
  server.get('/admin/usage/entries', ADMIN, (request, reply) => sendEntries(request, reply, administration, deps));
  server.get('/admin/targets', ADMIN, (_request, reply) => sendObject(reply, 200, { data: targetList(deps) }));
  // So that a misspelled path is not taken for a client's request, for which the admin token would be a wrong key.
  server.all('/admin/*', ADMIN, ({ method, url }) => {
    const path = url.split('?', 1)[0] ?? '';
    throw new GatewayError('not_found', `Unknown admin endpoint: ${method} ${path.slice(0, 200)}`);
  });
}

function tenantRoutes(server: FastifyInstance, { keyStore }: Administration, deps: AdminRoutesDeps): void {
  const { keyRing } = deps;
  server.get('/admin/tenants', ADMIN, (_request, reply) =>
    sendObject(reply, 200, { data: keyStore.tenants().map(tenantView) }),
  );
  server.get('/admin/tenants/:id', ADMIN, (request, reply) => {
    const id = idOf(request);
    const tenant = keyStore.tenant(id);
    if (!tenant) throw new GatewayError('not_found', `There is no tenant '${id.slice(0, 100)}'.`);
    return sendObject(reply, 200, tenantView(tenant));
  });
  server.put('/admin/tenants/:id', ADMIN, (request, reply) => {
    const changes = readTenantChanges(jsonBody(request), inputContext(deps));
    const tenant = keyStore.putTenant(idOf(request), changes);
    keyRing.forget();
    return sendObject(reply, 200, tenantView(tenant));
  });
}

function keyRoutes(server: FastifyInstance, { keyStore }: Administration, deps: AdminRoutesDeps): void {
  const { keyRing } = deps;
  server.get('/admin/keys', ADMIN, (request, reply) => {
    const { tenant } = queryOf(request, ['tenant']);
    return sendObject(reply, 200, { data: keyStore.keys(tenant).map(keyView) });
  });
  server.post('/admin/keys', ADMIN, (request, reply) => {
    const { key, secret } = keyStore.createKey(readNewKey(jsonBody(request), inputContext(deps)));
    keyRing.forget();
    return sendObject(reply, 201, { ...keyView(key), secret });
  });
  server.post('/admin/keys/:id/rotate', ADMIN, (request, reply) => {
    const { key, secret } = keyStore.rotateKey(idOf(request));
    keyRing.forget();
    return sendObject(reply, 200, { ...keyView(key), secret });
  });
  server.delete('/admin/keys/:id', ADMIN, (request, reply) => {
    const key = keyStore.revokeKey(idOf(request));
    keyRing.forget();
    return sendObject(reply, 200, keyView(key));
  });
}

function cacheRoutes(server: FastifyInstance, { cache }: Administration, { pipeline }: AdminRoutesDeps): void {
  server.get('/admin/cache', ADMIN, (_request, reply) =>
    sendObject(reply, 200, { ...cache.extent, requests: pipeline.caching.counts, spaces: cache.spaces() }),
  );
  server.delete('/admin/cache', ADMIN, (request, reply) => {
    const { tenant, namespace = '' } = queryOf(request, ['tenant', 'namespace']);
    const removed = cache.clear({ scope: tenant === undefined ? '' : tenantScope(tenant), namespace });
    return sendObject(reply, 200, { removed });
  });
}

async function sendUsage(
  request: FastifyRequest,
  reply: FastifyReply,
  { usage }: Administration,
  { clock }: AdminRoutesDeps,
): Promise<FastifyReply> {
  const { format = 'json', ...written } = queryOf(request, USAGE_FIELDS);
  if (format !== 'json' && format !== 'csv') {
    throw new GatewayError('bad_request', "format must be 'json' or 'csv'.", { param: 'format' });
  }
  const query = readUsageQuery(written, clock.now());
  const rows = await usage(query);
  if (format === 'csv') return reply.type('text/csv; charset=utf-8').send(usageCsv(query.by, rows));
  return sendObject(reply, 200, { data: rows.map((row) => usageView(query.by, row)) });
}

/** As the client reads them: nothing is read from the ledger before it is wanted. */
function sendEntries(
  request: FastifyRequest,
  reply: FastifyReply,
  { usageEntries }: Administration,
  { clock }: AdminRoutesDeps,
): FastifyReply {
  const { format: asked = 'jsonl', ...written } = queryOf(request, ENTRIES_FIELDS);
  const format = ENTRY_FORMATS.find((one) => one === asked);
  if (!format) throw new GatewayError('bad_request', "format must be 'jsonl' or 'csv'.", { param: 'format' });
  const entries = usageEntries(readUsageQuery(written, clock.now()), format);
  return reply
    .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
    .header('cache-control', 'no-store')
    .send(Readable.from(entries, { objectMode: false }));
}

function usageView(by: readonly string[], { group, ...amounts }: UsageRow): object {
  return { ...Object.fromEntries(by.map((name, index) => [name, group[index] ?? ''])), ...amounts };
}

/** Every target that a chain names, once. */
function targetList({ config, pipeline: { health } }: AdminRoutesDeps): object[] {
  const ids = Object.values(config().chains).flatMap(({ targets, onContextLength, onContentFilter }) =>
    [...targets, ...onContextLength, ...onContentFilter].map(({ account, model }) => `${account}/${model}`),
  );
  return [...new Set(ids)].map((id) => ({ target: id, state: health.state(id), inFlight: health.inFlight(id) }));
}

function inputContext({ clock, config }: AdminRoutesDeps): InputContext {
  const accounts = Object.entries(config().accounts).map(([name, { provider }]) => [name, provider] as const);
  return { nowMs: clock.now(), accounts: new Map(accounts) };
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id;
}

/** @throws GatewayError `bad_request` for a parameter that is unknown or given twice */
export function queryOf<const Name extends string>(
  request: FastifyRequest,
  known: readonly Name[],
): { readonly [Key in Name]?: string } {
  const query = request.query as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(query)) {
    const shown = name.slice(0, 100);
    if (!known.some((one) => one === name)) {
      const hint = suggestion(name, known, ` There are: ${known.join(', ')}.`);
      throw new GatewayError('bad_request', `${shown} is unknown.${hint}`, { param: shown });
    }
    if (typeof value !== 'string') throw new GatewayError('bad_request', `Give ${shown} once.`, { param: shown });
  }
  return query as { readonly [Key in Name]?: string };
}

function tenantView({ createdAt, ...tenant }: Tenant): object {
  return { ...tenant, createdAt: timestamp(createdAt) };
}

function keyView({ createdAt, expiresAt, revokedAt, ...key }: VirtualKey): object {
  return {
    ...key,
    createdAt: timestamp(createdAt),
    ...(expiresAt !== undefined && { expiresAt: timestamp(expiresAt) }),
    ...(revokedAt !== undefined && { revokedAt: timestamp(revokedAt) }),
  };
}

export function timestamp(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Answers hold secrets and figures: nothing between may keep them. */
export function sendObject(reply: FastifyReply, status: number, value: object): FastifyReply {
  sendJson(reply, status, JSON.stringify(value), { 'cache-control': 'no-store' });
  return reply;
}
