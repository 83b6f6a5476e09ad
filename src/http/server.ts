// The HTTP server: its limits, who may in, the routes, and errors in the shape of the client's dialect.

import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { GatewayError, isDiskFull, toGatewayError } from '../errors.ts';
import type { ModelDirectory } from '../gateway/model-directory.ts';
import { hasKey } from '../key-shapes.ts';
import type { Random } from '../ports.ts';
import type { KeyRing } from '../tenancy/key-ring.ts';
import { ANONYMOUS, type Principal } from '../tenancy/principal.ts';
import { type AdminRoutesDeps, adminGuard, adminRoutes } from './admin-routes.ts';
import { adminShadowRoutes } from './admin-shadow-routes.ts';
import { anthropicRoutes } from './anthropic-routes.ts';
import { answerBroken } from './broken-request.ts';
import { refuseForeignPages } from './browser-guard.ts';
import { presentedKeys } from './client-key.ts';
import { bodyTooLarge, decodedBody, isEncoded } from './content-encoding.ts';
import { isPreflight, letPageRead, permit } from './cross-origin.ts';
import { refuse } from './exchange.ts';
import { explainRoutes } from './explain-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { geminiRoutes } from './gemini-routes.ts';
import { type KnowledgeRoutesDeps, knowledgeRoutes } from './knowledge-routes.ts';
import { mcpRoutes } from './mcp-routes.ts';
import { mendMediaType } from './media-type.ts';
import { type MeshRoutesDeps, meshRoutes } from './mesh-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { ollamaRoutes } from './ollama-routes.ts';
import { type OpenAiRoutesDeps, openAiRoutes } from './openai-routes.ts';
import { OPEN_PATHS, opsRoutes } from './ops-routes.ts';
import { passThroughRoutes } from './pass-through-routes.ts';
import { canonicalPath } from './paths.ts';
import { vectorStoreRoutes } from './vector-store-routes.ts';

export interface ServerDeps extends OpenAiRoutesDeps, AdminRoutesDeps, KnowledgeRoutesDeps, MeshRoutesDeps {
  readonly random: Random;
  readonly directory: ModelDirectory;
  readonly version: string;
}

/** A client that sends its head or body more slowly than this is dropped. Milliseconds. */
export interface SlownessLimits {
  readonly headMs: number;
  /** Head and body together. */
  readonly requestMs: number;
  /** How often connections are looked at. */
  readonly checkMs: number;
}

const SLOWNESS_LIMITS: SlownessLimits = { headMs: 20_000, requestMs: 120_000, checkMs: 5_000 };
/** Longer than the idle time of the usual proxies in front (60 s), so that they, not we, close idle connections. */
const KEEP_ALIVE_MS = 72_000;
const CONNECTIONS_MAX = 10_000;
/** Gemini puts model names into the path. */
const PATH_PARAMETER_LENGTH_MAX = 512;

export function createServer(deps: ServerDeps, slowness = SLOWNESS_LIMITS): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: deps.config().server.bodyBytesMax,
    genReqId: (request) => requestId(request.headers['x-request-id'], deps.random),
    rewriteUrl: (request) => canonicalPath(request.url ?? '/'),
    clientErrorHandler: answerBroken,
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error, request, reply) => refuse(request, reply, frameworkError(error, deps), deps),
    forceCloseConnections: 'idle',
    // Requests on connections that stay open while the server closes get our own 503, in their dialect.
    return503OnClosing: false,
    requestTimeout: slowness.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      noDelay: true,
      headersTimeout: slowness.headMs,
      connectionsCheckingInterval: slowness.checkMs,
    },
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  // Bodies are taken as bytes whatever they call themselves; each route parses its own.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(['application/json', '*'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const encoding = request.headers['content-encoding'];
    if (!isEncoded(encoding)) return done(null, body);
    return decodedBody(body, encoding, deps.config().server.bodyBytesMax);
  });

  server.decorateRequest('receivedAt', 0);
  server.decorateRequest('principal', null as unknown as Principal);
  const guardAdmin = adminGuard(deps);
  server.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = deps.clock.elapsed();
    request.principal = ANONYMOUS;
    mendMediaType(request.headers);
    if (request.routeOptions.config.isAdmin) guardAdmin(request);
    else if (!identifyClient(request, reply, deps.keyRing)) return;
    done();
  });
  server.setErrorHandler((error: FastifyError | GatewayError, request, reply) => {
    refuse(request, reply, error instanceof GatewayError ? error : frameworkError(error, deps), deps);
  });
  server.setNotFoundHandler((request, reply) => {
    refuse(request, reply, unknownEndpoint(server, request), deps);
  });

  openAiRoutes(server, deps);
  anthropicRoutes(server, deps);
  geminiRoutes(server, deps);
  ollamaRoutes(server, deps, deps.directory);
  passThroughRoutes(server, deps);
  modelRoutes(server, deps.directory);
  explainRoutes(server, deps);
  opsRoutes(server, deps);
  meshRoutes(server, deps);
  adminRoutes(server, deps);
  adminShadowRoutes(server, deps);
  knowledgeRoutes(server, deps);
  vectorStoreRoutes(server, deps);
  fileRoutes(server, deps);
  mcpRoutes(server, deps);
  return server;
}

