import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { commandPlace } from '../support/command.ts';
import { DEPLOY, type Document, documentsOf, FILES, textOf, yamlOf } from './support.ts';

const ENVIRONMENT = {
  FLOWMESH_API_KEY: 'key-of-the-clients',
  FLOWMESH_MESH_SECRET: 'a secret of more than sixteen characters',
  OPENAI_API_KEY: 'sk-of-the-test',
};

/** Every configuration of flowmesh in deploy/, wherever it stands. */
const CONFIGS = new Map<string, string>([
  ...FILES.filter((path) => path.endsWith('config.yaml')).map((path) => [path, textOf(path)] as const),
  ...documentsOf('kubernetes/flowmesh.yaml')
    .filter(({ kind }) => kind === 'ConfigMap')
    .map(({ data }) => ['kubernetes/flowmesh.yaml', data['config.yaml']] as const),
]);

test('there are the three configurations that we know of', () => {
  assert.deepEqual([...CONFIGS.keys()], ['docker/config.yaml', 'fleet/config.yaml', 'kubernetes/flowmesh.yaml']);
});

describe('a configuration of deploy/', { concurrency: 2 }, () => {
  for (const [path, text] of CONFIGS) {
    test(`${path} is valid, without a warning, listens for all and needs a key`, async () => {
      using place = commandPlace();
      place.write('config.yaml', text);
      const { exitCode, stdout, stderr } = await place.run(['check-config', 'config.yaml'], { env: ENVIRONMENT });
      assert.deepEqual([exitCode, stderr, stdout.split('\n')[0]], [0, '', 'config.yaml is valid.'], stdout);
      assert.match(stdout, /default: openai\/gpt-5-mini → .*flowmesh\/extractive/);
      assert.match(stdout, /0\.0\.0\.0 port 2402, .*key/);
    });

    test(`${path} is valid on a node without provider keys, too`, async () => {
      using place = commandPlace();
      place.write('config.yaml', text);
      const { exitCode, stdout } = await place.run(['check-config', 'config.yaml'], {
        env: { ...ENVIRONMENT, OPENAI_API_KEY: '' },
      });
      assert.deepEqual([exitCode, /OPENAI_API_KEY is not set, so the target/.test(stdout)], [0, true], stdout);
    });
  }
});

test("the fleet's environment file names every variable of its configuration, and holds no value", () => {
  const named = [...textOf('fleet/config.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  const lines = textOf('fleet/environment').split('\n');
  const given = lines.map((line) => /^#?(\w+)=/.exec(line)?.[1]).filter((name) => name !== undefined);
  assert.deepEqual([...new Set(named)].sort(), given.sort());
  const filled = lines.filter((line) => /^\w+=./.test(line));
  assert.deepEqual(filled, []);
});

test('every YAML and JSON file can be read, without a duplicate key', () => {
  const read = FILES.filter((path) => /\.(ya?ml|json)$|user-data$/.test(path));
  for (const path of read) {
    const problems = parseAllDocuments(textOf(path), { merge: true }).flatMap(({ errors, warnings }) => [
      ...errors,
      ...warnings,
    ]);
    assert.deepEqual([path, problems], [path, []]);
  }
  assert.equal(read.length, 9);
});

test('what the pages of deploy/ link to is there', () => {
  const broken = FILES.filter((path) => path.endsWith('.md')).flatMap((path) =>
    [...textOf(path).matchAll(/\]\(([^)#\s]+)(?:#[\w-]+)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !target.startsWith('http') && !existsSync(join(DEPLOY, dirname(path), target)))
      .map((target) => `${path} → ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('grace periods are longer than a node takes to drain', () => {
  const { properties } = JSON.parse(readFileSync(join(DEPLOY, '../docs/flowmesh.schema.json'), 'utf8')) as Document;
  const drainS = millisecondsOf(properties.server.properties.drainTimeoutMs.default) / 1_000;
  assert.equal(drainS, 30);
  const [set] = documentsOf('kubernetes/flowmesh.yaml').filter(({ kind }) => kind === 'StatefulSet');
  const preStopS = Number(set.spec.template.spec.containers[0].lifecycle.preStop.exec.command[1]);
  const graces = {
    systemd: Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf('systemd/flowmesh.service'))?.[1]),
    compose: Number.parseInt(yamlOf('docker/compose.yaml')['x-node'].stop_grace_period, 10),
    kubernetes: set.spec.template.spec.terminationGracePeriodSeconds - preStopS,
  };
  assert.deepEqual(graces, { systemd: 45, compose: 45, kubernetes: 40 });
});

function millisecondsOf(written: string | number): number {
  return typeof written === 'number' ? written : Number.parseInt(written, 10) * (written.endsWith('ms') ? 1 : 1_000);
}
