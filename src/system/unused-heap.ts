// Free room in this thread's heap, which the engine keeps for the load that may come, is given back to the machine.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A heap that is larger than what was alive in it by so much is worth the 100 ms that a collection takes. */
const ROOMY_SHARE = 1.25;

/**
 * The engine itself collects twice, 100 ms each, some seconds after things have become quiet; for a node of a mesh, which is
 * never quite quiet, at any time. It is left to us: where requests come now and then, and never half a minute without one,
 * some minutes later will do.
 */
const ENGINE_WAITS = ['--gc-memory-reducer-start-delay-ms=300000', '--memory-reducer-delay-ms=300000'];
const [v8Major = 0, v8Minor = 0] = process.versions.v8.split('.').map(Number);
/** Older engines complain of an option that they do not know, and do without what it sets. */
const canWait = v8Major > 14 || (v8Major === 14 && v8Minor >= 6);

/** Bytes. What is in use between two collections counts its garbage, too: only after one is it what is alive. */
let alive = 0;

/** Collects at the first call, and at later ones where the heap has grown since. */
export function releaseUnusedHeap(): void {
  if (canWait) for (const option of ENGINE_WAITS) setFlagsFromString(option);
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
