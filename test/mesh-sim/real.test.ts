// Real processes in networks of their own: a node dies and comes back, and nothing is left behind, however a run ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderReport } from '../../mesh-sim/real/html-report.ts';
import { leftovers, namespaces, namespacesMissing } from '../../mesh-sim/real/namespaces.ts';
import { Rig } from '../../mesh-sim/real/rig.ts';
import { runScenario } from '../../mesh-sim/real/scenario.ts';
import { summarize } from '../../mesh-sim/real/summary.ts';
import { topology } from '../../mesh-sim/topologies.ts';

const SKIP = namespacesMissing();
const OPTIONS = { timeout: 100_000, skip: SKIP ?? false };
const RUN = join(import.meta.dirname, '../../mesh-sim/real/run.ts');

const SECOND = 1_000;

/** Small and short: it stands for the others on machines that have much to do. */
const SHORT = topology({
  name: 'short',
  about: 'Three nodes, one without an upstream; one of the two others dies and comes back.',
  nodes: 3,
  upstreams: [0, 1],
  faults: [
    { atMs: 2 * SECOND, kind: 'crash', nodes: [1] },
    { atMs: 3 * SECOND, kind: 'boot', nodes: [1] },
  ],
  durationMs: 6 * SECOND,
  requestRate: 10,
});

test('clients are answered while a node dies and comes back, and a report shows it', OPTIONS, async () => {
  const outcome = await runScenario(SHORT, {});
  const summary = summarize(outcome);
  assert.deepEqual(summary.complaints, []);
  assert.equal(summary.requests.failed, 0);
  assert.ok(summary.requests.answered > 30, JSON.stringify(summary.requests));
  assert.match(renderReport(outcome, summary), /<svg .*crash n1.*<\/html>/s);
  assert.deepEqual(traces(process.pid), NOTHING);
});

const NOTHING = { namespaces: [], mounts: [], files: [], processes: [] };
/** What runs have made when their machines are up: four nodes, people and switches; then a relay, or a disk a node. */
const RELAYED = { parameters: ['--topology', 'one-way'], namespaces: 7, mounts: 0 };
const WITH_DISKS = { parameters: ['--topology', 'full-disk'], namespaces: 6, mounts: 4 };

for (const [signal, code, { parameters, ...made }] of [
  ['SIGINT', 130, RELAYED],
  ['SIGTERM', 143, WITH_DISKS],
] as const) {
  test(`a run that is ended by ${signal} leaves no namespace, no mount, no process and no file`, OPTIONS, async () => {
    const running = run(parameters);
    await running.says('machines are up');
    const { pid = 0 } = running.child;
    const { namespaces, mounts } = traces(pid);
    assert.deepEqual({ namespaces: namespaces.length, mounts: mounts.length }, made);
    // As a terminal does it: to all processes of the group.
    process.kill(-pid, signal);
    assert.equal((await running.ended).code, code);
    assert.deepEqual(traces(pid), NOTHING);
  });
}

test('what a run left that was killed is removed by the next one', OPTIONS, async () => {
  const running = run(WITH_DISKS.parameters);
  await running.says('machines are up');
  const { pid = 0 } = running.child;
  running.child.kill('SIGKILL');
  await running.ended;
  assert.equal(traces(pid).mounts.length, WITH_DISKS.mounts);
  const rig = new Rig({ nodes: 1 });
  try {
    assert.deepEqual(leftovers(), []);
    assert.deepEqual(traces(pid), NOTHING);
  } finally {
    rig.close();
  }
});

test('a run that fails while it is being set up leaves nothing', OPTIONS, async () => {
  const rig = new Rig({ nodes: 2, program: ['/nonexistent/flowmesh'] });
  await rig.prepare();
  await assert.rejects(rig.nodes[0]?.boot() ?? Promise.resolve(), /n0 ended/);
  rig.close();
  assert.deepEqual(traces(process.pid), NOTHING);
});

test('without root a run says what it skips, and ends well', {
  skip: process.platform !== 'linux' || SKIP,
}, async () => {
  const child = spawn('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, RUN]);
  const written: string[] = [];
  child.stdout.on('data', (chunk) => written.push(String(chunk)));
  const [code] = await once(child, 'close');
  assert.equal(written.join(''), 'skipped lan: network namespaces need root\n');
  assert.equal(code, 0);
});

function run(parameters: readonly string[]) {
  const child = spawn(process.execPath, [RUN, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return {
    child,
    ended,
    async says(text: string): Promise<void> {
      while (!output.includes(text)) {
        if (child.exitCode !== null) throw new Error(output);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },
  };
}

/** What a run by this process has made and not removed. */
function traces(pid: number) {
  const isOurs = (text: string): boolean => text.includes(`flowmesh-mesh-sim-${pid}-`);
  return {
    namespaces: namespaces().filter((name) => name.startsWith(`fm${pid}x`)),
    mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').filter(isOurs),
    files: readdirSync(tmpdir()).filter(isOurs),
    processes: readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && isOurs(commandOf(entry))),
  };
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
