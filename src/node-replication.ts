// What of a node's state travels: one change log for each file, joined to the mesh. Part of the composition root.

import { createHash } from 'node:crypto';
import { cacheKinds } from './cache/cache-kinds.ts';
import { CacheRecorder } from './cache/cache-recorder.ts';
import { ANSWER_KIND } from './cache/cache-table.ts';
import type { ResponseCache } from './cache/response-cache.ts';
import { GatewayError } from './errors.ts';
import { documentKind } from './knowledge/replication/document-kind.ts';
import { DocumentSync } from './knowledge/replication/document-sync.ts';
import { PassageFetcher } from './knowledge/replication/passage-fetcher.ts';
import { LIST_PATH, PASSAGES_PATH, PassageSource, SHOWN_PATH } from './knowledge/replication/passage-source.ts';
import { KNOWLEDGE_LOG_MIGRATIONS, PendingDocuments } from './knowledge/replication/pending-documents.ts';
import type { KnowledgeClient } from './knowledge/worker/client.ts';
import { BulkPace } from './mesh/bulk-pace.ts';
import { openGatewayLog } from './mesh/gateway-log.ts';
import type { Mesh } from './mesh/mesh.ts';
import type { MeshPorts } from './mesh/mesh-service.ts';
import { mayWriteBy, ReplicatedLog } from './mesh/replicated-log.ts';
import { answerUnder, replicationNetwork } from './mesh/replication-network.ts';
import type { Clock, Logger, Random } from './ports.ts';
import { ChangeLog, type ChangeLogOptions } from './replication/change-log.ts';
import { RowBudget } from './replication/row-budget.ts';
import { REPLICATION_MIGRATIONS } from './replication/schema.ts';
import type { ChangeRecorder } from './storage/changes.ts';
import type { Database, FileOpener } from './storage/database.ts';
import { openDisposable } from './storage/disposable.ts';
import { unlessFull } from './storage/unless-full.ts';
import { gatewayKinds } from './tenancy/gateway-kinds.ts';

export interface NodeReplicationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** gateway.db */
  readonly database: Database;
  readonly open: FileOpener;
  readonly files: ReplicationFiles;
  /** Commands beside the node may write to gateway.db. */
  readonly hasCommandsBeside: boolean;
  readonly transport: MeshPorts['transport'];
  readonly cache: () => ResponseCache;
  /** Of answers that travel; more is dropped, the oldest first. */
  readonly cacheBytesMax: () => number;
  /** Keys or tenants were changed by another node. */
  readonly onKeys: () => void;
  /** Another node has told what it used. */
  readonly onUsage: () => void;
  /** Are requests of clients running? Then bulk goes slowly. */
  readonly isBusy: () => boolean;
}

/** Paths, or `:memory:`. */
export interface ReplicationFiles {
  /** Belongs to knowledge.db. */
  readonly knowledgeLog: string;
  /** May be deleted while the node stands still: answers that travelled are fetched again. */
  readonly cacheLog: string;
}

/** How far this node is behind the others. */
export interface ReplicationStatus {
  readonly logs: readonly LogStatus[];
  readonly documents: { readonly pending: number; readonly etaMs?: number };
}

export interface LogStatus {
  readonly name: string;
  readonly behindChanges: number;
  readonly leftBytes: number;
  readonly etaMs?: number;
  readonly rows: number;
  readonly tombstones: number;
  readonly parked: number;
  readonly conflicts: number;
  readonly flags: readonly { readonly name: string; readonly subject: string; readonly count: number }[];
}

const DIGEST_LENGTH = 16;
/** While bulk must yield it looks again after this long. */
const YIELD_MS = 20;

export class NodeReplication {
  readonly #deps: NodeReplicationDeps;
  readonly #pace: BulkPace;
  readonly #gateway: ChangeLog;
  readonly #documents: ChangeLog;
  readonly #answers: ChangeLog;
  readonly #budget: RowBudget;
  readonly #pending: PendingDocuments;
  readonly #stopping = new AbortController();
  /** For those who write to gateway.db. */
  readonly recorder: ChangeRecorder;
  readonly cacheRecorder: ChangeRecorder;
  #mesh: Mesh | undefined;
  #logs: readonly ReplicatedLog[] = [];
  #sync: DocumentSync | undefined;
  #fetcher: PassageFetcher | undefined;
  /** Asked for several times a second. */
  #digest: { readonly of: string; readonly text: string } | undefined;

  constructor(deps: NodeReplicationDeps) {
    const { clock, transport, database, random, onKeys, onUsage, open, files, logger } = deps;
    this.#deps = deps;
    this.#pace = new BulkPace(clock, deps.isBusy);
    const options: Omit<ChangeLogOptions, 'name'> = {
      origin: transport.peer,
      mayWrite: mayWriteBy(() => this.#mesh),
      meshNow: () => this.#mesh?.now() ?? clock.now(),
    };
    this.#gateway = openGatewayLog({ database, clock, random }, gatewayKinds(onKeys, onUsage), {
      ...options,
      hasOtherWriters: deps.hasCommandsBeside,
    });
    this.recorder = this.#gateway;

