// When to send the next heartbeat: at once for what others must know, every second while things change, seldom when idle.

import type { LocalStatus } from './local-status.ts';

const BUSY_INTERVAL_MS = 1_000;
const IDLE_INTERVAL_MS = 5_000;
/** A node counts as busy this long after the last change. */
const BUSY_FOR_MS = 4_000;
/** Urgent ones are not sent more often than this. */
const URGENT_GAP_MS = 200;
/** Up to this many members the intervals hold; beyond they grow, so that what a node hears a second does not. */
const UNSCALED_MEMBERS = 32;

export class HeartbeatClock {
  #sentAt = Number.NEGATIVE_INFINITY;
  #dueAt = Number.NEGATIVE_INFINITY;
  #busyUntil = 0;
  #urgentKey = '';
  #changeKey = '';
  #isForced = true;

  /** Send one as soon as it is allowed. */
  force(): void {
    this.#isForced = true;
  }

  /**
   * @param otherNews changes when something else happened that others must know at once
   * @returns the interval to announce when a heartbeat is due, else undefined
   */
  due(now: number, status: LocalStatus, otherNews: string, memberCount: number): number | undefined {
    const scale = Math.max(1, memberCount / UNSCALED_MEMBERS);
    const urgentKey = urgentKeyOf(status) + otherNews;
    const changeKey = changeKeyOf(status);
    const isUrgent = this.#isForced || urgentKey !== this.#urgentKey;
    const isChanged = changeKey !== this.#changeKey;
    if (isUrgent || isChanged) this.#busyUntil = now + BUSY_FOR_MS * scale;
    const isDue =
      now >= this.#dueAt ||
      (isChanged && now - this.#sentAt >= BUSY_INTERVAL_MS * scale) ||
      (isUrgent && now - this.#sentAt >= URGENT_GAP_MS * scale);
    if (!isDue) return undefined;
    this.#isForced = false;
    this.#urgentKey = urgentKey;
    this.#changeKey = changeKey;
    this.#sentAt = now;
    const intervalMs = (now < this.#busyUntil ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS) * scale;
    this.#dueAt = now + intervalMs;
    return Math.round(intervalMs);
  }
}

/** A node that drains, a circuit that opens: requests must stop going there. */
function urgentKeyOf({ state, models }: LocalStatus): string {
  return `${state} ${models.map(({ model, breaker = '' }) => model + breaker).join(' ')}`;
}

function changeKeyOf({ inFlight, queued, capacity, headroom, replicationDigest }: LocalStatus): string {
  return `${inFlight} ${queued} ${capacity} ${headroom ?? ''} ${replicationDigest ?? ''}`;
}
