// The one record of a request: filled in as it walks the pipeline, read once at its end by log, metrics and headers.

import type { AttemptSummary, ErrorCode } from '../errors.ts';
import type { FinishReason, Usage } from '../model/chat.ts';
import type { OpenAccount } from '../tenancy/accountant.ts';
import type { CacheOutcome } from './caching.ts';

/** What the knowledge brain gave to a request. */
export interface KnowledgeTrace {
  /** `late` and `unavailable`: the request went on without. */
  outcome: 'used' | 'empty' | 'late' | 'unavailable';
  passageCount: number;
  /** How many of them the answer cites. */
  citedCount: number;
  documentIds: readonly string[];
  /** In the order of their numbers: together with the conversation they decide the answer. */
  passageHashes: readonly string[];
  tokens?: number;
  durationMs?: number;
}

/** All fields from the start, so that traces have one shape, whatever becomes of the request. */
export class RequestTrace {
  readonly requestId: string;
  /** What was called, e.g. `openai-chat`, `embeddings`. */
  readonly operation: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  model = '';
  isStream = false;
  chain?: string;
  /** How its targets came to be in their order, in a line; only for clients that want to know. */
  route?: string;
  /** The target that answered, or was tried last. */
  target?: string;
  provider?: string;
  /** Its account, and the upstream's own name of the model. */
  accountName?: string;
  targetModel?: string;
  /** Failed attempts, in order. */
  readonly failures: AttemptSummary[] = [];
  attemptCount = 0;
  /** Attempts under way whose prompts are in the ledger already, as entries of their own. */
  enteredApartCount = 0;
  /** A second target was asked because the first was late, or would have been. */
  hedge?: HedgeRecord;
  /** Time spent waiting for upstreams and for retries before the commit point: everything else is our overhead. */
  waitedMs = 0;
  /** Request start to first content event. */
  ttftMs?: number;
  usage?: Usage;
  finishReason?: FinishReason['unified'];
  /** Absent where no cache is in use. */
  cache?: CacheOutcome;
  /** Of a kept answer. */
  cacheAgeMs?: number;
  /** Tokens of the texts that compaction changed, estimated; absent where nothing was left out. */
  compaction?: { readonly beforeTokens: number; readonly afterTokens: number };
  /** What compaction has left out, as tokens that were not bought. */
  savedUsage?: Usage;
  /** Its place in limits and ledger, once it was admitted. */
  account?: OpenAccount;
  /** It is another node that answers, or was asked last, and has it in its own ledger. */
  isForwarded?: boolean;
  /** The client's own credential paid for the answer. */
  isOwnKey?: boolean;
  /** US dollars; absent while the price is unknown. */
  cost?: number;
  /** Absent when no knowledge was asked for. */
  knowledge?: KnowledgeTrace;
  /** How it ended, when it did not end well. */
  errorCode?: ErrorCode;
  /** The defect behind an `internal` error: for the log only. */
  cause?: unknown;
  durationMs?: number;

  constructor(requestId: string, operation: string, startedAt: number) {
    this.requestId = requestId;
    this.operation = operation;
    this.startedAt = startedAt;
  }
}

export interface HedgeRecord {
  /** The second one. */
  readonly target: string;
  /** How long the first had been waited for. */
  readonly afterMs: number;
  /** `failed`: it brought no answer, whatever the first did. The `over-` ones: it was not asked. */
  readonly outcome: 'won' | 'lost' | 'failed' | 'over-budget' | 'over-limit';
}

/** Was its answer served from the cache, or read along with another client? Then nothing was bought for it. */
export function isKept({ cache }: RequestTrace): boolean {
  return cache === 'hit' || cache === 'shared';
}
