// Free room in this thread's heap, which the engine keeps for the load that may come, is given back to the machine.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A heap that is larger than what was alive in it by so much is worth the 100 ms that a collection takes. */
const ROOMY_SHARE = 1.25;

/** Bytes. What is in use between two collections counts its garbage, too: only after one is it what is alive. */
let alive = 0;

/**
 * Collects at the first call, and at later ones where the heap has grown since. It does nothing where the engine has made it
 * small by itself, as it mostly has after half a minute of quiet.
 */
export function releaseUnusedHeap(): void {
  if (getHeapStatistics().total_physical_size <= alive * ROOMY_SHARE) return;
  collectGarbage();
  alive = getHeapStatistics().used_heap_size;
}

/** `last-resort` is what the engine does before it gives up for want of memory: only that makes the heap smaller. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  // Compiled code stays: what runs every few seconds would be compiled anew, which is a quarter of what an idle node costs.
  setFlagsFromString('--no-flush-bytecode');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--flush-bytecode');
}
