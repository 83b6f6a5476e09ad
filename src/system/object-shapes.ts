// Helps the engine with the shapes of objects, by which it makes the code that uses them fast.

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

/** So many shapes at one place in the code are told apart; the engine's own bound is 4. */
const SHAPES_MAX = 8;

/**
 * Requests of several kinds meet in Node's streams and in our own code: with the engine's bound, many of its places give up
 * and look properties up by name. Compiled code that lies beside the program is taken by an engine with equal options only,
 * so call this when all of it has been loaded.
 */
export function tellMoreShapesApart(): void {
  setFlagsFromString(`--max-valid-polymorphic-map-count=${SHAPES_MAX}`);
}
