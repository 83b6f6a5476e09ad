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

/** So many kinds of objects at one place in the code are told apart; the engine's own bound is 4. */
const SHAPES_MAX = 8;

/**
 * A place that meets more kinds of objects looks their properties up by name. Requests of several kinds meet in Node's streams
 * and in our own code. Compiled code that lies beside the program is taken by an engine with equal options only: call this
 * when all of it has been loaded.
 */
export function tellMoreShapesApart(): void {
  setFlagsFromString(`--max-valid-polymorphic-map-count=${SHAPES_MAX}`);
}

/** Runs of a function, counted by its length; the engine's own number is 3,000. */
const RUNS_MIN = 1_000;

/**
 * A function is made as fast as it can be when it has run so often. The engine waits three times as long, which for a gateway
 * are tens of thousands of requests: many a box has not that many in a week. Call this when requests come: what a node does
 * at rest is not worth the compiler's time.
 */
export function optimizeEarlier(): void {
  setFlagsFromString(`--invocation-count-for-turbofan=${RUNS_MIN}`);
}
