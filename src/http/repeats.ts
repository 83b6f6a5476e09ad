// Requests that come again, byte for byte, and are answered from the cache: what they mean and how their answer reads on
// the wire need not be worked out again. What may have changed in between - who asks, rules, limits, whether the answer is
// still kept - is looked at each time as ever; only the text of an answer that the cache has just given is taken from here.

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CachedAnswer } from '../cache/cached-answer.ts';
import type { AnswerIdentity, RouteHints } from '../dialects/dialect.ts';
import type { Answer } from '../gateway/answer.ts';
import { ReplayedAnswer } from '../gateway/replay.ts';
import type { ChatRequest } from '../model/chat.ts';

interface Repeat {
  readonly chat: ChatRequest;
  readonly kept: CachedAnswer;
  /** The text was rendered in this second, and says so. */
  readonly createdAt: number;
  /** What is written one after the other, each cut wherever the answer's own name stood. */
  readonly texts: readonly (readonly string[])[];
  /** Characters of body and texts. */
  readonly length: number;
}

/** Characters; parsed requests take about three bytes each. */
const LENGTH_MAX = 4 * 1024 * 1024;
/** Of longer ones a few would push out all others. */
const BODY_BYTES_MAX = 256 * 1024;

export class Repeats {
  readonly #known = new LRUCache<string, Repeat>({ maxSize: LENGTH_MAX, sizeCalculation: ({ length }) => length });

  /** @param route all that a body's parsing goes by beside the body itself */
  placeOf(body: unknown, route: RouteHints): RepeatPlace | undefined {
    if (!Buffer.isBuffer(body) || body.length > BODY_BYTES_MAX) return undefined;
    return new RepeatPlace(this.#known, body, route);
  }
}

/** Of one request's bytes. */
export class RepeatPlace {
  readonly #known: LRUCache<string, Repeat>;
  readonly #body: Buffer;
  readonly #route: RouteHints;
  readonly #repeat: Repeat | undefined;
  #foundName: string | undefined;

  constructor(known: LRUCache<string, Repeat>, body: Buffer, route: RouteHints) {
    this.#known = known;
    this.#body = body;
    this.#route = route;
    // Where no cache is in use, nothing is ever known, and no body need be hashed.
    this.#repeat = known.size === 0 ? undefined : known.get(this.#name);
  }

  get #name(): string {
    this.#foundName ??= `${hash('sha256', this.#body, 'base64')}${JSON.stringify(this.#route)}`;
    return this.#foundName;
  }

  /** The request that these bytes mean, if they were answered from the cache before. */
  get chat(): ChatRequest | undefined {
    return this.#repeat?.chat;
  }

  /** What to write for a kept answer, which is thereby told; undefined when it is not known, or of another second. */
  textsOf(answer: Answer, { id, createdAt }: AnswerIdentity): string[] | undefined {
    const repeat = this.#repeat;
    if (!(answer instanceof ReplayedAnswer) || repeat?.kept !== answer.kept) return undefined;
    if (repeat.createdAt !== createdAt) return undefined;
    answer.tellAtOnce();
    return repeat.texts.map((pieces) => pieces.join(id));
  }

  /** Remembers what was written for a kept answer under this identity. */
  keep(chat: ChatRequest, answer: Answer, { id, createdAt }: AnswerIdentity, texts: readonly string[]): void {
    const length = texts.reduce((sum, text) => sum + text.length, this.#body.length);
    if (!(answer instanceof ReplayedAnswer) || length > LENGTH_MAX) return;
    const cut = texts.map((text) => text.split(id));
    this.#known.set(this.#name, { chat, kept: answer.kept, createdAt, texts: cut, length });
  }
}
