// The time by which kept answers grow old: it goes on by what has surely passed. The wall clock may be set, and a node on
// an island has nobody to ask: a clock that leaps years ahead would make every answer there too old, just where nothing
// else can answer. So what counts is what passes while a process runs, and between two processes what the wall clock says
// when it is believable. It begins as the wall clock's, and is kept in the file of the answers.

import type { Clock } from '../ports.ts';

/** As the file has it: how late it was by both clocks. */
export interface SureMoment {
  readonly sureMs: number;
  readonly wallMs: number;
}

/** The wall clock may gain so much at once: a night, a weekend, a week switched off or asleep. More is a clock that was set. */
const BELIEVED_GAP_MS = 7 * 86_400_000;
/** Clocks that are corrected a little all the time make no time pass. */
const SLIP_MIN_MS = 1_000;

export class SureTime {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>;
  #sureMs: number;
  #wallMs: number;
  #elapsedMs: number;

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, last: SureMoment | undefined) {
    this.#clock = clock;
    this.#wallMs = last?.wallMs ?? clock.now();
    this.#sureMs = last?.sureMs ?? this.#wallMs;
    this.#elapsedMs = clock.elapsed();
  }

  now(): number {
    const ranMs = this.#clock.elapsed() - this.#elapsedMs;
    const slipMs = this.#clock.now() - this.#wallMs - ranMs;
    if (Math.abs(slipMs) < SLIP_MIN_MS) return Math.round(this.#sureMs + ranMs);
    const isBelieved = slipMs > 0 && slipMs <= BELIEVED_GAP_MS;
    this.#sureMs += ranMs + (isBelieved ? slipMs : 0);
    this.#wallMs += ranMs + slipMs;
    this.#elapsedMs += ranMs;
    return Math.round(this.#sureMs);
  }

  moment(): SureMoment {
    return { sureMs: this.now(), wallMs: this.#clock.now() };
  }
}