/** Returns false when the request is answered with that: a browser's question whether it may ask. */
function identifyClient(request: FastifyRequest, reply: FastifyReply, keyRing: KeyRing): boolean {
  const secrets = presentedKeys(request);
  const isAnonymous = keyRing.admitsAnonymous(secrets);
  if (isAnonymous) refuseForeignPages(request);
  if (request.headers.origin !== undefined) {
    letPageRead(request, reply);
    if (isPreflight(request)) {
      permit(request, reply);
      return false;
    }
  }
  if (!OPEN_PATHS.has(request.url)) {
    request.principal = isAnonymous ? keyRing.anonymous() : keyRing.identify(secrets, request.ip);
  }
  return true;
}

/** Routes have no schemas: the dialects check bodies. Without this the framework loads two schema compilers at start. */
function noSchemas(): never {
  throw new Error('A route has a schema');
}

function unknownEndpoint(server: FastifyInstance, { url, method, headers }: FastifyRequest): GatewayError {
  const path = url.split('?', 1)[0] ?? '/';
  const shown = shownPath(path);
  if (headers.upgrade !== undefined) {
    // Codex takes 426 for "use plain HTTP"; after any other status it tries six times more.
    const message = `${shown} does not speak ${headers.upgrade.slice(0, 50)}: send the request over HTTP.`;
    return new GatewayError('method_not_allowed', message, { status: 426 });
  }
  const isKnown = (['GET', 'POST', 'DELETE'] as const).some((other) => server.findRoute({ url: path, method: other }));
  return isKnown
    ? new GatewayError('method_not_allowed', `${shown} does not take ${method}.`)
    : new GatewayError('not_found', `Unknown endpoint: ${method} ${shown}`);
}

/** No part of a path of ours is longer; what is may be a key, of whatever provider. */
const SEGMENT_LENGTH_MAX = 30;

function shownPath(path: string): string {
  return path.slice(0, 200).replace(/[^/:]+/g, (part) => (part.length > SEGMENT_LENGTH_MAX ? '…' : part));
}

/** The client's own id where it is one that logs can hold, and no key in the wrong header. */
function requestId(sent: string | string[] | undefined, random: Random): string {
  return typeof sent === 'string' && /^[\w.:-]{1,128}$/.test(sent) && !hasKey(sent) ? sent : random.uuid();
}

/** What the framework refuses before a route has run. */
function frameworkError(error: FastifyError, { config, logger }: ServerDeps): GatewayError {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(config().server.bodyBytesMax);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GatewayError('bad_request', 'The body is shorter or longer than its content-length.');
    // The connection ended in the middle of the body: the client left, or was cut for being too slow.
    case 'ECONNRESET':
      return new GatewayError('request_timeout', 'The connection ended before the body was complete.');
    // The framework's own sentences quote the whole address, and with it a key that came in the query.
    case 'FST_ERR_BAD_URL':
      return new GatewayError('bad_request', 'The path is not valid: its percent-encoding is broken.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new GatewayError('bad_request', 'The path is too long.', { status: 414 });
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new GatewayError('bad_request', error.message, { status: error.statusCode });
  }
  if (isDiskFull(error)) {
    logger.error({ err: error }, 'the disk is full');
    return toGatewayError(error);
  }
  logger.error({ err: error }, 'a route failed by a defect');
  return new GatewayError('internal', 'flowmesh met an unexpected error; the log has the details.');
}
