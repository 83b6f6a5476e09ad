// The composition root: builds every part of a node in order, and stops them in reverse.

import { ResponseCache } from './cache/response-cache.ts';
import type { Config } from './config/config.ts';
import { exposureProblem } from './config/exposure.ts';
import { GatewayError } from './errors.ts';
import { Admission } from './gateway/admission.ts';
import { Caching } from './gateway/caching.ts';
import { type AskOptions, DirectEntry } from './gateway/direct-entry.ts';
import { embedTexts } from './gateway/embed-texts.ts';
import { ModelDirectory } from './gateway/model-directory.ts';
import { handleEmbeddings } from './gateway/operations.ts';
import { handlePassThrough } from './gateway/pass-through.ts';
import { handle, type PipelineDeps } from './gateway/pipeline.ts';
import { RoutingState } from './gateway/routing-state.ts';
import { ShadowRunner } from './gateway/shadow.ts';
import { TargetHealth } from './gateway/target-health.ts';
import type { RequestTrace } from './gateway/trace.ts';
import { createServer } from './http/server.ts';
import type { Knowledge } from './knowledge/knowledge.ts';
import { KNOWLEDGE_FILE } from './knowledge/knowledge-path.ts';
import { meshAdministration } from './mesh/administration.ts';
import { ownModels } from './mesh/forward/own-models.ts';
import { recorderBeside } from './mesh/gateway-log.ts';
import type { LocalStatus } from './mesh/local-status.ts';
import type { Mesh } from './mesh/mesh.ts';
import { type MeshPorts, MeshService } from './mesh/mesh-service.ts';
import { meshSight } from './mesh/mesh-sight.ts';
import { answerShares, shareNetwork } from './mesh/share-network.ts';
import type { ChatRequest } from './model/chat.ts';
import { replayable } from './model/replay.ts';
import type { Frame } from './model/stream.ts';
import { openAccounting } from './node-accounting.ts';
import { openAdministration } from './node-administration.ts';
import { keepsState, type NodeDisk, openNodeFiles } from './node-files.ts';
import { NodeKnowledge } from './node-knowledge.ts';
import { NodeReplication } from './node-replication.ts';
import { NodeSettings } from './node-settings.ts';
import type { Clock, HttpClient, Logger, Random } from './ports.ts';
import { extractiveFrames } from './providers/extractive.ts';
import { ResponseHistory } from './storage/response-history.ts';
import { type TrafficBounds, TrafficLog, type TrafficTable } from './storage/traffic-log.ts';
import { registerMeshMetrics } from './telemetry/mesh-metrics.ts';
import { Metrics } from './telemetry/metrics.ts';
import { registerReplicationMetrics } from './telemetry/replication-metrics.ts';
import { logRequest } from './telemetry/request-log.ts';
import { noteFailure, settle } from './telemetry/settlement.ts';
import { StorageTroubleLog } from './telemetry/storage-trouble-log.ts';
import { Accountant } from './tenancy/accountant.ts';
import { KeyRing } from './tenancy/key-ring.ts';
import { KeyStore } from './tenancy/key-store.ts';
import { keepPruned } from './tenancy/retention.ts';
import { VERSION } from './version.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly logger: Logger;
  /** Present when the configuration has a mesh. */
  readonly mesh?: MeshPorts;
  /** Instead of a data directory; its setting is `:memory:` then. */
  readonly disk?: NodeDisk;
}

export interface FlowmeshNode {
  /** Absent while the configuration has none. */
  readonly mesh: Mesh | undefined;
  /** Tenants and virtual keys; tell `forgetKeys` after changing them. */
  readonly keys: KeyStore;
  /** The documents of all tenants. */
  readonly knowledge: Knowledge;
  /** Requests that run now. */
  readonly runningCount: number;
  /** Requests that ever began. */
  readonly begunCount: number;
  /** Keys were changed: what is remembered of them is read anew. */
  forgetKeys(): void;
  /** Begins to take requests; resolves with the base URL clients use. */
  listen(): Promise<string>;
  /** Takes part in its mesh without a port for clients: they ask by `ask`. */
  open(): Promise<void>;
  /** A client's request without HTTP: the same way through the gateway. Whoever leaves the frames stops the upstream. */
  ask(request: ChatRequest, options: AskOptions): AsyncIterable<readonly Frame[]>;
  /** Takes over a new configuration. Running requests end as they began; host, port and data directory stay. */
  reload(config: Config): void;
  /** Takes no new requests, lets the running ones end within the drain time, then closes everything. */
  stop(): Promise<void>;
}

