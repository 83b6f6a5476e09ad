// Metrics of the process and its engine. Of several nodes in one process, as tests and simulations have them, all tell the
// same: what watches for it is never taken away again, so each would keep its node in memory and wake the process.

import { collectDefaultMetrics, Registry } from 'prom-client';

/** Its watch of the event loop wakes the process this often: every 10 ms, as is usual, costs 0.4 % CPU while nobody asks. */
const EVENT_LOOP_PRECISION_MS = 250;

/** Sums of others that have the same name without the ending. It belongs to counters, and checkers of the format object. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

let watched: Registry | undefined;

/** Begins to watch when it is called first. */
export function addProcessMetrics(registry: Registry): void {
  if (!watched) {
    watched = new Registry();
    collectDefaultMetrics({ register: watched, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
    for (const name of MISNAMED) watched.removeSingleMetric(name);
  }
  for (const { name } of watched.getMetricsAsArray()) {
    const metric = watched.getSingleMetric(name);
    if (metric) registry.registerMetric(metric);
  }
}
