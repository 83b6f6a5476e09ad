// One clock for all processes of a run: milliseconds of the machine's monotonic clock, which they share.

export function moment(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
