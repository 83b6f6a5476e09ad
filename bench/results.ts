// Everything one run has measured; questions that were not asked are absent.

import type { AccountingRow } from './accounting.ts';
import type { CacheRow } from './cache.ts';
import type { LatencyRow } from './latency.ts';
import type { MemoryRow } from './memory.ts';
import type { SoakResult } from './soak.ts';
import type { StartRow } from './start.ts';
import type { StreamingRow } from './streaming.ts';
import type { ThroughputRow } from './throughput.ts';

export interface Results {
  readonly latency?: readonly LatencyRow[];
  readonly throughput?: readonly ThroughputRow[];
  readonly streaming?: readonly StreamingRow[];
  readonly accounting?: readonly AccountingRow[];
  readonly cache?: readonly CacheRow[];
  readonly memory?: readonly MemoryRow[];
  readonly start?: readonly StartRow[];
  readonly soak?: SoakResult;
}
