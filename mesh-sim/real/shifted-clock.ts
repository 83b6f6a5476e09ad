// Loaded before a node, and before each of its threads, whose wall clock shall be wrong: Linux has one wall clock for all its
// namespaces. The file named by CLOCK_OFFSET_FILE holds by how many milliseconds; it may change while the node runs.

import { readFileSync } from 'node:fs';

const READ_AGAIN_MS = 200;
const file = process.env.CLOCK_OFFSET_FILE ?? '';
const trueNow = Date.now;
let offsetMs = read();

Date.now = now;
globalThis.Date = new Proxy(Date, {
  construct: (date, given, made) => Reflect.construct(date, given.length === 0 ? [now()] : given, made),
  apply: (date) => new date(now()).toString(),
});

setInterval(() => {
  offsetMs = read();
}, READ_AGAIN_MS).unref();

function now(): number {
  return trueNow() + offsetMs;
}

function read(): number {
  return Number(readFileSync(file, 'utf8'));
}
