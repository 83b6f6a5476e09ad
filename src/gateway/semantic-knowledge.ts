// Knowledge that is also searched by meaning, where an embeddings model is configured: questions are embedded as they
// come, passages in the background. Without the model, or while it fails, words alone find what there is.

import type { CollectionRef, Knowledge, SearchHit, SearchRequest } from '../knowledge/knowledge.ts';
import type { Clock, Logger, StopSignal, Timer } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';

/** What the brain offers besides: passages without vectors, and a place for these. */
export interface VectorStore {
  missingEmbeddings(
    ref: CollectionRef,
    limit: number,
  ): Promise<readonly { readonly hash: string; readonly text: string }[]>;
  putEmbeddings(ref: CollectionRef, hashes: readonly string[], values: Float32Array): Promise<void>;
  clearEmbeddings(ref: CollectionRef): Promise<void>;
}

export interface SemanticKnowledgeDeps {
  readonly knowledge: Knowledge & VectorStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The embeddings model as a client would ask for it; undefined: by words alone. */
  readonly model: () => string | undefined;
  /** One vector a text. The tenant pays. */
  readonly embed: (
    model: string,
    tenant: string,
    texts: readonly string[],
    signal: StopSignal,
  ) => Promise<readonly (readonly number[])[]>;
  /** Of which model the stored vectors are: those of different ones say nothing of each other. */
  readonly memory: { get(): string | undefined; set(model: string): void };
}

/** Passages embedded with one call. */
const BATCH = 64;
/** Between two looks for passages without vectors, while there are none. */
const PERIOD_MS = 10_000;
/** Between two batches, so that requests come in between. */
const PAUSE_MS = 50;
/** After a failure. */
const RETRY_MS = 60_000;
/** A question whose vector is late is searched without. */
const QUESTION_MS = 150;
/** For a batch. */
const BATCH_MS = 60_000;

export class SemanticKnowledge {
  readonly #deps: SemanticKnowledgeDeps;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: SemanticKnowledgeDeps) {
    this.#deps = deps;
  }

  /** The same brain, whose searches go by meaning, too. */
  get searched(): Knowledge {
    const { knowledge } = this.#deps;
    return {
      store: (document) => knowledge.store(document),
      isCurrent: (ref, source, contentHash) => knowledge.isCurrent(ref, source, contentHash),
      remove: (ref, selection) => knowledge.remove(ref, selection),
      search: this.#search,
      documents: (ref, page) => knowledge.documents(ref, page),
      document: (tenant, id) => knowledge.document(tenant, id),
      passages: (tenant, documentId) => knowledge.passages(tenant, documentId),
      stats: (tenant) => knowledge.stats(tenant),
      close: () => knowledge.close(),
    };
  }

  /** Begins to embed what has no vectors. */
  start(): void {
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#stopping.abort(new Error('The node is stopping'));
    await this.#running;
  }

  readonly #search = async (request: SearchRequest, signal?: StopSignal): Promise<readonly SearchHit[]> => {
    const { knowledge, model } = this.#deps;
    const name = model();
    if (name === undefined || request.embedding) return knowledge.search(request, signal);
    const embedding = await this.#embedQuestion(name, request, signal);
    return knowledge.search(embedding ? { ...request, embedding } : request, signal);
  };

  async #embedQuestion(
    model: string,
    { tenant, query }: SearchRequest,
    signal: StopSignal | undefined,
  ): Promise<readonly number[] | undefined> {
    const { clock, embed, logger } = this.#deps;
    const scope = new AbortScope(clock, signal);
    scope.deadline(QUESTION_MS, 'The question has no vector');
    try {
      const [vector] = await embed(model, tenant, [query], scope.signal);
      return vector;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      logger.debug({ model, reason: String(error) }, 'a question is searched by its words alone');
      return undefined;
    } finally {
      scope.end();
    }
  }

  #schedule(delayMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = this.#deps.clock.after(delayMs, () => {
      this.#running = this.#embedSome().then((nextMs) => this.#schedule(nextMs));
    });
  }

  /** Resolves with how long to wait before the next batch. Never rejects. */
  async #embedSome(): Promise<number> {
    const { knowledge, model, logger } = this.#deps;
    const name = model();
    if (name === undefined) return PERIOD_MS;
    try {
      await this.#forgetOtherModel(name);
      for (const ref of await knowledge.stats()) {
        const passages = await knowledge.missingEmbeddings(ref, BATCH);
        if (passages.length === 0) continue;
        await this.#embedBatch(name, ref, passages);
        return PAUSE_MS;
      }
      return PERIOD_MS;
    } catch (error) {
      if (this.#stopping.signal.aborted) return PERIOD_MS;
      logger.warn({ model: name, reason: String(error) }, 'passages cannot be embedded now; words alone find them');
      return RETRY_MS;
    }
  }

  async #forgetOtherModel(model: string): Promise<void> {
    const { knowledge, memory, logger } = this.#deps;
    const before = memory.get();
    if (before === model) return;
    if (before !== undefined) {
      logger.info({ from: before, to: model }, 'the embeddings model has changed: passages are embedded anew');
      for (const ref of await knowledge.stats()) await knowledge.clearEmbeddings(ref);
    }
    memory.set(model);
  }

  async #embedBatch(
    model: string,
    ref: CollectionRef,
    passages: readonly { readonly hash: string; readonly text: string }[],
  ): Promise<void> {
    const { clock, embed, knowledge } = this.#deps;
    const scope = new AbortScope(clock, this.#stopping.signal);
    scope.deadline(BATCH_MS, 'Passages were not embedded');
    try {
      const texts = passages.map(({ text }) => text);
      const vectors = await embed(model, ref.tenant, texts, scope.signal);
      const dimension = vectors[0]?.length ?? 0;
      if (vectors.some(({ length }) => length !== dimension)) {
        throw new Error(`The model ${model} gives vectors of different lengths`);
      }
      const values = new Float32Array(vectors.length * dimension);
      for (const [index, vector] of vectors.entries()) values.set(vector, index * dimension);
      const hashes = passages.map(({ hash }) => hash);
      await knowledge.putEmbeddings(ref, hashes, values);
    } finally {
      scope.end();
    }
  }
}
