// Requests that come again, byte for byte, and are answered from the cache: what they mean and how their answer reads on
// the wire need not be worked out again. What may have changed in between - who asks, rules, limits, whether the answer is
// still kept - is looked at each time as ever; only the text of an answer that the cache has just given is taken from here.

import { LRUCache } from 'lru-cache';
import type { CachedAnswer } from '../cache/cached-answer.ts';
import type { AnswerIdentity, RouteHints } from '../dialects/dialect.ts';
import type { Answer } from '../gateway/answer.ts';
import { isHitAgain, type KnownHit } from '../gateway/known-hit.ts';
import type { PipelineDeps, RequestContext } from '../gateway/pipeline.ts';
import { ReplayedAnswer } from '../gateway/replay.ts';
import type { ChatRequest } from '../model/chat.ts';

interface Repeat {
  readonly chat: ChatRequest;
  readonly kept: CachedAnswer;
  readonly hit: KnownHit | undefined;
  /** The text was rendered in this second, and says so. */
  readonly createdAt: number;
  /** What is written one after the other, each cut wherever the answer's own name stood. */
  readonly texts: readonly (readonly string[])[];
  /** Characters of body and texts. */
  readonly length: number;
}

/** What a request is recognized by beside its body. */
export interface Manner {
  /** What its path says. */
  readonly hints: RouteHints | undefined;
  /** Its headers under lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Characters; parsed requests take about three bytes each. */
const LENGTH_MAX = 4 * 1024 * 1024;
/** Of longer ones a few would push out all others. */
const BODY_BYTES_MAX = 256 * 1024;
const OPENING_BRACE = 0x7b;
/** All that parsing and the pipeline look at. Other headers are looked at by rules alone. */
const READ_HEADERS = [
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
  'cache-control',
  'x-flowmesh-cache-namespace',
  'x-flowmesh-knowledge',
];

export class Repeats {
  readonly #known = new LRUCache<string, Repeat>({ maxSize: LENGTH_MAX, sizeCalculation: ({ length }) => length });

  placeOf(body: unknown, manner: Manner): RepeatPlace | undefined {
    if (!Buffer.isBuffer(body) || body.length > BODY_BYTES_MAX || body[0] !== OPENING_BRACE) return undefined;
    return new RepeatPlace(this.#known, body, manner);
  }
}

/** Of one request's bytes. */
export class RepeatPlace {
  readonly #known: LRUCache<string, Repeat>;
  readonly #body: Buffer;
  readonly #manner: Manner;
  readonly #repeat: Repeat | undefined;
  #foundName: string | undefined;

  constructor(known: LRUCache<string, Repeat>, body: Buffer, manner: Manner) {
    this.#known = known;
    this.#body = body;
    this.#manner = manner;
    // Where no cache is in use, nothing is ever known, and no body need be looked at.
    this.#repeat = known.size === 0 ? undefined : known.get(this.#name);
  }

  /** The bytes themselves: the engine hashes and compares them faster than anybody else could. */
  get #name(): string {
    this.#foundName ??= named(this.#body.toString('latin1'), this.#manner);
    return this.#foundName;
  }

  /** The request that these bytes mean, if they were answered from the cache before. */
  get chat(): ChatRequest | undefined {
    return this.#repeat?.chat;
  }

  /**
   * What to write for a whole answer, when it is the one of before; the request is entered and told then.
   * @throws GatewayError as `handle` does
   */
  textAgain(name: AnswerIdentity, context: RequestContext, deps: PipelineDeps): string | undefined {
    const repeat = this.#repeat;
    if (!repeat?.hit || repeat.chat.isStream || repeat.createdAt !== name.createdAt) return undefined;
    return isHitAgain(repeat.hit, context, deps) ? filledIn(repeat.texts[0] ?? [], name.id) : undefined;
  }

  /** What to write for a kept answer, which is thereby told; undefined when it is not known, or of another second. */
  textsOf(answer: Answer, name: AnswerIdentity): string[] | undefined {
    const repeat = this.#repeat;
    if (!(answer instanceof ReplayedAnswer) || repeat?.kept !== answer.kept) return undefined;
    if (repeat.createdAt !== name.createdAt) return undefined;
    answer.tellAtOnce();
    return repeat.texts.map((pieces) => filledIn(pieces, name.id));
  }

  /** Remembers what was written for a kept answer under this identity. */
  keep(chat: ChatRequest, answer: Answer, name: AnswerIdentity, texts: readonly string[]): void {
    if (!(answer instanceof ReplayedAnswer)) return;
    const length = texts.reduce((sum, text) => sum + text.length, this.#body.length);
    if (length > LENGTH_MAX) return;
    const { kept, hit } = answer;
    const { id, createdAt } = name;
    const cut = texts.map((text) => text.split(id));
    this.#known.set(this.#name, { chat, kept, hit, createdAt, texts: cut, length });
  }
}

/** Most say nothing but their body. What the others say goes before it, and begins with another bracket. */
function named(body: string, { hints, headers }: Manner): string {
  const isPlain = hints === undefined && READ_HEADERS.every((name) => headers[name] === undefined);
  return isPlain ? body : JSON.stringify([hints, READ_HEADERS.map((name) => headers[name])]) + body;
}

/** Not joined: the engine copies the parts once, together with the answer's head, when all of it is written. */
function filledIn([first = '', ...others]: readonly string[], name: string): string {
  let text = first;
  for (const other of others) text += name + other;
  return text;
}
