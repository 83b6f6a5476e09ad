// What each scope that has limits uses and holds: tenants, keys, and limited models of both.

import type { Clock } from '../ports.ts';
import type { Escrow, EscrowAccount } from './escrow.ts';
import type { Spent } from './limiter.ts';
import { PeriodUse, periodsOf } from './period-use.ts';
import { RateShare, type ShareView } from './rate-share.ts';
import type { RateShares } from './rate-shares.ts';

export interface Meter {
  readonly requests: RateShare;
  readonly tokens: RateShare;
  readonly use: PeriodUse;
  running: number;
  /** Reservations that are not settled, of whichever kind. */
  open: number;
  /** Absent without a mesh. */
  readonly escrow: EscrowAccount | undefined;
}

export interface MetersDeps {
  readonly clock: Clock;
  /** What a scope had spent when it is seen first. */
  readonly spentBefore: (scope: string) => Spent;
  readonly escrow: Escrow | undefined;
  readonly rates: RateShares | undefined;
}

/** Some 3 KB each. Keys that are made for an hour would fill the memory; more are kept only while they are in use. */
const METERS_MAX = 10_000;
/** More than a request adds, but for keys with limits of many single models. */
const LOOKED_AT = 10;

const ALONE: ShareView = { members: 1, isWhole: true };
const aloneView = (): ShareView => ALONE;

export class Meters {
  readonly #deps: MetersDeps;
  /** Those that were looked at longest ago come first. */
  readonly #meters = new Map<string, Meter>();

  constructor(deps: MetersDeps) {
    this.#deps = deps;
  }

  of(name: string): Meter {
    const known = this.#meters.get(name);
    if (known) return known;
    const { clock, spentBefore, rates } = this.#deps;
    const escrow = this.#deps.escrow?.account(name);
    const spent = escrow ? () => escrow.ownSpent() : () => spentBefore(name);
    const meter: Meter = {
      escrow,
      requests: rates?.share(name, 'requests') ?? new RateShare(aloneView),
      tokens: rates?.share(name, 'tokens') ?? new RateShare(aloneView),
      use: new PeriodUse(periodsOf(clock.now()), spent),
      running: 0,
      open: 0,
    };
    this.#meters.set(name, meter);
    return meter;
  }

  /** Call before those of a request are looked up: none of them must go in between. */
  forgetIdle(): void {
    if (this.#meters.size <= METERS_MAX) return;
    const nowMs = this.#deps.clock.elapsed();
    let looked = 0;
    for (const [name, meter] of this.#meters) {
      this.#meters.delete(name);
      if (isInUse(meter, nowMs)) this.#meters.set(name, meter);
      looked += 1;
      if (looked === LOOKED_AT) return;
    }
  }
}

/** What the others of a mesh knew before a cut is known here alone; all else is found again where it was spent. */
function isInUse({ open, escrow, requests, tokens }: Meter, nowMs: number): boolean {
  return open > 0 || escrow !== undefined || requests.used.sum(nowMs) > 0 || tokens.used.sum(nowMs) > 0;
}
