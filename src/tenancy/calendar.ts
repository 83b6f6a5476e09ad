// Budget periods: calendar days and months in UTC.

export const DAY_MS = 86_400_000;
/** The day asked for last: nearly always the next one too, and formatting dates costs more than a limit may. */
let lastDay = { number: Number.NaN, name: '' };

/** `2026-11-22` */
export function dayOf(nowMs: number): string {
  const number = Math.floor(nowMs / DAY_MS);
  if (number !== lastDay.number) lastDay = { number, name: new Date(nowMs).toISOString().slice(0, 10) };
  return lastDay.name;
}

/** `2026-11` */
export function monthOf(nowMs: number): string {
  return dayOf(nowMs).slice(0, 7);
}

/** Milliseconds since 1970 of the day's first moment. */
export function startOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function startOfMonth(month: string): number {
  return startOfDay(`${month}-01`);
}

/** Milliseconds until the next day or month begins. */
export function untilNext(period: 'day' | 'month', nowMs: number): number {
  const now = new Date(nowMs);
  const next =
    period === 'day'
      ? Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
      : Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  return next - nowMs;
}
