// Runs I/O that must end: aborted when the time is up, or with the caller.

import type { Clock } from '../ports.ts';

/**
 * Settles as `action` does when it is in time; rejects once the time is up, even if `action` ignores its signal.
 * @param signal ends it earlier, with its own reason
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = clock.after(timeoutMs, () => deadline.abort(new Error(`no answer within ${timeoutMs} ms`)));
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  try {
    return await Promise.race([action(either), abortOf(either)]);
  } finally {
    timer.cancel();
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
