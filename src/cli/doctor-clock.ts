// Is this machine's clock right? Every server that answers says what time it has; a wrong clock breaks TLS, and later
// the order of what nodes write.

import type { Clock, HttpClient, HttpRequest, HttpResponse } from '../ports.ts';
import { type Check, ok, problem, warning } from './check.ts';

/** `Date` headers count whole seconds and travel; clocks kept by NTP differ by far less. */
const SKEW_MAX_MS = 60_000;
/** When this was written: no right clock shows less. A Raspberry Pi without network starts in the past. */
const EARLIEST = Date.UTC(2026, 10, 1);
const ADVICE = 'Switch on time synchronisation: `timedatectl set-ntp true`.';

/** Passes calls on, and listens to what the answers say of the time. */
export class ClockWitness implements HttpClient {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  /** Ours minus theirs, milliseconds, one an answer. */
  readonly #skews: number[] = [];

  constructor(http: HttpClient, clock: Clock) {
    this.#http = http;
    this.#clock = clock;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.#http.request(request);
    const theirs = Date.parse(response.headers.date ?? '');
    if (!Number.isNaN(theirs)) this.#skews.push(this.#clock.now() - theirs);
    return response;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  check(): Check {
    const shown = new Date(this.#clock.now()).toISOString();
    if (this.#clock.now() < EARLIEST) return problem('clock', `it shows ${shown}, which is past`, ADVICE);
    const skew = median(this.#skews);
    if (skew === undefined) return ok('clock', `it shows ${shown}; no server told another time`);
    if (Math.abs(skew) <= SKEW_MAX_MS) return ok('clock', 'it agrees with that of the servers');
    const direction = skew > 0 ? 'ahead of' : 'behind';
    return warning('clock', `it is ${Math.round(Math.abs(skew) / 1_000)} s ${direction} the servers'`, ADVICE);
  }
}

/** One server with a wrong clock must not convict ours. */
function median(values: readonly number[]): number | undefined {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}
