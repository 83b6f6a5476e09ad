// Deadlines of many seconds, of which a loaded node sets and cancels thousands a second, and nearly none ever passes: those
// that end at about the same moment share one of the engine's timers, each of which costs as much as ten of these.

import type { Timer } from '../ports.ts';
import { throwOutside } from './turn-stages.ts';

/** So much later than asked for may one fire. */
const GRAIN_MS = 500;

interface Moment {
  readonly number: number;
  /** A list: the tables of a set that comes and goes are garbage. */
  readonly waiting: CoarseTimer[];
  readonly handle: NodeJS.Timeout;
}

export class CoarseTimers {
  /** By their distance from the clock's start, in grains. */
  readonly #moments = new Map<number, Moment>();
  readonly #onDefect: (defect: unknown) => void;

  constructor(onDefect = throwOutside) {
    this.#onDefect = onDefect;
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = new CoarseTimer(delayMs, action, (number) => this.#moment(number));
    timer.refresh();
    return timer;
  }

  #moment(number: number): Moment {
    let moment = this.#moments.get(number);
    if (!moment) {
      const handle = setTimeout(() => this.#end(number), number * GRAIN_MS - performance.now());
      moment = { number, waiting: [], handle };
      this.#moments.set(number, moment);
    }
    return moment;
  }

  #end(number: number): void {
    const moment = this.#moment(number);
    this.#moments.delete(number);
    for (const timer of moment.waiting.splice(0)) {
      try {
        timer.fire(moment);
      } catch (defect) {
        this.#onDefect(defect);
      }
    }
  }
}

class CoarseTimer implements Timer {
  readonly #delayMs: number;
  readonly #action: () => void;
  readonly #momentOf: (number: number) => Moment;
  #moment: Moment | undefined;
  /** Among those that wait for it. */
  #place = 0;
  #isCancelled = false;

  constructor(delayMs: number, action: () => void, momentOf: (number: number) => Moment) {
    this.#delayMs = delayMs;
    this.#action = action;
    this.#momentOf = momentOf;
  }

  refresh(): void {
    if (this.#isCancelled) return;
    const number = Math.ceil((performance.now() + this.#delayMs) / GRAIN_MS);
    if (number === this.#moment?.number) return;
    this.#leave();
    const moment = this.#momentOf(number);
    this.#moment = moment;
    this.#place = moment.waiting.push(this) - 1;
    if (this.#place === 0) moment.handle.ref();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#leave();
  }

  fire(moment: Moment): void {
    // Cancelled or refreshed by one that fired just before it.
    if (this.#moment !== moment) return;
    this.#moment = undefined;
    this.#action();
  }

  /** The last one takes its place. A moment that nobody waits for keeps no process alive, and passes unnoticed. */
  #leave(): void {
    const moment = this.#moment;
    this.#moment = undefined;
    const last = moment?.waiting.pop();
    if (!moment || !last) return;
    if (last !== this) {
      last.#place = this.#place;
      moment.waiting[this.#place] = last;
    } else if (moment.waiting.length === 0) moment.handle.unref();
  }
}
