// Prometheus metrics; names and labels follow OpenTelemetry's GenAI conventions where those exist.
// https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/

import { Gauge, Registry } from 'prom-client';
import type { ShadowOutcome } from '../gateway/shadow.ts';
import { isKept, type RequestTrace } from '../gateway/trace.ts';
import { CounterFamily, HistogramFamily } from './families.ts';
import { addProcessMetrics } from './process-metrics.ts';

/** Seconds; models answer between a cache hit's milliseconds and minutes of reasoning. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600];
const OVERHEAD_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];
/**
 * Clients choose model names; past this many targets the rest is counted together, so that memory stays bounded: but those
 * of the configuration, which nobody's made-up names may hide.
 */
const TARGETS_MAX = 500;

/** What the cache holds. */
interface CacheExtent {
  readonly entries: number;
  readonly bytes: number;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #targets = new Set<string>();
  readonly #isConfigured: (target: string) => boolean;
  readonly #requests = new CounterFamily({
    name: 'flowmesh_requests_total',
    help: 'Client requests by operation, target and outcome (ok or the error code)',
    labelNames: ['operation', 'target', 'outcome'],
    registry: this.registry,
  });
  readonly #duration = new HistogramFamily({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'Request received to answer complete',
    labelNames: ['gen_ai_operation_name', 'target'],
    buckets: DURATION_BUCKETS,
    registry: this.registry,
  });
  readonly #ttft = new HistogramFamily({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: 'Request received to first content',
    labelNames: ['target'],
    buckets: DURATION_BUCKETS,
    registry: this.registry,
  });
  readonly #overhead = new HistogramFamily({
    name: 'flowmesh_overhead_seconds',
    help: 'Time to the first content that was not spent waiting for upstreams',
    labelNames: [],
    buckets: OVERHEAD_BUCKETS,
    registry: this.registry,
  });
  readonly #tokens = new CounterFamily({
    name: 'gen_ai_client_token_usage_total',
    help: 'Tokens by type: input (cached included), cached, output (reasoning included), reasoning',
    labelNames: ['gen_ai_token_type', 'target'],
    registry: this.registry,
  });
  readonly #failures = new CounterFamily({
    name: 'flowmesh_attempt_failures_total',
    help: 'Failed attempts by target and error code',
    labelNames: ['target', 'code'],
    registry: this.registry,
  });
  readonly #knowledge = new CounterFamily({
    name: 'flowmesh_knowledge_requests_total',
    help: 'Requests that asked for knowledge, by outcome: used, empty, late, unavailable',
    labelNames: ['outcome'],
    registry: this.registry,
  });
  readonly #passages = new CounterFamily({
    name: 'flowmesh_knowledge_passages_total',
    help: 'Passages put into prompts, and those of them that answers cited',
    labelNames: ['use'],
    registry: this.registry,
  });

  readonly #hedges = new CounterFamily({
    name: 'flowmesh_hedges_total',
    help: 'Requests whose first target was late, by the second target and what became of it',
    labelNames: ['target', 'outcome'],
    registry: this.registry,
  });

  readonly #shadows = new CounterFamily({
    name: 'flowmesh_shadows_total',
    help: 'Copies of requests for comparing answers, by what became of them; dropped ones included',
    labelNames: ['outcome'],
    registry: this.registry,
  });

  readonly #cache = new CounterFamily({
    name: 'flowmesh_cache_requests_total',
    help: 'Chat requests of chains with a cache by its part in them: hit, miss, shared, bypass',
    labelNames: ['outcome'],
    registry: this.registry,
  });
  readonly #saved = new CounterFamily({
    name: 'flowmesh_saved_tokens_total',
    help: 'Tokens that were not bought, by what saved them: cache, compaction',
    labelNames: ['by'],
    registry: this.registry,
  });

  /** @param isConfigured a chain of the configuration has it */
  constructor(
    inFlight: () => number,
    cacheExtent: () => CacheExtent = () => ({ entries: 0, bytes: 0 }),
    isConfigured: (target: string) => boolean = () => false,
  ) {
    this.#isConfigured = isConfigured;
    addProcessMetrics(this.registry);
    this.#gauge('flowmesh_requests_in_flight', 'Requests running now', inFlight);
    this.#gauge('flowmesh_cache_entries', 'Answers kept', () => cacheExtent().entries);
    this.#gauge('flowmesh_cache_bytes', 'Size of the answers kept', () => cacheExtent().bytes);
  }

  record(trace: RequestTrace): void {
    const target = this.#targetLabel(trace.target);
    const { operation, usage, knowledge } = trace;
    this.#requests.add(1, operation, target, trace.errorCode ?? 'ok');
    this.#duration.observe((trace.durationMs ?? 0) / 1_000, operation, target);
    if (trace.ttftMs !== undefined) {
      this.#ttft.observe(trace.ttftMs / 1_000, target);
      this.#overhead.observe(Math.max(0, trace.ttftMs - trace.waitedMs) / 1_000);
    }
    for (const { target: failed, code } of trace.failures) this.#failures.add(1, this.#targetLabel(failed), code);
    if (trace.hedge) this.#hedges.add(1, this.#targetLabel(trace.hedge.target), trace.hedge.outcome);
    if (trace.cache !== undefined) this.#cache.add(1, trace.cache);
    const { compaction } = trace;
    if (compaction && trace.errorCode === undefined)
      this.#saved.add(compaction.beforeTokens - compaction.afterTokens, 'compaction');
    if (knowledge) {
      this.#knowledge.add(1, knowledge.outcome);
      this.#passages.add(knowledge.passageCount, 'given');
      this.#passages.add(knowledge.citedCount, 'cited');
    }
    if (!usage) return;
    if (isKept(trace)) {
      this.#saved.add(Math.max(0, usage.inputTokens + usage.outputTokens), 'cache');
      return;
    }
    this.#countTokens('input', target, usage.inputTokens);
    this.#countTokens('output', target, usage.outputTokens);
    this.#countTokens('cached', target, usage.cachedInputTokens);
    this.#countTokens('reasoning', target, usage.reasoningTokens);
  }

  recordShadow(outcome: ShadowOutcome): void {
    this.#shadows.add(1, outcome);
  }

  /** Upstreams have reported negative counts; a counter only goes up. */
  #countTokens(type: 'input' | 'cached' | 'output' | 'reasoning', target: string, tokens: number): void {
    if (tokens > 0 && Number.isFinite(tokens)) this.#tokens.add(tokens, type, target);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  #targetLabel(target: string | undefined): string {
    if (target === undefined) return 'none';
    if (this.#targets.has(target)) return target;
    if (this.#targets.size >= TARGETS_MAX && !this.#isConfigured(target)) return 'other';
    this.#targets.add(target);
    return target;
  }
}
