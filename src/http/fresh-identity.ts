// The name of a new answer, made when somebody asks for it: most upstreams have given theirs.

import type { AnswerIdentity } from '../dialects/dialect.ts';
import type { Clock, Random } from '../ports.ts';

/** Never made of the client's request id: two requests may bear the same one, two answers may not. */
export class FreshIdentity implements AnswerIdentity {
  readonly createdAt: number;
  readonly #random: Random;
  #id: string | undefined;

  constructor(clock: Clock, random: Random) {
    this.createdAt = Math.floor(clock.now() / 1_000);
    this.#random = random;
  }

  get id(): string {
    this.#id ??= this.#random.uuid().replaceAll('-', '');
    return this.#id;
  }
}
