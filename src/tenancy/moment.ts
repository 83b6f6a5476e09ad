// Moments as people write them: a day, a full timestamp, or an amount of time from now.

import { DURATION, parseQuantity } from '../config/quantity.ts';
import { GatewayError } from '../errors.ts';

/**
 * `2026-11-22` (the day's first moment in UTC), `2026-11-22T10:00:00Z`, or `7d`: so long before or after now.
 * @param direction where an amount of time leads from now
 * @returns milliseconds since 1970
 * @throws GatewayError `bad_request`
 */
export function parseMoment(field: string, text: string, nowMs: number, direction: 'ago' | 'ahead'): number {
  const amountMs = /^\d+(\.\d+)?(m|h|d)$/.test(text) ? parseQuantity(text, DURATION) : undefined;
  const moment = amountMs === undefined ? momentOf(text) : nowMs + (direction === 'ago' ? -amountMs : amountMs);
  if (Number.isSafeInteger(moment) && Math.abs(moment) <= MOMENT_MAX) return moment;
  const example = direction === 'ago' ? '7d' : '30d';
  throw new GatewayError(
    'bad_request',
    `${field} must be a date such as 2026-11-22, a timestamp such as 2026-11-22T10:00:00Z, or an amount of time such as ${example}.`,
    { param: field },
  );
}

/** JavaScript's dates end here. */
const MOMENT_MAX = 8.64e15;

function momentOf(text: string): number {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(text)?.[0];
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text))
    return Number.NaN;
  // `2026-02-30` would silently become 2 March.
  const start = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(start) || new Date(start).toISOString().slice(0, day.length) !== day
    ? Number.NaN
    : Date.parse(text);
}
