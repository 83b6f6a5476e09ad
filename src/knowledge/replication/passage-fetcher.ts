// Fetches passages by their hashes from whichever peer has them. What has come is kept at once, so that a fetch that was
// cut asks only for the rest. The brain checks each passage against its hash: nobody can send another text.

import { GatewayError } from '../../errors.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue, parseObject } from '../../model/json.ts';
import type { Clock, Logger } from '../../ports.ts';
import { ByteBudget } from '../../replication/pace.ts';
import type { Network } from '../../replication/replicator.ts';
import type { NamedPassage } from '../store/knowledge-store.ts';
import type { KnowledgeReplica } from '../worker/client.ts';
import { listHash } from './document-kind.ts';
import { LIST_PATH, PASSAGES_PATH, SHOWN_PATH } from './passage-source.ts';

export interface PassageFetcherDeps {
  readonly knowledge: KnowledgeReplica;
  readonly network: Pick<Network, 'request' | 'connected' | 'members'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when bulk may go. */
  readonly turn: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Passages have 500 to 1,500 characters: about a page of them. */
const ASKED_AT_ONCE = 96;
/** While one page is on its way, others are being stored. */
const REQUESTS_AT_ONCE = 4;
const REQUEST_TIMEOUT_MS = 10_000;
const BYTES_PER_SECOND = 32 * 2 ** 20;
/** A list longer than that is no document's. */
const LIST_LENGTH_MAX = 1_000_000;

export class PassageFetcher {
  readonly #deps: PassageFetcherDeps;
  readonly #budget = new ByteBudget(BYTES_PER_SECOND);
  /** Since the start. */
  readonly counts = { passages: 0, bytes: 0 };

  constructor(deps: PassageFetcherDeps) {
    this.#deps = deps;
  }

  /** Keeps what can be had. @param first a peer that should have them */
  async obtain(hashes: readonly string[], first: string | undefined): Promise<void> {
    let left = hashes;
    for (const peer of this.#peers(first)) {
      if (left.length === 0) return;
      left = await this.#fetchFrom(peer, left);
    }
  }

  /** The list of passages of a document; undefined when nobody has it. */
  async fetchList(document: string, list: string, first: string | undefined): Promise<JsonValue[] | undefined> {
    for (const peer of this.#peers(first)) {
      const passages = await this.#guarded(peer, () => this.#listFrom(peer, document, list));
      if (passages && listHash(passages) === list) return passages;
    }
    return undefined;
  }

  /** What members show of a document, those that show any; undefined unless every member has told it. */
  async fetchShown(document: string): Promise<{ readonly peer: string; readonly body: JsonObject }[] | undefined> {
    const members = this.#deps.network.members();
    const connected = new Set(this.#deps.network.connected());
    if (!members.every((peer) => connected.has(peer))) return undefined;
    const ask = (peer: string) => this.#guarded(peer, () => this.#ask(peer, SHOWN_PATH, { document }));
    const answers = await Promise.all(members.map(async (peer) => ({ peer, answer: await ask(peer) })));
    if (answers.some(({ answer }) => answer === undefined)) return undefined;
    return answers.flatMap(({ peer, answer }) => {
      const body = asObject(answer?.body);
      return body ? [{ peer, body }] : [];
    });
  }

  #peers(first: string | undefined): readonly string[] {
    const connected = this.#deps.network.connected();
    return first !== undefined && connected.includes(first)
      ? [first, ...connected.filter((peer) => peer !== first)]
      : connected;
  }

  async #listFrom(peer: string, document: string, list: string): Promise<JsonValue[]> {
    const passages: JsonValue[] = [];
    while (passages.length < LIST_LENGTH_MAX) {
      const page = await this.#ask(peer, LIST_PATH, { document, list, from: passages.length });
      const rows = asArray(page.passages);
      passages.push(...rows);
      if (page.isLast === true || rows.length === 0) break;
    }
    return passages;
  }

  /** Returns what the peer has not given. */
  async #fetchFrom(peer: string, hashes: readonly string[]): Promise<string[]> {
    const queue = [...hashes];
    const missing: string[] = [];
    const lane = async (): Promise<void> => {
      while (queue.length > 0) {
        const asked = queue.splice(0, ASKED_AT_ONCE);
        const answered = await this.#guarded(peer, () => this.#page(peer, asked));
        // Nothing, or nothing of what was asked for: the peer is of no use now.
        if (!answered || answered.size === 0) {
          missing.push(...asked, ...queue.splice(0));
          return;
        }
        missing.push(...asked.filter((hash) => answered.get(hash) === 'missing'));
        queue.unshift(...asked.filter((hash) => !answered.has(hash)));
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, lane));
    return missing;
  }

  async #page(peer: string, asked: readonly string[]): Promise<Map<string, 'kept' | 'missing'>> {
    const page = await this.#ask(peer, PASSAGES_PATH, { hashes: [...asked] });
    const wanted = new Set(asked);
    const passages = asArray(page.passages)
      .map(parsePassage)
      .filter((passage) => passage !== undefined && wanted.has(passage.hash)) as NamedPassage[];
    if (passages.length > 0) await this.#deps.knowledge.putPassages(passages);
    this.counts.passages += passages.length;
    const lacking = asArray(page.missing).filter((hash) => typeof hash === 'string' && wanted.has(hash)) as string[];
    return new Map([
      ...lacking.map((hash) => [hash, 'missing'] as const),
      ...passages.map(({ hash }) => [hash, 'kept'] as const),
    ]);
  }

  async #ask(peer: string, path: string, body: JsonObject): Promise<JsonObject> {
    const { network, clock, turn, signal } = this.#deps;
    await turn();
    const controller = new AbortController();
    const timer = clock.after(REQUEST_TIMEOUT_MS, () => controller.abort(new Error('The peer does not answer')));
    try {
      const both = AbortSignal.any([controller.signal, signal]);
      const bytes = await network.request(peer, path, Buffer.from(JSON.stringify(body)), both);
      this.counts.bytes += bytes.length;
      await this.#spend(bytes.length);
      const answer = parseObject(Buffer.from(bytes).toString());
      if (!answer) throw new GatewayError('upstream_garbage', `${peer} sent passages that cannot be read`);
      return answer;
    } finally {
      timer.cancel();
    }
  }

  async #spend(bytes: number): Promise<void> {
    const { clock, signal } = this.#deps;
    for (;;) {
      const waitMs = this.#budget.take(bytes, clock.elapsed());
      if (waitMs === 0) return;
      await clock.sleep(waitMs, signal);
    }
  }

  /** What one peer fails at, another one may know. */
  async #guarded<Result>(peer: string, work: () => Promise<Result>): Promise<Result | undefined> {
    const { signal, logger } = this.#deps;
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      logger.debug({ peer, err: error }, 'a peer gave no passages');
      return undefined;
    }
  }
}

function parsePassage(value: JsonValue): NamedPassage | undefined {
  const [hash, text, headings] = asArray(value);
  if (typeof hash !== 'string' || typeof text !== 'string') return undefined;
  return { hash, text, headings: asArray(headings).map((heading) => asString(heading) ?? '') };
}
