// What can be asked of the knowledge thread, as messages.

import type { ErrorCode } from '../../errors.ts';
import type { JsonObject } from '../../model/json.ts';
import type {
  CollectionRef,
  CollectionStats,
  DocumentInfo,
  DocumentInput,
  Passage,
  SearchHit,
  SearchRequest,
  StoreOutcome,
} from '../knowledge.ts';
import type {
  ManifestOutcome,
  NamedPassage,
  NamedPassages,
  OutboxEntry,
  TravelledDocument,
} from '../store/knowledge-store.ts';
import type { DocumentFacts } from '../store/manifest.ts';
import type { MissingEmbedding } from '../store/vectors.ts';

export interface KnowledgeCalls {
  search(request: SearchRequest): readonly SearchHit[];
  isCurrent(ref: CollectionRef, source: string, contentHash: string): boolean;
  documents(ref: CollectionRef, page: { readonly after?: string; readonly limit: number }): readonly DocumentInfo[];
  document(tenant: string, id: string): DocumentInfo | undefined;
  passages(tenant: string, documentId: string): readonly Passage[];
  stats(tenant: string | undefined): readonly CollectionStats[];
  manifest(id: string): JsonObject | undefined;
  passage(hash: string): NamedPassage | undefined;
  namedPassages(hashes: readonly string[], bytesMax: number): NamedPassages;
  missingPassages(hashes: readonly string[]): readonly string[];
  outbox(limit: number): readonly OutboxEntry[];
  missingEmbeddings(ref: CollectionRef, limit: number): readonly MissingEmbedding[];

  store(document: DocumentInput): StoreOutcome;
  /** Begins a long document. @returns the number of its staging, or that it is stored already */
  begin(facts: DocumentFacts, passageCount: number, length: number): number | 'unchanged';
  stage(staging: number, passages: readonly Passage[]): void;
  commit(staging: number): StoreOutcome;
  discard(staging: number): void;
  removeSources(ref: CollectionRef, sources: readonly string[]): number;
  /** @returns how many went: fewer than the limit when none is left */
  removeSome(ref: CollectionRef, limit: number): number;
  putPassages(passages: readonly NamedPassage[]): void;
  link(log: string): boolean;
  settleOutbox(upTo: number): void;
  stageKnown(ref: CollectionRef, hashes: readonly string[]): void;
  applyManifests(documents: readonly TravelledDocument[]): readonly ManifestOutcome[];
  putEmbeddings(ref: CollectionRef, hashes: readonly string[], values: Float32Array): void;
  clearEmbeddings(ref: CollectionRef): void;
}

export type CallName = keyof KnowledgeCalls;
export type CallArguments<Name extends CallName> = Parameters<KnowledgeCalls[Name]>;
export type CallResult<Name extends CallName> = ReturnType<KnowledgeCalls[Name]>;

export type KnowledgeCall = {
  [Name in CallName]: { readonly name: Name; readonly arguments: CallArguments<Name> };
}[CallName];

export interface CallMessage {
  readonly id: number;
  readonly call: KnowledgeCall;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** Calls that change something: they wait for searches, and several share one transaction. */
const WRITES: ReadonlySet<CallName> = new Set<CallName>([
  'store',
  'begin',
  'stage',
  'commit',
  'discard',
  'removeSources',
  'removeSome',
  'putPassages',
  'link',
  'settleOutbox',
  'stageKnown',
  'applyManifests',
  'putEmbeddings',
  'clearEmbeddings',
]);

export function isWrite(name: CallName): boolean {
  return WRITES.has(name);
}

/** One flag a running call, shared between the threads: set when nobody waits for the answer any more. */
export const CALLS_MAX = 256;

export function flagOf(id: number): number {
  return id % CALLS_MAX;
}
