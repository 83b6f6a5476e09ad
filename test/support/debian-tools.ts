// Programs that check the files of deploy/: those of the machine, else Debian's, unpacked below node_modules/.cache and
// not installed, so that no service starts and nothing of the machine changes.
//
//   const promtool = debianTool('promtool');
//   test('…', { skip: promtool.missing }, () => promtool.run(['check', 'rules', file]));

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/flowmesh-debian');
/** Some 30 MB come from a mirror nearby. */
const FETCH_TIMEOUT_MS = 90_000;
const RUN_TIMEOUT_MS = 60_000;

interface ToolSource {
  readonly package: string;
  /** Below the unpacked packages. */
  readonly path: string;
  /** Its dependencies are fetched as well, where the machine lacks them. */
  readonly needsOthers?: boolean;
  readonly isPython?: boolean;
}

const TOOLS = {
  'systemd-analyze': { package: 'systemd', path: 'usr/bin/systemd-analyze', needsOthers: true },
  promtool: { package: 'prometheus', path: 'usr/bin/promtool' },
  caddy: { package: 'caddy', path: 'usr/bin/caddy' },
  keepalived: { package: 'keepalived', path: 'usr/sbin/keepalived', needsOthers: true },
  'cloud-init': { package: 'cloud-init', path: 'usr/bin/cloud-init', needsOthers: true, isPython: true },
  kubectl: { package: 'kubernetes-client', path: 'usr/bin/kubectl' },
  'docker-compose': { package: 'docker-compose', path: 'usr/bin/docker-compose', needsOthers: true, isPython: true },
} as const satisfies Record<string, ToolSource>;

export interface ToolResult {
  readonly exitCode: number | null;
  /** Both streams. */
  readonly output: string;
}

export interface DebianTool {
  /** Why it cannot be had here; false when it can. */
  readonly missing: string | false;
  run(args: readonly string[], options?: { readonly cwd?: string; readonly env?: Record<string, string> }): ToolResult;
}

export function debianTool(name: keyof typeof TOOLS): DebianTool {
  const source: ToolSource = TOOLS[name];
  const installed = (process.env.PATH ?? '').split(':').find((directory) => existsSync(join(directory, name)));
  if (installed !== undefined) return toolOf(join(installed, name), {});
  const place = join(CACHE, source.package);
  const missing = existsSync(join(place, 'complete')) ? false : fetchPackage(source, place);
  if (missing !== false) return { missing, run: () => ({ exitCode: null, output: missing }) };
  const root = join(place, 'root');
  const program = join(root, source.path);
  const env = { LD_LIBRARY_PATH: libraries(root), PYTHONPATH: join(root, 'usr/lib/python3/dist-packages') };
  return source.isPython ? toolOf('/usr/bin/python3', env, [program]) : toolOf(program, env);
}

function toolOf(program: string, env: Record<string, string>, before: readonly string[] = []): DebianTool {
  return {
    missing: false,
    run(args, options = {}) {
      const { status, stdout, stderr, error } = spawnSync(program, [...before, ...args], {
        encoding: 'utf8',
        timeout: RUN_TIMEOUT_MS,
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        env: { PATH: process.env.PATH, HOME: CACHE, ...env, ...options.env },
      });
      if (error) throw error;
      return { exitCode: status, output: stdout + stderr };
    },
  };
}

/** Several test files fetch at once, but apt's lists bear only one. */
const FETCH = `
set -e
mkdir -p archives/partial root
fetch() {
  if [ "$2" = alone ]; then (cd archives && apt-get download -q "$1")
  else apt-get install -q -y --no-install-recommends --download-only -o Dir::Cache::archives="$PWD/archives" "$1"; fi
}
fetch "$1" "$2" || { apt-get update -q; fetch "$1" "$2"; }
for archive in archives/*.deb; do dpkg-deb --extract "$archive" root; done
rm -rf archives
touch complete
`;

function fetchPackage(source: ToolSource, place: string): string | false {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get'))
    return `${source.package} needs Debian's packages`;
  if (process.getuid?.() !== 0) return `${source.package} is not installed, and only root can fetch it`;
  if (source.isPython && !existsSync('/usr/bin/python3')) return `${source.package} needs Debian's Python`;
  mkdirSync(place, { recursive: true });
  const mode = source.needsOthers ? 'with-others' : 'alone';
  const lock = join(CACHE, 'lock');
  const fetched = spawnSync('flock', [lock, 'sh', '-c', FETCH, 'fetch', source.package, mode], {
    cwd: place,
    encoding: 'utf8',
    timeout: FETCH_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (fetched.status === 0) return false;
  return `${source.package} could not be fetched: ${fetched.stderr.trim().split('\n').at(-1) ?? 'offline?'}`;
}

function libraries(root: string): string {
  return ['usr/lib', 'lib', 'usr/lib/systemd']
    .map((path) => join(root, path))
    .filter((path) => existsSync(path))
    .flatMap((path) => [
      path,
      ...readdirSync(path)
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((name) => join(path, name)),
    ])
    .join(':');
}