export function createNode(initial: Config, ports: NodePorts): FlowmeshNode {
  const { clock, random, http } = ports;
  const logger = new StorageTroubleLog(ports.logger, clock);
  const settings = new NodeSettings(initial, { clock, http, logger });
  const config = (): Config => settings.config;
  const onLedgerFailure = (error: unknown): void => logger.error({ err: error }, 'the ledger cannot be written');

  const { database, open, pathOf, journal, unlock } = openNodeFiles(initial, ports.disk);
  const replication =
    ports.mesh &&
    initial.mesh &&
    new NodeReplication({
      clock,
      random,
      logger,
      database,
      transport: ports.mesh.transport,
      open,
      files: { knowledgeLog: pathOf('knowledge-log.db'), cacheLog: pathOf('cache-log.db') },
      hasCommandsBeside: ports.disk === undefined,
      cache: () => cache,
      cacheBytesMax: () => Math.min(SHARED_CACHE_BYTES_MAX, config().cache.bytesMax * SHARED_CACHE_SHARE),
      onKeys: () => keyRing.forget(),
      onUsage: () => escrow?.noteUsage(),
      isBusy: () => admission.running > 0,
    });
  const recorder = replication?.recorder ?? recorderBeside({ database, clock, random });
  const keyStore = new KeyStore(database, clock, random, recorder);
  try {
    refuseExposure(initial, keyStore);
  } catch (error) {
    replication?.close();
    database.close();
    unlock();
    throw error;
  }
  const history = new ResponseHistory(database, clock, () => config().responses);
  const cache = new ResponseCache({
    path: pathOf('cache.db'),
    open,
    clock,
    limits: () => config().cache,
    ...(replication && { changes: replication.cacheRecorder }),
    meshNow: () => service?.mesh.now() ?? clock.now(),
    onFailure: (error) => logger.warn({ err: error }, 'kept answers cannot be read or written'),
  });
  const health = new TargetHealth(clock, () => config().cooldown);
  const admission = new Admission(() => config().server.concurrencyMax);
  const metrics = new Metrics(
    () => admission.running,
    () => cache.extent,
    (target) => settings.router.hasTarget(target),
  );
  const directory = new ModelDirectory(
    () => settings.router,
    () => settings.catalog.all().map(({ account, model }) => ({ account, model: model.id })),
    () => service?.peers,
    () => settings.catalog.firstLists(),
  );
  const keyRing = new KeyRing(
    keyStore,
    clock,
    () => settings.principals,
    () => config().server.anonymous,
  );
  const { ledger, limiter, escrow, rates } = openAccounting({
    clock,
    random,
    logger,
    database,
    journal: journal(),
    recorder,
    namesOf: (asked) => settings.router.namesOf(asked),
    sight: replication && (() => meshSight(service?.mesh.view() ?? [])),
    shareNetwork: ports.mesh && shareNetwork(ports.mesh.transport, clock, () => service?.mesh),
    onFailure: onLedgerFailure,
  });
  const facts: PipelineDeps['facts'] = (provider, model, account) => settings.prices.find(provider, model, account);
  const onTrace = (trace: RequestTrace): void => {
    metrics.record(trace);
    logRequest(logger, trace);
  };
  const keptTraffic = (table: TrafficTable, bounds: () => TrafficBounds): TrafficLog =>
    new TrafficLog(database, table, { clock, bounds, onFailure: onLedgerFailure });
  const promptLog = keptTraffic('prompt_log', () => config().prompts);
  const shadowLog = keptTraffic('shadow_log', () => config().shadow);
  const shadows: ShadowRunner = new ShadowRunner({
    clock,
    ask: (request, context) => handle(request, context, pipeline),
    limits: () => config().shadow,
    isBusy: () => admission.isDraining || admission.running > config().server.concurrencyMax * BUSY_SHARE,
    keep: (id, tenant, pair) => void shadowLog.add({ id, tenant, name: pair.chain, body: pair }),
    onOutcome: (outcome) => metrics.recordShadow(outcome),
    onTrace,
  });
  const knowledge = new NodeKnowledge({
    clock,
    logger,
    config: () => config().knowledge,
    file: pathOf(KNOWLEDGE_FILE),
    open: ports.disk && open,
    database,
    embed: (model, tenant, texts, signal) => embedTexts({ model, tenant, texts, signal }, pipeline, onTrace),
  });
  const routing = new RoutingState();
  const models = ownModels({ clock, directory, router: () => settings.router, routing, health, facts });
  const localStatus = (): LocalStatus => ({
    state: admission.state,
    inFlight: admission.running,
    queued: 0,
    capacity: config().server.concurrencyMax,
    models: models(),
    ...(replication && { replicationDigest: replication.digest() }),
  });
  const service =
    ports.mesh &&
    initial.mesh &&
    new MeshService({
      ...ports.mesh,
      clock,
      random,
      logger,
      database,
      settings: initial.mesh,
      local: localStatus,
    });
  const pipeline: PipelineDeps = {
    clock,
    random,
    http,
    health,
    routing,
    caching: new Caching(cache),
    facts,
    accountant: new Accountant({ ledger, limiter, facts }),
    listing: (model) => settings.listing(model),
    router: () => settings.router,
    ...(service && { peers: service.peers }),
    shadows,
    keepPrompt: (id, tenant, request) => {
      if (config().prompts.isStored) promptLog.add({ id, tenant, name: request.model, body: replayable(request) });
    },
    knowledge: knowledge.searched,
    knowledgeConfig: () => config().knowledge,
    builtin: (request, find) => {
      const identity = { id: random.uuid().replaceAll('-', ''), createdAt: Math.floor(clock.now() / 1_000) };
      return extractiveFrames(request, identity, find);
    },
  };
  if (service) registerMeshMetrics(metrics.registry, service.mesh);
  if (service && rates) answerShares(service.mesh, rates);
  if (service && replication) {
    replication.join(service.mesh, knowledge.brain);
    registerReplicationMetrics(metrics.registry, replication);
  }
  // What a crash left can be told to other nodes from here on.
  ledger.flush();
  service?.serve({
    admission,
    handle: (request, context) => handle(request, context, pipeline),
    embed: (request, context) => handleEmbeddings(request, context, pipeline),
    pass: (request, context) => handlePassThrough(request, context, pipeline),
    settle: (trace) => settle(trace, { clock, metrics, logger }),
    noteFailure,
    principalOf: (claimed) => keyRing.confirm(claimed),
    bodyBytesMax: () => config().server.bodyBytesMax,
  });
  const entry = new DirectEntry({
    clock,
    random,
    admission,
    keyRing,
    hasPeers: service !== undefined,
    handle: (request, context) => handle(request, context, pipeline),
    settle: (trace) => settle(trace, { clock, metrics, logger }),
    noteFailure,
  });
  const newServer = () =>
    createServer({
      clock,
      random,
      logger,
      metrics,
      admission,
      history,
      keyRing,
      administration: openAdministration({
        clock,
        database,
        keyStore,
        cache,
        ledger,
        dataDirectory: initial.dataDirectory,
      }),
      knowledge: knowledge.searched,
      ingest: knowledge.ingest,
      mesh: service && replication && meshAdministration(service.mesh, clock, replication),
      pipeline,
      directory,
      config,
      version: VERSION,
    });
  let server: ReturnType<typeof newServer> | undefined;
  const stopForgetting = [promptLog, shadowLog].map((log) => log.keepPruned());
  const stopPruning = keepPruned({
    ledger,
    clock,
    retentionDays: () => config().ledger.retentionDays,
    onFailure: onLedgerFailure,
  });

  const joinMesh = async (): Promise<void> => {
    await service?.mesh.start();
    replication?.start();
    escrow?.start();
    rates?.start();
  };

  return {
    mesh: service?.mesh,
    keys: keyStore,
    knowledge: knowledge.searched,
    get runningCount() {
      return admission.running;
    },
    get begunCount() {
      return admission.begun;
    },
    forgetKeys: () => keyRing.forget(),
    ask: (request, options) => entry.ask(request, options),
    async open() {
      await joinMesh();
    },
    async listen() {
      server = newServer();
      knowledge.start();
      if (keepsState(initial)) knowledge.open();
      await server.listen({ host: config().server.host, port: config().server.port });
      const address = server.server.address();
      const port = typeof address === 'object' && address ? address.port : config().server.port;
      await joinMesh();
      return `http://${urlHost(config().server.host)}:${port}`;
    },
    reload(next) {
      refuseExposure(next, keyStore);
      settings.replace(next);
      routing.beginRounds();
      keyRing.forget();
      knowledge.followFolders();
    },
    async stop() {
      const timer = clock.after(config().server.drainTimeoutMs, () => {
        logger.warn({ running: admission.running }, 'drain time is over; cutting the running answers');
        server?.server.closeAllConnections();
      });
      // Until the last answer has ended, new requests are still told, in their dialect, to go elsewhere.
      service?.mesh.drain();
      ports.mesh?.withdraw?.();
      await admission.drain();
      await server?.close();
      timer.cancel();
      await replication?.stop();
      escrow?.stop();
      rates?.stop();
      await service?.mesh.stop();
      await shadows.stop();
      await knowledge.close();
      stopPruning();
      for (const stop of stopForgetting) stop();
      settings.catalog.close();
      await http.close();
      ledger.close();
      promptLog.flush();
      shadowLog.flush();
      database.close();
      cache.close();
      replication?.close();
      unlock();
    },
  };
}

/** Of the requests that may run at once: with more of them there is no room for copies. */
const BUSY_SHARE = 0.5;

/** Of the kept answers, what is shared with other nodes: some ten thousand answers. */
const SHARED_CACHE_BYTES_MAX = 64 * 1024 * 1024;
const SHARED_CACHE_SHARE = 0.25;

/** @throws GatewayError when strangers could ask as they like */
function refuseExposure({ server }: Config, keyStore: KeyStore): void {
  const problem = exposureProblem(server, keyStore.hasUsableKeys());
  if (problem !== undefined) throw new GatewayError('bad_request', `Refused: ${problem}`);
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
