// For those who run the node: is it alive, does it take requests, what does it count.

import type { FastifyInstance } from 'fastify';
import type { Admission } from '../gateway/admission.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { checkEndpoint } from '../tenancy/scopes.ts';
import { sendJson } from './exchange.ts';

export const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

export interface OpsRoutesDeps {
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly version: string;
}

export function opsRoutes(server: FastifyInstance, { admission, metrics, version }: OpsRoutesDeps): void {
  server.get('/', (_request, reply) => {
    sendJson(reply, 200, JSON.stringify({ name: 'flowmesh', version, api: '/v1', docs: 'See README.md' }));
    return reply;
  });
  server.get('/healthz', (_request, reply) => {
    sendJson(reply, 200, JSON.stringify({ status: 'ok' }));
    return reply;
  });
  server.get('/readyz', (_request, reply) => {
    const status = admission.isDraining ? 'draining' : 'ready';
    sendJson(reply, admission.isDraining ? 503 : 200, JSON.stringify({ status, running: admission.running }));
    return reply;
  });
  server.get('/metrics', async (request, reply) => {
    checkEndpoint(request.principal, 'metrics');
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    return reply;
  });
}
