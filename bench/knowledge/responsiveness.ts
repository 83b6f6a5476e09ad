// Does importing stall the main thread? A hundred thousand passages are stored while the main thread ticks, and does
// nothing else: what its event loop is late is what a stream's token would be late.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createKnowledge } from '../../src/knowledge/create-knowledge.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { Corpus } from './corpus.ts';
import { documentOf } from './scale.ts';

export interface ResponsivenessResult {
  readonly passages: number;
  readonly passagesPerSecond: number;
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const NANOSECONDS = 1e6;
const STORES_AT_ONCE = 16;
/** Of the monitor's timer, which is part of what it tells. */
const RESOLUTION_MS = 1;

export async function measureResponsiveness(directory: string, passages: number): Promise<ResponsivenessResult> {
  const file = join(directory, 'responsiveness.db');
  rmSync(file, { force: true });
  const knowledge = createKnowledge({ file, clock: systemClock });
  const corpus = new Corpus(2);
  // The text is made before: making it is not what an import costs.
  const documents = Array.from({ length: passages / 8 }, () => documentOf(corpus));
  await knowledge.store(documentOf(corpus));
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  const start = performance.now();
  const next = documents.values();
  const storeOneByOne = async (): Promise<void> => {
    for (const document of next) await knowledge.store(document);
  };
  await Promise.all(Array.from({ length: STORES_AT_ONCE }, storeOneByOne));
  const seconds = (performance.now() - start) / 1_000;
  monitor.disable();
  await knowledge.close();
  rmSync(file, { force: true });
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  return {
    passages,
    passagesPerSecond: passages / seconds,
    delayMs: { p50: late(monitor.percentile(50)), p99: late(monitor.percentile(99)), max: late(monitor.max) },
  };
}
