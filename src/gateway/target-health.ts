// Who is worth trying: a circuit for each target and a cooldown for each credential.
//
// closed --(failures in a row)--> open --(cooldown over)--> half-open: one probe passes; it closes the circuit or
// opens it again for twice as long.

import { LRUCache } from 'lru-cache';
import type { CooldownConfig } from '../config/config.ts';
import type { ErrorCode } from '../errors.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock } from '../ports.ts';
import type { Account } from '../providers/account.ts';
import type { Target } from './target.ts';

/** Client-chosen model names make targets, so what we remember of them is bounded. */
const REMEMBERED_MAX = 10_000;
/** A refused or exhausted credential is not asked again for this long: people must act first. */
const DEAD_KEY_MS = 60_000;

export type CircuitState = 'closed' | 'open' | 'half-open';

interface Cooldown {
  /** Monotonic milliseconds. */
  readonly until: number;
  /** The failure that began it. */
  readonly code: ErrorCode;
}

export interface Visit {
  readonly targetId: string;
  readonly isProbe: boolean;
}

export type VisitOutcome = 'success' | 'failure' | 'unknown';

interface Circuit {
  failuresInARow: number;
  /** Monotonic; 0 while closed. */
  openUntil: number;
  cooldownMs: number;
  isProbing: boolean;
  inFlight: number;
}

export class TargetHealth {
  readonly #clock: Clock;
  readonly #config: () => CooldownConfig;
  readonly #circuits = new LRUCache<string, Circuit>({ max: REMEMBERED_MAX });
  /** By `account#index` and `account#index/model`. */
  readonly #keyCooldowns = new LRUCache<string, Cooldown>({ max: REMEMBERED_MAX });
  readonly #nextKey = new Map<string, number>();

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
    return { targetId, isProbe };
  }

  /** Ends a visit: well, badly by the target's fault, or without saying anything about it (the client left). */
  leave({ targetId, isProbe }: Visit, outcome: VisitOutcome): void {
    const circuit = this.#circuit(targetId);
    circuit.inFlight = Math.max(0, circuit.inFlight - 1);
    if (isProbe) circuit.isProbing = false;
    if (outcome === 'success') {
      circuit.failuresInARow = 0;
      circuit.openUntil = 0;
      circuit.cooldownMs = 0;
    } else if (outcome === 'failure') {
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
    const circuit = this.#circuits.peek(target.id);
    const circuitWaitMs = circuit ? Math.max(0, circuit.openUntil - this.#clock.elapsed()) : 0;
    const key = this.#keyWait(target);
    return key.waitMs > circuitWaitMs ? key : { waitMs: circuitWaitMs, code: 'unavailable' };
  }

  /** The next usable credential in rotation, or undefined while all are set aside. An account without keys has one: ''. */
  pickKey(
    target: Target,
    isTried: (index: number) => boolean,
  ): { readonly index: number; readonly key: string } | undefined {
    const { account } = target;
    const count = Math.max(1, account.keys.length);
    const first = this.#nextKey.get(account.name) ?? 0;
    for (let step = 0; step < count; step += 1) {
      const index = (first + step) % count;
      if (isTried(index) || this.#keyCooldown(target, index) !== undefined) continue;
      return { index, key: account.keys[index] ?? '' };
    }
    return undefined;
  }

  /** Sets a credential aside for one model (rate limits are counted so) or altogether. The longer of two cooldowns holds. */
  coolKey(target: Target, index: number, scope: 'key-model' | 'key', failure: UpstreamError): void {
    const cooldownMs = Math.min(
      failure.retryAfterMs ?? (scope === 'key' ? DEAD_KEY_MS : this.#config().baseMs),
      this.#config().maxMs,
    );
    const name = keyName(target.account, index, scope === 'key' ? undefined : target.model);
    const until = this.#clock.elapsed() + cooldownMs;
    const known = this.#keyCooldowns.get(name);
    if (!known || known.until < until) this.#keyCooldowns.set(name, { until, code: failure.code });
    this.#nextKey.set(target.account.name, index + 1);
  }

  /** The credential that is usable soonest. */
  #keyWait(target: Target): { readonly waitMs: number; readonly code: ErrorCode } {
    let soonest: Cooldown | undefined;
    for (let index = 0; index < Math.max(1, target.account.keys.length); index += 1) {
      const cooldown = this.#keyCooldown(target, index);
      if (!cooldown) return { waitMs: 0, code: 'unavailable' };
      if (!soonest || cooldown.until < soonest.until) soonest = cooldown;
    }
    return { waitMs: (soonest?.until ?? 0) - this.#clock.elapsed(), code: soonest?.code ?? 'unavailable' };
  }

  #keyCooldown(target: Target, index: number): Cooldown | undefined {
    if (this.#keyCooldowns.size === 0) return undefined;
    const now = this.#clock.elapsed();
    const altogether = this.#keyCooldowns.get(keyName(target.account, index));
    if (altogether && altogether.until > now) return altogether;
    const forModel = this.#keyCooldowns.get(keyName(target.account, index, target.model));
    return forModel && forModel.until > now ? forModel : undefined;
  }

  #open(circuit: Circuit): void {
    const { baseMs, maxMs } = this.#config();
    circuit.cooldownMs = Math.min(maxMs, circuit.cooldownMs === 0 ? baseMs : circuit.cooldownMs * 2);
    circuit.openUntil = this.#clock.elapsed() + circuit.cooldownMs;
  }

  #circuit(targetId: string): Circuit {
    let circuit = this.#circuits.get(targetId);
    if (!circuit) {
      circuit = { failuresInARow: 0, openUntil: 0, cooldownMs: 0, isProbing: false, inFlight: 0 };
      this.#circuits.set(targetId, circuit);
    }
    return circuit;
  }
}

function keyName(account: Account, index: number, model?: string): string {
  return model === undefined ? `${account.name}#${index}` : `${account.name}#${index}/${model}`;
}
