// A digest of a set of texts that follows each change at once, however large the set is: the sum of the hashes of its
// members. Equal sets have equal digests in whatever order they came.

import { createHash } from 'node:crypto';

/** Wide enough that nobody finds other members with the same sum. */
const BITS = 256;
const TEXT_LENGTH = 12;

export class SetDigest {
  #sum = 0n;
  #text: string | undefined;

  add(member: string): void {
    this.#move(hashOf(member));
  }

  /** Of one that was added. */
  remove(member: string): void {
    this.#move(-hashOf(member));
  }

  /** Its first 72 bits: what nodes compare, of sets whose every member was proven before. */
  text(): string {
    this.#text ??= Buffer.from(this.#sum.toString(16).padStart(BITS / 4, '0'), 'hex')
      .toString('base64url')
      .slice(0, TEXT_LENGTH);
    return this.#text;
  }

  #move(by: bigint): void {
    this.#sum = BigInt.asUintN(BITS, this.#sum + by);
    this.#text = undefined;
  }
}

function hashOf(member: string): bigint {
  return BigInt(`0x${createHash('sha256').update(member).digest('hex')}`);
}
