// Starting leaves a third of the heap empty: modules were parsed, tables made, and the engine keeps the room it grew to
// for the load that may come. A node on a small box may wait for that load for days, so the room is given back once.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../ports.ts';

/** When all that a start does later has been done; a mesh is whole by then. */
const PERIOD_MS = 6_000;

/**
 * Compacts the heap at the first moment after the start at which nobody waits for anything: it takes some 100 ms.
 * @param isIdle no request runs
 */
export function releaseStartMemory(clock: Clock, isIdle: () => boolean): void {
  const timer = clock.every(PERIOD_MS, () => {
    if (!isIdle()) return;
    timer.cancel();
    collectGarbage();
  });
}

/** `last-resort` is what the engine does before it gives up for want of memory: only that makes the heap smaller. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  // Compiled code stays: what runs every few seconds would be compiled anew, which is a quarter of what an idle node costs.
  setFlagsFromString('--no-flush-bytecode');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  // Compiled code that is kept on disk belongs to the flags it was made with.
  setFlagsFromString('--flush-bytecode');
  setFlagsFromString('--no-expose-gc');
}
