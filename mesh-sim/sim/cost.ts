// `npm run sim:cost`: what a mesh costs each of its nodes as it grows, as a table and a picture. Each size is measured by
// a process of its own, so that the memory of one is not that of another.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readOptions, wholeNumber } from '../../scripts/command-line.ts';
import { COLUMNS, type Cost } from './cost-columns.ts';
import { costPicture } from './cost-picture.ts';

/** A thousand nodes, each of which knows a thousand others. */
const HEAP_MB = 12_000;

const { values } = readOptions({
  options: { sizes: { type: 'string', default: '5,10,32,100' }, svg: { type: 'string' } },
});
const sizes = values.sizes.split(',').map((size) => wholeNumber('sizes', size, 2));
const costs: Cost[] = [];
console.log(`| nodes | ${COLUMNS.map(({ title }) => title).join(' | ')} |`);
console.log(`|---|${COLUMNS.map(() => '---|').join('')}`);
for (const size of sizes) {
  const measure = [
    '--expose-gc',
    `--max-old-space-size=${HEAP_MB}`,
    new URL('./cost-measure.ts', import.meta.url).pathname,
  ];
  const cost = JSON.parse(execFileSync(process.execPath, [...measure, String(size)], { encoding: 'utf8' })) as Cost;
  costs.push(cost);
  console.log(`| ${cost.nodes} | ${COLUMNS.map(({ name, digits }) => cost[name].toFixed(digits)).join(' | ')} |`);
}
if (values.svg !== undefined) writeFileSync(values.svg, costPicture(costs));