    const knowledgeLog = open(files.knowledgeLog, KNOWLEDGE_LOG_MIGRATIONS);
    this.#pending = new PendingDocuments(knowledgeLog);
    const documents = documentKind((_database, document) => this.#onDocument(document));
    this.#documents = new ChangeLog(
      { database: knowledgeLog, kinds: [documents], clock, random },
      { ...options, name: 'knowledge', hasOtherWriters: false },
    );

    const onAnswer = (): void => {
      if (this.#budget.note()) clock.soon(() => this.#trim());
    };
    const cacheLog = openDisposable({
      path: files.cacheLog,
      open,
      migrations: REPLICATION_MIGRATIONS,
      onLoss: (error) => logger.warn({ err: error }, 'the log of kept answers is made anew'),
    });
    const answers = cacheKinds(deps.cache, onAnswer);
    this.#answers = new ChangeLog(
      { database: cacheLog, kinds: answers, clock, random },
      { ...options, name: 'cache', hasOtherWriters: false },
    );
    this.#budget = new RowBudget(this.#answers, { kind: ANSWER_KIND, bytesMax: deps.cacheBytesMax });
    this.cacheRecorder = new CacheRecorder(this.#answers, onAnswer, (error) =>
      logger.warn({ err: error }, 'kept answers cannot be shared'),
    );
  }

  /** Before the mesh is started. */
  join(mesh: Mesh, knowledge: KnowledgeClient): void {
    const { clock, logger, transport } = this.#deps;
    this.#mesh = mesh;
    const common = { ...this.#deps, mesh, mayPage: () => this.#pace.mayPage() };
    this.#logs = [
      new ReplicatedLog({ ...common, log: this.#gateway }),
      new ReplicatedLog({ ...common, log: this.#documents }),
      new ReplicatedLog({ ...common, log: this.#answers, isAudited: false }),
    ];
    const turn = (): Promise<void> => this.#turn();
    const source = new PassageSource(knowledge, turn);
    answerUnder(mesh, PASSAGES_PATH, (body) => source.passages(body));
    answerUnder(mesh, LIST_PATH, (body) => source.list(body));
    answerUnder(mesh, SHOWN_PATH, (body) => source.shown(body));
    const network = replicationNetwork(mesh, transport);
    const { signal } = this.#stopping;
    const fetcher = new PassageFetcher({ knowledge, network, clock, logger, turn, signal });
    const sync = new DocumentSync({ ...this.#deps, log: this.#documents, pending: this.#pending, knowledge, fetcher });
    knowledge.onChange = () => sync.onChange();
    mesh.listen({
      onConnect: () => sync.look(),
      onReplicationDigest: (peer, digest) => {
        if (digest !== this.digest()) for (const log of this.#logs) log.noticeDifference(peer);
      },
    });
    this.#fetcher = fetcher;
    this.#sync = sync;
  }

  /** After the mesh was started. */
  start(): void {
    this.#trim();
    for (const log of this.#logs) log.start();
    this.#sync?.start();
  }

  /** Before the mesh and the knowledge brain are closed. */
  async stop(): Promise<void> {
    for (const log of this.#logs) log.stop();
    const stopped = this.#sync?.stop();
    this.#stopping.abort(new GatewayError('unavailable', 'the node stops'));
    await stopped;
  }

  close(): void {
    this.#documents.database.close();
    this.#answers.database.close();
  }

  /** Equal on nodes that know the same. */
  digest(): string {
    const digests = this.#logs.map((log) => log.digest()).join(' ');
    if (this.#digest?.of === digests) return this.#digest.text;
    const text = createHash('sha256').update(digests).digest('base64url').slice(0, DIGEST_LENGTH);
    this.#digest = { of: digests, text };
    return text;
  }

  status(): ReplicationStatus {
    const { documents = 0, etaMs } = this.#sync?.takeover.progress ?? {};
    return {
      logs: this.#logs.map((log) => log.status()),
      documents: { pending: documents, ...(etaMs !== undefined && { etaMs: Math.round(etaMs) }) },
    };
  }

  /** How far one peer and this node are apart, in changes. */
  distanceTo(peer: string): { readonly missingHere: number; readonly missingThere: number } {
    const distances = this.#logs.flatMap((log) => log.distanceTo(peer) ?? []);
    return {
      missingHere: distances.reduce((sum, { missingHere }) => sum + missingHere, 0),
      missingThere: distances.reduce((sum, { missingThere }) => sum + missingThere, 0),
    };
  }

  /** Since the start. */
  get counts(): ReplicationCounts {
    return {
      receivedBytes: this.#logs.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
      documents: this.#sync?.takeover.counts.documents ?? 0,
      passages: this.#fetcher?.counts.passages ?? 0,
      passageBytes: this.#fetcher?.counts.bytes ?? 0,
    };
  }

  #onDocument(document: string): void {
    this.#pending.add(document);
    this.#deps.clock.soon(() => this.#sync?.look());
  }

  #trim(): void {
    if (!this.#stopping.signal.aborted) unlessFull(() => this.#budget.trim());
  }

  /** Resolves when the next page of bulk may go. */
  async #turn(): Promise<void> {
    while (!this.#pace.mayPage()) await this.#deps.clock.sleep(YIELD_MS, this.#stopping.signal);
  }
}

export interface ReplicationCounts {
  readonly receivedBytes: number;
  readonly documents: number;
  readonly passages: number;
  readonly passageBytes: number;
}
