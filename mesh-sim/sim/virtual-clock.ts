// The time of a whole simulated world: it jumps from one due timer to the next. Timers that are due at the same moment
// fire in the order in which they were set, and what each sets going has settled before the next one fires, so that one
// seed always gives one course of events.

import type { Timer } from '../../src/ports.ts';
import { TimerClock } from './timer-clock.ts';

interface Pending {
  at: number;
  /** Set later means fired later. */
  order: number;
  readonly action: () => void;
  /** In the heap, or -1. */
  place: number;
}

export const START_MS = 1_800_000_000_000;

/** Between two callbacks of one turn of the event loop all promises run as well: a turn for each event is dearer. */
const STEPS_A_TURN = 64;

/** What `run` is to reach. */
interface Run {
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class VirtualClock extends TimerClock {
  #time: number;
  #order = 0;
  readonly #heap: Pending[] = [];
  #run: Run | undefined;
  /** Of this turn of the event loop, still to come. */
  #stepsLeft = 0;
  /** Events so far: what a simulation costs. */
  fired = 0;

  constructor(startMs = START_MS) {
    super();
    this.#time = startMs;
  }

  override now(): number {
    return this.#time;
  }

  override elapsed(): number {
    return this.#time;
  }

  override after(delayMs: number, action: () => void): Timer {
    const pending: Pending = { at: 0, order: 0, action, place: -1 };
    const refresh = (): void => {
      this.#remove(pending);
      pending.at = this.#time + Math.max(0, delayMs);
      this.#add(pending);
    };
    refresh();
    return { cancel: () => this.#remove(pending), refresh };
  }

  override soon(action: () => void): void {
    this.after(0, action);
  }

  /** Moves the time on, event by event. */
  run(durationMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#run = { end: this.#time + durationMs, resolve, reject };
      this.#takeSteps();
    });
  }

  #takeSteps(): void {
    if (this.#stepsLeft > 0) return;
    this.#stepsLeft = STEPS_A_TURN;
    for (let step = 0; step < STEPS_A_TURN; step += 1) setImmediate(this.#step);
  }

  /** All promises have run as far as they get: nothing in a simulated world waits for anything but its clock. */
  readonly #step = (): void => {
    this.#stepsLeft -= 1;
    if (!this.#run) return;
    const due = this.#heap[0];
    if (due && due.at <= this.#run.end) this.#fire(due);
    else this.#arrive(this.#run);
    if (this.#run) this.#takeSteps();
  };

  #fire(due: Pending): void {
    this.#remove(due);
    this.#time = due.at;
    this.fired += 1;
    try {
      due.action();
    } catch (error) {
      this.#run?.reject(error);
      this.#run = undefined;
    }
  }

  #arrive({ end, resolve }: Run): void {
    this.#time = end;
    this.#run = undefined;
    resolve();
  }

  #add(pending: Pending): void {
    this.#order += 1;
    pending.order = this.#order;
    pending.place = this.#heap.length;
    this.#heap.push(pending);
    this.#rise(pending);
  }

  #remove(pending: Pending): void {
    const { place } = pending;
    if (place < 0) return;
    const last = this.#heap.pop() as Pending;
    pending.place = -1;
    if (last === pending) return;
    this.#heap[place] = last;
    last.place = place;
    this.#rise(last);
    this.#sink(last);
  }

  #rise(pending: Pending): void {
    while (pending.place > 0) {
      const parent = this.#heap[(pending.place - 1) >> 1] as Pending;
      if (!isSooner(pending, parent)) return;
      this.#swap(pending, parent);
    }
  }

  #sink(pending: Pending): void {
    for (;;) {
      const left = this.#heap[2 * pending.place + 1];
      const right = this.#heap[2 * pending.place + 2];
      const child = left && right ? (isSooner(right, left) ? right : left) : left;
      if (!child || !isSooner(child, pending)) return;
      this.#swap(child, pending);
    }
  }

  #swap(a: Pending, b: Pending): void {
    [a.place, b.place] = [b.place, a.place];
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}

function isSooner(a: Pending, b: Pending): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
