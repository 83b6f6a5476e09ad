// `npm run sim:mutants`: each broken rule must be caught by some seed, or the simulator proves nothing.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { oneOf, readOptions, wholeNumber } from '../../scripts/command-line.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const HERE = import.meta.dirname;
const { values, positionals } = readOptions({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '1000' } },
});

const runs = wholeNumber('runs', values.runs);
const names = MUTANTS.map(({ name }) => name);
for (const name of positionals) oneOf('mutant', name, names);
const chosen = positionals.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => positionals.includes(name));
let survivors = 0;
for (const mutant of chosen) {
  const { code, output } = await run(mutant);
  const seed = /Seed (\d+)/.exec(output)?.[1];
  const breach = /rules:\n {2}(.*)/.exec(output)?.[1] ?? '';
  if (code === 1 && seed !== undefined) {
    console.log(`caught    ${mutant.name.padEnd(24)} seed ${seed.padEnd(4)} ${breach.slice(0, 140)}`);
    continue;
  }
  survivors += 1;
  console.log(`SURVIVED  ${mutant.name.padEnd(24)} ${mutant.about}\n${output.slice(-800)}`);
}
console.log(`${chosen.length - survivors} of ${chosen.length} mutants were caught.`);
process.exitCode = survivors === 0 ? 0 : 1;

/** In a process of its own: what is loaded once stays as it is. */
function run({ name, topology }: Mutant): Promise<{ readonly code: number | null; readonly output: string }> {
  const world = topology === undefined ? [] : ['--topology', topology];
  const child = spawn(
    process.execPath,
    [
      '--import',
      resolve(HERE, 'hook.ts'),
      resolve(HERE, '../sim/main.ts'),
      '--no-shrink',
      '--runs',
      String(runs),
      ...world,
    ],
    { env: { ...process.env, FLOWMESH_MUTANT: name }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, output }));
  });
}
