// The composition root: builds every part of a node in order, and stops them in reverse.

import { join } from 'node:path';
import { ResponseCache } from './cache/response-cache.ts';
import type { Config } from './config/config.ts';
import { exposureProblem } from './config/exposure.ts';
import { GatewayError } from './errors.ts';
import { Admission } from './gateway/admission.ts';
import { Caching } from './gateway/caching.ts';
import { type AskOptions, DirectEntry } from './gateway/direct-entry.ts';
import { embedTexts } from './gateway/embed-texts.ts';
import { ModelDirectory } from './gateway/model-directory.ts';
import { handle, type PipelineDeps } from './gateway/pipeline.ts';
import { Router } from './gateway/router.ts';
import { RoutingState } from './gateway/routing-state.ts';
import { SemanticKnowledge } from './gateway/semantic-knowledge.ts';
import { ShadowRunner } from './gateway/shadow.ts';
import { TargetHealth } from './gateway/target-health.ts';
import type { RequestTrace } from './gateway/trace.ts';
import { createServer } from './http/server.ts';
import { createKnowledge } from './knowledge/create-knowledge.ts';
import { FolderWatchers } from './knowledge/ingest/folder-watchers.ts';
import { Ingest } from './knowledge/ingest/ingest.ts';
import { DocumentReader } from './knowledge/ingest/reader.ts';
import type { Knowledge } from './knowledge/knowledge.ts';
import { KNOWLEDGE_FILE } from './knowledge/knowledge-path.ts';
import { meshAdministration } from './mesh/administration.ts';
import { ownModels } from './mesh/forward/own-models.ts';
import { recorderBeside } from './mesh/gateway-log.ts';
import type { LocalStatus } from './mesh/local-status.ts';
import type { Mesh } from './mesh/mesh.ts';
import { type MeshPorts, MeshService } from './mesh/mesh-service.ts';
import { meshSight } from './mesh/mesh-sight.ts';
import { MESH_MIGRATIONS } from './mesh/migrations.ts';
import type { ChatRequest } from './model/chat.ts';
import { replayable } from './model/replay.ts';
import type { Frame } from './model/stream.ts';
import { NodeReplication } from './node-replication.ts';
import type { Clock, HttpClient, Logger, Random } from './ports.ts';
import type { Account } from './providers/account.ts';
import { buildAccounts } from './providers/accounts.ts';
import { extractiveFrames } from './providers/extractive.ts';
import { ModelCatalog } from './providers/model-catalog.ts';
import { ownsModel, presetNamed } from './providers/preset-lookup.ts';
import { originOf } from './replication/file-origin.ts';
import { REPLICATION_MIGRATIONS } from './replication/schema.ts';
import { type Database, type FileOpener, type Migrations, openDatabase } from './storage/database.ts';
import { lockDirectory } from './storage/directory-lock.ts';
import { FileJournal, type LineJournal, NO_JOURNAL } from './storage/line-journal.ts';
import { RESPONSE_HISTORY_MIGRATIONS, RESPONSE_OWNER_MIGRATIONS, ResponseHistory } from './storage/response-history.ts';
import { SETTINGS_MIGRATIONS, Settings } from './storage/settings.ts';
import {
  readTraffic,
  TRAFFIC_MIGRATIONS,
  type TrafficBounds,
  TrafficLog,
  type TrafficTable,
} from './storage/traffic-log.ts';
import { registerMeshMetrics } from './telemetry/mesh-metrics.ts';
import { Metrics } from './telemetry/metrics.ts';
import { registerReplicationMetrics } from './telemetry/replication-metrics.ts';
import { logRequest } from './telemetry/request-log.ts';
import { noteFailure, settle } from './telemetry/settlement.ts';
import { Accountant } from './tenancy/accountant.ts';
import { adminToken } from './tenancy/admin-token.ts';
import { dayOf } from './tenancy/calendar.ts';
import { Escrow, escrowSpending } from './tenancy/escrow.ts';
import { configuredPrincipal, KeyRing } from './tenancy/key-ring.ts';
import { hashSecret, KeyStore } from './tenancy/key-store.ts';
import { Ledger } from './tenancy/ledger.ts';
import { Limiter } from './tenancy/limiter.ts';
import { TENANCY_MIGRATIONS } from './tenancy/migrations.ts';
import { readPriceStore } from './tenancy/price-store.ts';
import { configuredPrices, PriceTable } from './tenancy/price-table.ts';
import type { Principal } from './tenancy/principal.ts';
import { keepPruned } from './tenancy/retention.ts';
import { type UsageQuery, type UsageRow, usageReport } from './tenancy/usage-report.ts';
import { USAGE_SHARD_MIGRATIONS } from './tenancy/usage-shard-table.ts';
import { UsageShards } from './tenancy/usage-shards.ts';
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

