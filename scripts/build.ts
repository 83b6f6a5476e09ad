// `npm run build`: one bundle in dist/ that needs nothing but Node: flowmesh.mjs starts it, main.mjs is the command, the
// threads have a file each, and the native parts, SQLite and its vectors, lie beside them.
//
//   npm run build                             for this machine
//   npm run build -- --platform linux-arm64   for another one (any prebuild of better-sqlite3)
//   npm run build -- --executable             also dist/flowmesh, one file that does not even need Node

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { buildExecutable } from './build-executable.ts';
import { buildLibp2pScript } from './bundle/libp2p-script.ts';
import { precompile } from './bundle/precompile.ts';
import { oneOf, readOptions, refuse } from './command-line.ts';
import { lockedPackage } from './locked-package.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'dist');
const { values } = readOptions({
  options: {
    platform: { type: 'string', default: `${process.platform}-${process.arch}` },
    out: { type: 'string', default: OUT },
    executable: { type: 'boolean', default: false },
  },
});

// Each of them is an entry of its own.
const entries = createRequire(import.meta.url)('better-sqlite3/package.json').exports as Record<string, string>;
const platforms = Object.keys(entries).flatMap((entry) => /^\.\/(\w+-\w+)$/.exec(entry)?.[1] ?? []);
oneOf('platform', values.platform, platforms);
if (values.out !== OUT && existsSync(values.out) && !isBuild(values.out)) {
  refuse(`${values.out} is no build of flowmesh, and would be emptied: name another directory, or empty it yourself.`);
}
rmSync(values.out, { recursive: true, force: true });
mkdirSync(values.out, { recursive: true });

/** Or empty. */
function isBuild(path: string): boolean {
  const names = statSync(path).isDirectory() ? readdirSync(path) : undefined;
  return names !== undefined && (names.length === 0 || names.includes('flowmesh.mjs'));
}

/** Of undici only the pool is used; its fetch, WebSocket and caches would cost 9 MB of memory at every start. */
const onlyPoolOfUndici: Plugin = {
  name: 'only-pool-of-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'only-pool' }));
    onLoad({ filter: /./, namespace: 'only-pool' }, () => ({
      contents: "export { default as Pool } from 'undici/lib/dispatcher/pool.js';",
      resolveDir: ROOT,
    }));
  },
};

/** What packages load, or only carry along, for features that are not used here. */
const UNUSED = [
  // fastify and undici can speak it.
  'node:http2',
  // Schemas of fastify: routes check what they get themselves.
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  // Requests of fastify to itself, in tests.
  'light-my-request',
];

const withoutUnused: Plugin = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${UNUSED.join('|')})$`) }, ({ path }) => ({ path, namespace: 'unused' }));
    // They ask HTTP/2 for its constants while they load.
    onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = { constants: {} };' }));
  },
};

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.19',
  minify: true,
  legalComments: 'linked',
  // undici's own word for a bundle without its second, experimental HTTP parser.
  define: { esbuildDetection: 'true' },
  logLevel: 'warning',
};

const { path: libp2pScript, libp2pApart } = await buildLibp2pScript(values.out, COMMON);
await build({
  ...COMMON,
  outdir: values.out,
  // knowledge/thread-url.ts finds the threads by their names.
  entryPoints: ['main.ts', 'knowledge-thread.ts', 'knowledge/ingest/reader-thread.ts'].map((path) => ({
    in: join(ROOT, 'src', path),
    out: basename(path, '.ts'),
  })),
  // What is loaded on demand is a file of its own: a node without a mesh never reads libp2p.
  splitting: true,
  chunkNames: 'part-[hash]',
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  // Each platform's entry requires its one prebuilt file, which is copied next to the bundle.
  alias: { 'better-sqlite3': `better-sqlite3/${values.platform}` },
  plugins: [onlyPoolOfUndici, withoutUnused, libp2pApart],
  loader: { '.node': 'copy' },
  assetNames: '[name]',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});

// esbuild leaves regular expressions as they are, and one character beyond Latin-1 makes the engine keep a whole file with
// two bytes for each of its characters.
for (const file of readdirSync(values.out).filter((name) => /\.[cm]js$/.test(name))) {
  const path = join(values.out, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/[^\0-\x7f]/g, escaped));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

// sqlite-vec has fewer platforms than SQLite: elsewhere everything but vectors works.
const work = mkdtempSync(join(tmpdir(), 'flowmesh-build-'));
try {
  const vectors = lockedPackage(ROOT, `sqlite-vec-${values.platform.replace('win32', 'windows')}`, work);
  for (const file of readdirSync(vectors).filter((name) => name.startsWith('vec0.'))) {
    copyFileSync(join(vectors, file), join(values.out, file));
  }
} catch (error) {
  process.stderr.write(`Built without the search by vectors: ${(error as Error).message}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

// V8's compiled code is kept between starts, which saves a quarter of the start.
const launcher = join(values.out, 'flowmesh.mjs');
await build({
  stdin: {
    contents: `import { keepCompiledCode } from './src/cli/compile-cache.ts';
keepCompiledCode(process.env);
await import('./main.mjs');`,
    resolveDir: ROOT,
  },
  external: ['./main.mjs'],
  outfile: launcher,
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
});
chmodSync(launcher, 0o755);
// Of another platform's bundle nothing can be run here. Without compiled code it only starts more slowly.
if (values.platform === `${process.platform}-${process.arch}`) {
  await precompile(launcher, libp2pScript).catch((error: Error) => {
    process.stderr.write(`Built without compiled code: ${error.message}\n`);
  });
}
process.stdout.write(`built ${launcher} for ${values.platform}\n`);

if (values.executable) {
  try {
    const executable = await buildExecutable({ directory: values.out, platform: values.platform, isStripped: true });
    process.stdout.write(`built ${executable} for ${values.platform}\n`);
  } catch (error) {
    process.stderr.write(`No executable: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
