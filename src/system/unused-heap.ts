// Free room in this thread's heap, which the engine keeps for the load that may come, is given back to the machine.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A heap of which more is unused is worth the 100 ms that a collection takes. */
const ROOMY_SHARE = 1.25;

/** Does nothing where the engine has made it small by itself, as it does after half a minute of quiet. */
export function releaseUnusedHeap(): void {
  const { total_physical_size: size, used_heap_size: used } = getHeapStatistics();
  if (size > used * ROOMY_SHARE) collectGarbage();
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