/** What a node must find again after its process has ended. */
export interface NodeDisk {
  /** Its files are asked for by their names in a data directory. */
  readonly open: FileOpener;
  /** Of the ledger. */
  readonly journal: LineJournal;
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
  const { clock, random, http, logger } = ports;
  let config = initial;
  const currentConfig = (): Config => config;
  const onLedgerFailure = (error: unknown): void => logger.error({ err: error }, 'the ledger cannot be written');

  const open = ports.disk?.open ?? openDatabase;
  const pathOf = (file: string): string => (ports.disk ? file : statePath(initial, file));
  const database = open(pathOf(GATEWAY_FILE), GATEWAY_MIGRATIONS);
  const unlock = keepsState(initial) ? lockDirectory(initial.dataDirectory) : () => undefined;
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
      cacheBytesMax: () => Math.min(SHARED_CACHE_BYTES_MAX, config.cache.bytesMax * SHARED_CACHE_SHARE),
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
  const history = new ResponseHistory(database, clock, () => config.responses);
  const cache = new ResponseCache({
    path: pathOf('cache.db'),
    open,
    clock,
    limits: () => config.cache,
    ...(replication && { changes: replication.cacheRecorder }),
    onFailure: (error) => logger.warn({ err: error }, 'kept answers cannot be read or written'),
  });
  const health = new TargetHealth(clock, () => config.cooldown);
  const admission = new Admission(() => config.server.concurrencyMax);
  const metrics = new Metrics(
    () => admission.running,
    () => cache.extent,
  );
  let accounts = buildAccounts(initial.accounts, presetNamed);
  const catalog = new ModelCatalog({ http, clock }, withServers(accounts));
  const accountsFor = (model: string): readonly string[] => {
    const serving = catalog.accountsServing(model);
    return serving.length > 0 ? serving : namesake(model, accounts);
  };
  let router = new Router(initial, accounts, { accountsFor });
  const directory = new ModelDirectory(
    () => router,
    () => catalog.all().map(({ account, model }) => ({ account, model: model.id })),
    () => service?.peers,
  );
  let principals = configuredPrincipals(initial);
  const keyRing = new KeyRing(
    keyStore,
    clock,
    () => principals,
    () => config.server.anonymous,
  );
  const meshNode = originOf(database);
  const shards =
    meshNode === undefined
      ? undefined
      : new UsageShards({
          database,
          node: meshNode,
          epoch: random.uuid().slice(0, 8),
          changes: recorder,
          onFailure: (error) => logger.warn({ err: error }, 'usage cannot be told to other nodes'),
        });
  const ledger = new Ledger({
    database,
    clock,
    journal: ports.disk?.journal ?? ledgerJournal(initial),
    ...(shards && { shards }),
    onFailure: onLedgerFailure,
  });
  const escrow: Escrow | undefined =
    replication &&
    shards &&
    new Escrow({
      clock,
      sight: () => meshSight(service?.mesh.view() ?? []),
      spending: escrowSpending(ledger, shards, clock),
    });
  const limiter = new Limiter(clock, (scope) => ledger.spent(scope), escrow);
  const priceFile = readPriceStore(initial.dataDirectory, dayOf(clock.now()));
  for (const problem of priceFile.problems) logger.warn({ problem }, 'a row of prices.json is left out');
  let prices = new PriceTable(clock, { ...configuredPrices(initial), fileRows: priceFile.rows });
  const facts: PipelineDeps['facts'] = (provider, model, account) => prices.find(provider, model, account);
  const onTrace = (trace: RequestTrace): void => {
    metrics.record(trace);
    logRequest(logger, trace);
  };
  const keptTraffic = (table: TrafficTable, bounds: () => TrafficBounds): TrafficLog =>
    new TrafficLog(database, table, { clock, bounds, onFailure: onLedgerFailure });
  const promptLog = keptTraffic('prompt_log', () => config.prompts);
  const shadowLog = keptTraffic('shadow_log', () => config.shadow);
  const shadows: ShadowRunner = new ShadowRunner({
    clock,
    ask: (request, context) => handle(request, context, pipeline),
    limits: () => config.shadow,
    isBusy: () => admission.isDraining || admission.running > config.server.concurrencyMax * BUSY_SHARE,
    keep: (id, tenant, pair) => void shadowLog.add({ id, tenant, name: pair.chain, body: pair }),
    onOutcome: (outcome) => metrics.recordShadow(outcome),
    onTrace,
  });
  const brain = createKnowledge({ file: pathOf(KNOWLEDGE_FILE), clock, logger, ...(ports.disk && { open }) });
  const settings = new Settings(database);
  const semantic = new SemanticKnowledge({
    knowledge: brain,
    clock,
    logger,
    model: () => config.knowledge.embeddings,
    memory: { get: () => settings.get('embeddings'), set: (model) => settings.set('embeddings', model) },
    embed: (model, tenant, texts, signal) => embedTexts({ model, tenant, texts, signal }, pipeline, onTrace),
  });
  const knowledge = semantic.searched;
  const routing = new RoutingState();
  const models = ownModels({ clock, directory, router: () => router, routing, health, facts });
  const localStatus = (): LocalStatus => ({
    state: admission.state,
    inFlight: admission.running,
    queued: 0,
    capacity: config.server.concurrencyMax,
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
    caching: new Caching({ clock, store: cache }),
    facts,
    accountant: new Accountant({ ledger, limiter, facts }),
    router: () => router,
    ...(service && { peers: service.peers }),
    shadows,
    keepPrompt: (id, tenant, request) => {
      if (config.prompts.isStored) promptLog.add({ id, tenant, name: request.model, body: replayable(request) });
    },
    knowledge,
    knowledgeConfig: () => config.knowledge,
    builtin: (request, find) => {
      const identity = { id: random.uuid().replaceAll('-', ''), createdAt: Math.floor(clock.now() / 1_000) };
      return extractiveFrames(request, identity, find);
    },
  };
  if (service) registerMeshMetrics(metrics.registry, service.mesh);
  if (service && replication) {
    replication.join(service.mesh, brain);
    registerReplicationMetrics(metrics.registry, replication);
  }
  // What a crash left can be told to other nodes from here on.
  ledger.flush();
  service?.serve({
    admission,
    handle: (request, context) => handle(request, context, pipeline),
    settle: (trace) => settle(trace, { clock, metrics, logger }),
    noteFailure,
    principalOf: (claimed) => keyRing.confirm(claimed),
    bodyBytesMax: () => config.server.bodyBytesMax,
  });
  const reader = new DocumentReader(clock);
  const fileBytesMax = (): number => config.knowledge.fileBytesMax;
  const ingest = new Ingest({ knowledge, reader, fileBytesMax });
  const watchers = new FolderWatchers({ knowledge, ingest, clock, logger });
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
      administration: keepsState(initial)
        ? {
            token: adminToken(initial.dataDirectory),
            keyStore,
            cache,
            usage: (query) => usageOf(ledger, database, query),
            shadowPairs: (query) => readTraffic(database, 'shadow_log', query),
          }
        : undefined,
      knowledge,
      ingest,
      mesh: service && replication && meshAdministration(service.mesh, clock, replication),
      pipeline,
      directory,
      config: currentConfig,
      version: VERSION,
    });
  let server: ReturnType<typeof newServer> | undefined;
  const stopForgetting = [promptLog, shadowLog].map((log) => log.keepPruned());
  const stopPruning = keepPruned({
    ledger,
    clock,
    retentionDays: () => config.ledger.retentionDays,
    onFailure: onLedgerFailure,
  });

  /** Its thread takes longer to start than the first request waits for passages. Without a file nothing is started. */
  const openKnowledge = (): void => {
    knowledge.document('', '').catch((error: unknown) => logger.error({ err: error }, 'knowledge cannot be opened'));
  };

  const joinMesh = async (): Promise<void> => {
    await service?.mesh.start();
    replication?.start();
    escrow?.start();
  };

  return {
    mesh: service?.mesh,
    keys: keyStore,
    knowledge,
    get runningCount() {
      return admission.running;
    },
    forgetKeys: () => keyRing.forget(),
    ask: (request, options) => entry.ask(request, options),
    async open() {
      await joinMesh();
    },
    async listen() {
      server = newServer();
      watchers.follow(config.knowledge.watch);
      semantic.start();
      if (keepsState(initial)) openKnowledge();
      await server.listen({ host: config.server.host, port: config.server.port });
      const address = server.server.address();
      const port = typeof address === 'object' && address ? address.port : config.server.port;
      await joinMesh();
      return `http://${urlHost(config.server.host)}:${port}`;
    },
    reload(next) {
      refuseExposure(next, keyStore);
      const nextAccounts = buildAccounts(next.accounts, presetNamed);
      const nextRouter = new Router(next, nextAccounts, { accountsFor });
      // Everything that could fail has succeeded.
      config = next;
      accounts = nextAccounts;
      principals = configuredPrincipals(next);
      keyRing.forget();
      prices = new PriceTable(clock, { ...configuredPrices(next), fileRows: priceFile.rows });
      router = nextRouter;
      watchers.follow(next.knowledge.watch);
      catalog.setAccounts(withServers(accounts));
    },
    async stop() {
      const timer = clock.after(config.server.drainTimeoutMs, () => {
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
      await service?.mesh.stop();
      await shadows.stop();
      await watchers.close();
      await reader.close();
      await semantic.stop();
      await knowledge.close();
      stopPruning();
      for (const stop of stopForgetting) stop();
      catalog.close();
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

/** Of gateway.db. */
export const GATEWAY_MIGRATIONS: Migrations = {
  responses: RESPONSE_HISTORY_MIGRATIONS,
  tenancy: TENANCY_MIGRATIONS,
  responseOwners: RESPONSE_OWNER_MIGRATIONS,
  traffic: TRAFFIC_MIGRATIONS,
  mesh: MESH_MIGRATIONS,
  settings: SETTINGS_MIGRATIONS,
  replication: REPLICATION_MIGRATIONS,
  usageShards: USAGE_SHARD_MIGRATIONS,
};

/** @throws GatewayError when strangers could ask as they like */
function refuseExposure({ server }: Config, keyStore: KeyStore): void {
  const problem = exposureProblem(server, keyStore.hasUsableKeys());
  if (problem !== undefined) throw new GatewayError('bad_request', `Refused: ${problem}`);
}

/** Keys of the configuration, by their hash. */
function configuredPrincipals({ server }: Config): ReadonlyMap<string, Principal> {
  return new Map(server.apiKeys.map((key, index) => [hashSecret(key), configuredPrincipal(index + 1)]));
}

const GATEWAY_FILE = 'gateway.db';

/** The file with what a node remembers. */
export function databasePath(config: Pick<Config, 'dataDirectory'>): string {
  return statePath(config, GATEWAY_FILE);
}

function statePath(config: Pick<Config, 'dataDirectory'>, file: string): string {
  return keepsState(config) ? join(config.dataDirectory, file) : ':memory:';
}

/** With what was settled a moment ago. */
function usageOf(ledger: Ledger, database: Database, query: UsageQuery): readonly UsageRow[] {
  if (query.scope === 'mesh' && originOf(database) === undefined) {
    throw new GatewayError('bad_request', 'This node has never been in a mesh: there is only its own usage.', {
      param: 'scope',
    });
  }
  ledger.flush();
  return usageReport(database, query);
}

function ledgerJournal(config: Config): LineJournal {
  return keepsState(config) ? new FileJournal(join(config.dataDirectory, 'ledger.journal')) : NO_JOURNAL;
}

function keepsState({ dataDirectory }: Pick<Config, 'dataDirectory'>): boolean {
  return dataDirectory !== ':memory:';
}

/** Those that have a server which can be asked for its models. */
function withServers(accounts: ReadonlyMap<string, Account>): Account[] {
  return [...accounts.values()].filter((account) => !account.isBuiltin);
}

/** Accounts whose provider names its models like this. */
function namesake(model: string, accounts: ReadonlyMap<string, Account>): string[] {
  return [...accounts.values()].flatMap((account) => {
    const preset = presetNamed(account.provider);
    return preset && ownsModel(preset, model) ? [account.name] : [];
  });
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
