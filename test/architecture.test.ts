// The house's rules, held as data: who may import whom, and what only one place may touch.
// A failure prints the rule and its reason.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

interface Source {
  /** From src/, e.g. `gateway/chain.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

interface Import {
  /** A file under src/, or a package name. */
  readonly target: string;
  readonly isTypeOnly: boolean;
}

const sources = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => read(join(entry.parentPath, entry.name)));

function read(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const pattern =
    /(?:^|\n)(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|import\('([^']+)'\)|\nimport '([^']+)'/g;
  const imports = [...text.matchAll(pattern)].map((match) => ({
    target: resolved(file, match[2] ?? match[3] ?? match[4] ?? ''),
    isTypeOnly: match[1] !== undefined,
  }));
  return { path: relative(SRC, file), text, imports };
}

function resolved(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(SRC, resolve(dirname(file), specifier));
  return specifier;
}

/** What each folder of src/ may import of ours. Its own files always. Data flows one way: no two lines name each other. */
const MAY_IMPORT: Readonly<Record<string, { readonly folders: readonly string[]; readonly because: string }>> = {
  'ports.ts': { folders: [], because: 'the outside world is described without knowing who uses it' },
  'key-shapes.ts': { folders: [], because: 'a key is hidden wherever it turns up' },
  'errors.ts': { folders: ['key-shapes.ts'], because: 'everyone throws them, so they depend on nobody' },
  'version.ts': { folders: ['../package.json'], because: 'the version stands in one place' },
  model: { folders: ['errors.ts'], because: 'the neutral model is what all others agree on' },
  dialects: { folders: ['model', 'errors.ts'], because: 'a wire format knows the model and nothing of who calls it' },
  config: {
    folders: ['model', 'errors.ts', 'ports.ts', 'dialects'],
    because: 'settings are read before anything runs',
  },
  storage: { folders: ['model', 'errors.ts', 'ports.ts'], because: 'files know rows, not requests' },
  tenancy: {
    folders: ['model', 'errors.ts', 'ports.ts', 'storage', 'replication', 'providers', 'config'],
    because: 'who may ask and what it costs is decided without knowing how requests travel',
  },
  providers: {
    folders: ['model', 'errors.ts', 'ports.ts', 'dialects', 'config', 'version.ts'],
    because: 'who speaks which dialect, at which address; nothing of routing',
  },
  cache: {
    folders: ['model', 'errors.ts', 'ports.ts', 'storage', 'replication', 'config'],
    because: 'what is kept of answers is decided without knowing how requests travel',
  },
  knowledge: {
    folders: ['model', 'errors.ts', 'ports.ts', 'storage', 'replication', 'config'],
    because: 'it runs in a thread of its own and knows texts, not requests',
  },
  replication: {
    folders: ['model', 'errors.ts', 'ports.ts', 'storage'],
    because: 'merging is synchronous, reads no clock and knows no network, so that any order of events can be tried',
  },
  mesh: {
    folders: ['model', 'errors.ts', 'ports.ts', 'storage', 'config', 'gateway', 'tenancy', 'replication', 'version.ts'],
    because: 'it implements what the gateway asks of peers; the gateway does not know it',
  },
  compare: {
    folders: ['config', 'errors.ts', 'model'],
    because: 'answers are compared and reported without knowing who asked for them',
  },
  gateway: {
    folders: [
      'model',
      'errors.ts',
      'key-shapes.ts',
      'ports.ts',
      'dialects',
      'providers',
      'config',
      'tenancy',
      'cache',
      'knowledge',
    ],
    because: 'the request path must run without HTTP server, mesh or command line, so that the simulator can run it',
  },
  telemetry: {
    folders: ['gateway', 'errors.ts', 'ports.ts', 'model'],
    because: 'it only reads what requests leave behind',
  },
  http: {
    folders: [
      'compare',
      'gateway',
      'dialects',
      'model',
      'errors.ts',
      'key-shapes.ts',
      'ports.ts',
      'config',
      'storage',
      'telemetry',
      'tenancy',
      'cache',
      'knowledge',
      'version.ts',
    ],
    because: 'the edge: everything behind it must run without it',
  },
  system: { folders: ['ports.ts'], because: 'the real ports are adapters and know nothing of what they serve' },
  'node-replication.ts': {
    folders: ['cache', 'errors.ts', 'knowledge', 'mesh', 'model', 'ports.ts', 'replication', 'storage', 'tenancy'],
    because: 'the part of the composition root that joins the files of a node to the mesh',
  },
  'node-files.ts': {
    folders: ['config', 'mesh', 'replication', 'storage', 'tenancy'],
    because: 'the part of the composition root that names the files of a node, whose tables others own',
  },
  'node-settings.ts': {
    folders: ['config', 'gateway', 'ports.ts', 'providers', 'tenancy'],
    because: 'the part of the composition root that follows from the configuration alone',
  },
  'node-accounting.ts': {
    folders: ['ports.ts', 'replication', 'storage', 'tenancy'],
    because: 'the part of the composition root that counts and limits',
  },
  'node-administration.ts': {
    folders: ['cache', 'http', 'node-files.ts', 'ports.ts', 'storage', 'tenancy'],
    because: 'the part of the composition root that says what an operator may ask',
  },
  'node-knowledge.ts': {
    folders: ['config', 'gateway', 'knowledge', 'ports.ts', 'storage'],
    because: 'the part of the composition root that joins the brain to its folders and to the model that embeds',
  },
  'node.ts': {
    folders: [
      'cache',
      'config',
      'dialects',
      'errors.ts',
      'gateway',
      'http',
      'knowledge',
      'mesh',
      'model',
      'node-accounting.ts',
      'node-administration.ts',
      'node-files.ts',
      'node-knowledge.ts',
      'node-replication.ts',
      'node-settings.ts',
      'ports.ts',
      'providers',
      'replication',
      'storage',
      'telemetry',
      'tenancy',
      'version.ts',
    ],
    because: 'the composition root builds everything but the real ports, which it is given',
  },
  cli: {
    folders: [
      'cache',
      'compare',
      'config',
      'dialects',
      'errors.ts',
      'gateway',
      'knowledge',
      'mesh',
      'model',
      'node-files.ts',
      'node.ts',
      'ports.ts',
      'providers',
      'replication',
      'storage',
      'system',
      'tenancy',
      'version.ts',
    ],
    because: 'commands put the real ports to work',
  },
  'knowledge-thread.ts': {
    folders: ['knowledge', 'system'],
    because: 'the entry of a thread puts the real ports to work and does nothing else',
  },
  'main.ts': { folders: ['cli', 'config', 'version.ts'], because: 'it chooses a command and does nothing else' },
};

test('every folder imports only what stands below it', () => {
  const broken = sources.flatMap((source) => {
    const folder = topOf(source.path);
    const rule = MAY_IMPORT[folder];
    if (!rule) return [`src/${folder} is not in the table of test/architecture.test.ts`];
    return source.imports
      .filter(({ target }) => target.endsWith('.ts') || target.endsWith('.json'))
      .map(({ target }) => (target.startsWith('..') ? target : topOf(target)))
      .filter((target) => target !== folder && !rule.folders.includes(target))
      .map((target) => `src/${source.path} imports ${target}, but ${rule.because}`);
  });
  assert.deepEqual(broken, []);
});

test('no dialect imports another one', () => {
  const broken = sources.flatMap(({ path, imports }) => {
    const own = dialectOf(path);
    return imports
      .map(({ target }) => dialectOf(target))
      .filter(
        (other) =>
          own !== undefined && other !== undefined && other !== own && !SHARES_ITS_WIRE.has(`${own} → ${other}`),
      )
      .map((other) => `src/${path} imports the dialect ${other}`);
  });
  assert.deepEqual(broken, []);
});

/** The legacy endpoint is a dress over the chat one. */
const SHARES_ITS_WIRE = new Set(['openai-completions → openai-chat']);

function dialectOf(path: string): string | undefined {
  const [top, folder, file] = path.split('/');
  return top === 'dialects' && file !== undefined ? folder : undefined;
}

/** Packages that one place owns, so that replacing them is a change of that place. */
const OWNED_PACKAGES: readonly { readonly name: RegExp; readonly owner: RegExp; readonly because: string }[] = [
  { name: /^fastify$/, owner: /^http\//, because: 'the HTTP framework stays at the edge' },
  { name: /^better-sqlite3$/, owner: /^storage\//, because: 'files are opened and migrated in one place' },
  {
    name: /^undici$/,
    owner: /^system\//,
    because: 'calls go through the HttpClient port, or the simulator cannot see them',
  },
  { name: /^pino/, owner: /^system\//, because: 'logging goes through the Logger port' },
  { name: /^prom-client$/, owner: /^telemetry\//, because: 'metrics are named in one place' },
  { name: /^(commander)$/, owner: /^(main\.ts|cli\/)/, because: 'only the command line parses arguments' },
  { name: /^(yaml|zod)$/, owner: /^config\//, because: 'settings are read in one place' },
  { name: /^chokidar$/, owner: /^(config|knowledge)\//, because: 'two things are watched: settings and documents' },
  { name: /^eventsource-parser$/, owner: /^dialects\//, because: 'bytes are cut into frames in one place' },
  {
    name: /^(unpdf|mammoth|marked|htmlparser2|csv-parse|fflate)/,
    owner: /^knowledge\//,
    because: 'files are read there',
  },
  { name: /^sqlite-vec$/, owner: /^knowledge\//, because: 'only passages have vectors' },
  {
    name: /^@modelcontextprotocol\//,
    owner: /^knowledge\/mcp\//,
    because: 'only agents need it, and its loading takes long',
  },
  { name: /^(dns-packet|@multiformats\/)/, owner: /^mesh\//, because: 'nodes are found and addressed in one place' },
  {
    name: /^(libp2p$|@libp2p\/|@chainsafe\/libp2p)/,
    owner: /^mesh\//,
    because: 'with the mesh off not one module of it may be loaded',
  },
];

test('a package is imported only by the place that owns it', () => {
  const broken = sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ target }) =>
      OWNED_PACKAGES.filter(({ name, owner }) => name.test(target) && !owner.test(path)).map(
        ({ because }) => `src/${path} imports ${target}, but ${because}`,
      ),
    ),
  );
  // `import type` of fastify's request in the composition root would be as wrong as a value.
  assert.deepEqual(broken, []);
});

/** Time, chance and the network come through ports.ts, or the simulator runs other code than the users do. */
const OUTSIDE_WORLD =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\brandomUUID\(|\bsetTimeout\(|\bsetInterval\(|\bfetch\(|AbortSignal\.timeout\(/;

test('nothing but the real ports reads a clock, rolls a die, starts a timer or fetches', () => {
  const broken = sources
    .filter(({ path }) => !path.startsWith('system/'))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (OUTSIDE_WORLD.test(code(line)) ? [`src/${path}:${index + 1}: ${line.trim()}`] : [])),
    );
  assert.deepEqual(broken, []);
});

test('no provider is named in the request path', () => {
  const names = /['"`](openai|anthropic|gemini|mistral|groq|azure|ollama|deepseek|openrouter)['"`]/;
  const broken = sources
    .filter(({ path }) => path.startsWith('gateway/'))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (names.test(code(line)) ? [`src/${path}:${index + 1}: ${line.trim()}`] : [])),
    );
  assert.deepEqual(broken, [], 'a provider is data in src/providers; the request path must not know one by name');
});

test('every file says in its first line what it is for', () => {
  const silent = sources.filter(({ text }) => !text.startsWith('// ')).map(({ path }) => `src/${path}`);
  assert.deepEqual(silent, []);
});

test('there are no unfinished places', () => {
  const marks = /\b(TODO|FIXME|XXX|HACK)\b/;
  const broken = sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (marks.test(line) ? [`src/${path}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(broken, []);
});

function code(line: string): string {
  return line.replace(/\/\/.*$/, '').replace(/^\s*\*.*$/, '');
}

function topOf(path: string): string {
  return path.split('/')[0] ?? path;
}
