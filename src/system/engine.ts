// What the engine that runs us is told, so that requests become fast soon and stay fast. Decision 0018 has the figures.

import { executionAsyncResource } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';

const kept: object[] = [];

/**
 * A collection of garbage forgets the shape of objects of which none is left. That of Node's ticks is made by an object
 * literal with computed keys, which the engine never makes fast again once it saw a second shape there: ten times as slow,
 * some microseconds a request. So one tick is kept: what its callback finds as the resource that it runs for.
 */
export function keepTickShape(): void {
  process.nextTick(() => {
    kept.push(executionAsyncResource());
  });
}

const OPTIONS = [
  // A place in the code that meets more kinds of objects looks their properties up by name. Requests of several kinds meet
  // in Node's streams and in our own code; the engine's own bound is 4.
  '--max-valid-polymorphic-map-count=8',
  // A function is made as fast as it can be when it has run so often. The engine waits ten times as long, which for a
  // gateway are tens of thousands of requests: many a box has not that many in a week.
  '--invocation-count-for-turbofan=1000',
];

/**
 * Call this when requests come: what a node does at its start and at rest is not worth the compiler's time. By then all
 * compiled code that lies beside the program has been loaded, too, which an engine takes with its usual options only.
 */
export function tuneForRequests(): void {
  for (const option of OPTIONS) setFlagsFromString(option);
}
