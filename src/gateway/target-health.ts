// Who is worth trying: a circuit for each target and cooldowns for each account's credentials.
//
// closed --(failures in a row)--> open --(cooldown over)--> half-open: one probe passes; its first content closes the
// circuit, its failure opens it again for twice as long.

import { LRUCache } from 'lru-cache';
import type { CooldownConfig } from '../config/config.ts';
import type { ErrorCode } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock } from '../ports.ts';
import type { Account } from '../providers/account.ts';
import { KeyCooldowns } from './key-cooldowns.ts';
import type { Target } from './target.ts';

/** Client-chosen model names make targets, so what we remember of them is bounded. */
const REMEMBERED_MAX = 10_000;
/** A refused or exhausted credential is not asked again for this long: people must act first. */
const DEAD_KEY_MS = 60_000;

export type CircuitState = 'closed' | 'open' | 'half-open';

export type VisitOutcome = 'success' | 'failure' | 'unknown';

interface Circuit {
  failuresInARow: number;
  /** Monotonic; 0 while closed. */
  openUntil: number;
  cooldownMs: number;
  isProbing: boolean;
  inFlight: number;
  /** When its first content last came, monotonic milliseconds. */
  answeredAt: number;
}

/** One stay at a target, from `enter` to `leave`. */
export interface Visit {
  readonly circuit: Circuit;
  /** How old its news of the target is: its start, then its first content. Monotonic milliseconds. */
  newsFrom: number;
  /** Let through a half-open circuit, to find out. */
  isProbe: boolean;
}

export class TargetHealth {
  readonly #clock: Clock;
  readonly #config: () => CooldownConfig;
  readonly #circuits = new LRUCache<string, Circuit>(atMost(REMEMBERED_MAX));
  /** A reload makes new accounts, perhaps with new keys: what was known of the old ones goes with them. */
  readonly #keys = new WeakMap<Account, KeyCooldowns>();

  constructor(clock: Clock, config: () => CooldownConfig) {
    this.#clock = clock;
    this.#config = config;
  }

  /** Claims a place at the target; undefined while its circuit is open or its one probe is under way. */
  enter(targetId: string): Visit | undefined {
    const circuit = this.#circuit(targetId);
    const isProbe = circuit.openUntil > 0;
    if (isProbe) {
      if (circuit.isProbing || this.#clock.elapsed() < circuit.openUntil) return undefined;
      circuit.isProbing = true;
    }
    circuit.inFlight += 1;
    return { circuit, newsFrom: this.#clock.elapsed(), isProbe };
  }

  /** The first content is here: a probe has found out. Whether the answer also ends well, `leave` tells. */
  answered(visit: Visit): void {
    visit.newsFrom = this.#clock.elapsed();
    visit.circuit.answeredAt = visit.newsFrom;
    if (!visit.isProbe) return;
    visit.isProbe = false;
    visit.circuit.isProbing = false;
    visit.circuit.openUntil = 0;
  }

  /** Ends a visit: well, badly by the target's fault, or without saying anything about it (the client left). */
  leave({ circuit, newsFrom, isProbe }: Visit, outcome: VisitOutcome): void {
    circuit.inFlight -= 1;
    if (isProbe) circuit.isProbing = false;
    // What began before the circuit opened brings old news: only the probe decides.
    if (circuit.openUntil > 0 && !isProbe) return;
    if (outcome === 'success') {
      circuit.failuresInARow = 0;
      circuit.openUntil = 0;
      circuit.cooldownMs = 0;
    } else if (outcome === 'failure' && (isProbe || circuit.answeredAt <= newsFrom)) {
      // What began before the target last answered others is old news, too.
      circuit.failuresInARow += 1;
      if (isProbe || circuit.failuresInARow >= this.#config().failures) this.#open(circuit);
    }
  }

  state(targetId: string): CircuitState {
    const circuit = this.#circuits.peek(targetId);
    if (!circuit || circuit.openUntil === 0) return 'closed';
    return this.#clock.elapsed() < circuit.openUntil ? 'open' : 'half-open';
  }

  inFlight(targetId: string): number {
    return this.#circuits.peek(targetId)?.inFlight ?? 0;
  }

  /** Why the target may not be tried now and for how long, milliseconds; a wait of 0 when it may. */
  waitFor(target: Target): { readonly waitMs: number; readonly code: ErrorCode } {
    const now = this.#clock.elapsed();
    const circuitWaitMs = Math.max(0, (this.#circuits.peek(target.id)?.openUntil ?? 0) - now);
    const key = this.#keysOf(target.account).soonest(target.model, now);
    return key && key.until - now > circuitWaitMs
      ? { waitMs: key.until - now, code: key.code }
      : { waitMs: circuitWaitMs, code: 'unavailable' };
  }

  /** The next usable credential in rotation, or undefined while all are set aside. An account without keys has one: ''. */
  pickKey(
    target: Target,
    isTried: (index: number) => boolean,
  ): { readonly index: number; readonly key: string } | undefined {
    const { account, model } = target;
    const index = this.#keysOf(account).pick(model, this.#clock.elapsed(), isTried);
    return index === undefined ? undefined : { index, key: account.keys[index] ?? '' };
  }

  /** Sets a credential aside for one model or altogether, for as long as the upstream said. */
  coolKey(target: Target, index: number, scope: 'key-model' | 'key', failure: UpstreamError): void {
    const { baseMs, maxMs } = this.#config();
    const cooldownMs = Math.min(failure.retryAfterMs ?? (scope === 'key' ? DEAD_KEY_MS : baseMs), maxMs);
    this.#keysOf(target.account).cool(index, scope === 'key' ? undefined : target.model, {
      until: this.#clock.elapsed() + cooldownMs,
      code: failure.code,
    });
  }

  /** The target itself asked to be left alone for that long. */
  coolTarget(targetId: string, waitMs: number): void {
    const circuit = this.#circuit(targetId);
    circuit.openUntil = this.#longer(circuit, waitMs);
  }

  #open(circuit: Circuit): void {
    const { baseMs, maxMs } = this.#config();
    circuit.cooldownMs = Math.min(maxMs, circuit.cooldownMs === 0 ? baseMs : circuit.cooldownMs * 2);
    circuit.openUntil = this.#longer(circuit, circuit.cooldownMs);
  }

  /** Of two cooldowns the longer holds. */
  #longer({ openUntil }: Circuit, waitMs: number): number {
    return Math.max(openUntil, this.#clock.elapsed() + Math.min(waitMs, this.#config().maxMs));
  }

  #keysOf(account: Account): KeyCooldowns {
    let keys = this.#keys.get(account);
    if (!keys) {
      keys = new KeyCooldowns(account.keys.length);
      this.#keys.set(account, keys);
    }
    return keys;
  }

  #circuit(targetId: string): Circuit {
    let circuit = this.#circuits.get(targetId);
    if (!circuit) {
      circuit = {
        failuresInARow: 0,
        openUntil: 0,
        cooldownMs: 0,
        isProbing: false,
        inFlight: 0,
        answeredAt: Number.NEGATIVE_INFINITY,
      };
      this.#circuits.set(targetId, circuit);
    }
    return circuit;
  }
}
