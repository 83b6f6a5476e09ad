// Loaded before a node whose wall clock shall be wrong: Linux has one wall clock for all its namespaces. The file named by
// CLOCK_OFFSET_FILE holds by how many milliseconds; it may change while the node runs.

import { readFileSync } from 'node:fs';

const READ_AGAIN_MS = 200;
const file = process.env.CLOCK_OFFSET_FILE ?? '';
const trueNow = Date.now;
let offsetMs = read();

Date.now = () => trueNow() + offsetMs;
setInterval(() => {
  offsetMs = read();
}, READ_AGAIN_MS).unref();

function read(): number {
  return Number(readFileSync(file, 'utf8'));
}
