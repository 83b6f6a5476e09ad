// Writes docs/benchmarks.md. Each measured section replaces the one before, so that a soak of its own does not lose the rest.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
export const DOCUMENT = join(ROOT, 'docs', 'benchmarks.md');
/** In the page's order. */
export const SECTIONS = [
  'intro',
  'promises',
  'latency',
  'throughput',
  'streaming',
  'accounting',
  'cache',
  'memory',
  'start',
  'soak',
  'knowledge',
  'new-node',
  'replication',
  'mesh',
  'method',
];

export function writeDocument(sections: ReadonlyMap<string, string>): void {
  const all = new Map([...readSections(), ...sections, ['intro', INTRO], ['method', METHOD]]);
  const text = SECTIONS.flatMap((name) => {
    const body = all.get(name);
    return body === undefined ? [] : [`<!-- ${name} -->\n\n${body.trim()}\n`];
  });
  writeFileSync(DOCUMENT, text.join('\n'));
}

/** Replaces one measured section, or adds it at the end, and leaves the rest of the page as it is. */
export function writeSection(name: string, body: string): void {
  const text = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '';
  const marked = `<!-- ${name} -->\n\n${body.trim()}\n`;
  const start = text.indexOf(`<!-- ${name} -->`);
  const next = start < 0 ? -1 : text.indexOf('<!-- ', start + 1);
  const before = start < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, start);
  writeFileSync(DOCUMENT, before + marked + (next < 0 ? '' : `\n${text.slice(next)}`));
}

/** What stands on the page, by the names of its sections. */
export function readSections(): Map<string, string> {
  const text = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '';
  const parts = text.split(/^<!-- ([\w-]+) -->$/m).slice(1);
  const found = new Map<string, string>();
  for (let index = 0; index + 1 < parts.length; index += 2) found.set(parts[index] ?? '', parts[index + 1] ?? '');
  return found;
}

/** When, where and with what: one line under the table of promises. */
export function circumstances(mode: string, loadAverage: number): string {
  const require = createRequire(join(ROOT, 'bench', 'document.ts'));
  const version = (name: string) => (require(join(ROOT, name)) as { readonly version: string }).version;
  const peer = join('bench', 'node_modules', '@portkey-ai', 'gateway', 'package.json');
  const versions = [
    `Node ${process.versions.node}`,
    `flowmesh ${version('package.json')}`,
    `fastify ${version('node_modules/fastify/package.json')}`,
    `undici ${version('node_modules/undici/package.json')}`,
    existsSync(join(ROOT, peer)) ? `Portkey gateway ${version(peer)}` : 'no Portkey gateway',
  ];
  const date = new Date().toISOString().slice(0, 10);
  const gigabytes = Math.round(totalmem() / 1024 ** 3);
  return `${date}, ${mode} run, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${gigabytes} GB, ${platform()} ${arch()}, load average ${loadAverage.toFixed(1)} before it began. ${versions.join(', ')}.`;
}

const INTRO = `# Benchmarks

How fast, how even and how big flowmesh is, beside two others on the same machine in the same minutes: a **bare proxy**
(fastify parses the body, undici's \`dispatch\` forwards it, nothing else: [bench/bare-proxy.ts](../bench/bare-proxy.ts)), which is
about the least that a JavaScript proxy can cost, and **Portkey's gateway** from npm. flowmesh does here what it does in
production: its released bundle with metrics on and one JSON log line a request.

\`npm run bench\` measures everything again and rewrites this file; \`npm run bench -- --quick\` takes two minutes and only
prints; \`npm run bench -- soak\` loads flowmesh for ten minutes.`;

const METHOD = `## How it is measured, and how to read it

- Every contestant is a process of its own, and so are the load generator and the upstream, which answers a constant of
  about 0.8 kB or stamped frames and costs next to nothing. Requests are 1.2 kB conversations. All on 127.0.0.1.
- Contestants are measured in turns, A B C, C B A, …, in slices of about a second. What a shared machine does to the numbers
  meets all alike, so **ratios** (medians over the rounds, each formed inside its round) hold when milliseconds do not.
- Everyone is warmed up before the first slice: V8 goes on optimizing for tens of thousands of requests, and what handles
  fewer requests a second takes longer to get warm.
- CPU a request is user and system time of the whole process, \`/proc/<pid>/stat\`, garbage collector and compiler threads
  included, over the requests of the slice. *Of one core* near 100 % says that the contestant was the bottleneck; well below,
  the cores were shared with the load and its own neighbours.
- The highest rate with bounded p99 is found with requests that begin on a schedule, answered or not; their latency
  counts from the moment they were due, so that a stall is charged to everyone who would have waited.
- Added latency is a difference of medians to the direct call in the same round. *Body in its own packet* is how
  many clients write; a proxy that waits for a delayed acknowledgement would show 40 ms there.
- Ledger and limits are switched off and on in one process, slice by slice: two processes of one program differ by as much as
  is to be measured.
- Frames carry their sequence number and the upstream's time of writing (one monotonic clock for the machine), so added
  delay, changed gaps, losses and overtaking are seen at the client, frame by frame.
- About 45 MB of a Node process is the node binary, which is mapped from one file and shared by all of them. Under load it
  becomes 53, because more of its code is used. Of it flowmesh keeps some 8 to 16 MB while it is idle (src/system/unused-code.ts).
- Memory is that of a flowmesh with a document, so with its knowledge thread, which is 10 MB of it. *After* is 45 s after:
  when 36 s were quiet, and again at 48, flowmesh gives back what it does not use (src/system/idle-memory.ts).
- Portkey 1.15.2 answers 500 to every stream with the dependencies that npm picks today; \`bench/package.json\` pins
  \`hono\` and \`@hono/node-server\` to ones it works with. It has features that flowmesh has not, and the other way round;
  only the common part, one request to one OpenAI-compatible upstream, is compared.
- Models take hundreds of milliseconds to answer. A gateway's fraction of a millisecond matters for what it costs to run
  many of them on small machines, not for how a single chat feels.`;
