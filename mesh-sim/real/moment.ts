// One clock for all processes of a run: milliseconds of the machine's monotonic clock, which they share.

export function moment(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Of a time that another process has written down by its wall clock, which must be the machine's. */
export function momentOf(wallMs: number): number {
  return moment() - (Date.now() - wallMs);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
