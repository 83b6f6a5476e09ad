// Without a cluster: the objects are checked against the types of kubectl, against each other, against the image and against
// what flowmesh serves.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { debianTool } from '../support/debian-tools.ts';
import { type Document, documentsOf, textOf } from './support.ts';

const OBJECTS = documentsOf('kubernetes/flowmesh.yaml');
const set = only('StatefulSet', 'flowmesh');
const pod = set.spec.template.spec;
const [container] = pod.containers;
const config = parse(only('ConfigMap', 'flowmesh').data['config.yaml']);

function only(kind: string, name: string): Document {
  const found = OBJECTS.filter((object) => object.kind === kind && object.metadata.name === name);
  assert.equal(found.length, 1, `${kind}/${name}`);
  return found[0];
}

test('there is what a mesh of three needs, each object once, with the versions that clusters serve', () => {
  assert.deepEqual(
    OBJECTS.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`),
    [
      'v1 ConfigMap flowmesh',
      'v1 Service flowmesh',
      'v1 Service flowmesh-mesh',
      'policy/v1 PodDisruptionBudget flowmesh',
      'apps/v1 StatefulSet flowmesh',
    ],
  );
});

const kubectl = debianTool('kubectl');
const place = mkdtempSync(join(tmpdir(), 'flowmesh-kubernetes-'));
after(() => rmSync(place, { recursive: true, force: true }));

/** Changes that leave an object as it is: kubectl reads it into its own type and writes what it has understood. */
const UNCHANGED: Readonly<Record<string, readonly string[]>> = {
  Service: ['set', 'selector', 'app.kubernetes.io/name=flowmesh'],
  StatefulSet: ['set', 'serviceaccount', 'default'],
};

function understood(object: Document) {
  const file = join(place, 'object.json');
  writeFileSync(file, JSON.stringify(object));
  const command = UNCHANGED[object.kind] ?? [];
  return kubectl.run([...command, '--local', '--filename', file, '--output', 'json'], { env: { HOME: place } });
}

/** Of all fields that are written and not understood, where they stand. */
function unknownFields(written: Document, known: Document, path = ''): string[] {
  if (typeof written !== 'object' || written === null) return [];
  return Object.entries(written).flatMap(([name, value]) =>
    known?.[name] === undefined ? [`${path}/${name}`] : unknownFields(value, known[name], `${path}/${name}`),
  );
}

test('Kubernetes knows every field of the services and of the pods, and reads its type', {
  skip: kubectl.missing,
}, () => {
  const checked = OBJECTS.filter(({ kind }) => kind in UNCHANGED);
  assert.equal(checked.length, 3);
  for (const object of checked) {
    const { exitCode, output } = understood(object);
    assert.equal(exitCode, 0, output);
    assert.deepEqual(unknownFields(object, JSON.parse(output)), []);
  }
  const misspelt = structuredClone(set);
  misspelt.spec.template.spec.containers[0].livenessProb = {};
  assert.deepEqual(unknownFields(misspelt, JSON.parse(understood(misspelt).output)), [
    '/spec/template/spec/containers/0/livenessProb',
  ]);
  assert.match(understood({ ...set, spec: { ...set.spec, replicas: 'three' } }).output, /unable to decode/);
  // These two kinds no command changes without a cluster.
  assert.deepEqual(Object.keys(only('ConfigMap', 'flowmesh')), ['apiVersion', 'kind', 'metadata', 'data']);
  assert.deepEqual(Object.keys(only('PodDisruptionBudget', 'flowmesh').spec), ['maxUnavailable', 'selector']);
});

test('every selector selects the pods', () => {
  const { labels } = set.spec.template.metadata;
  const selectors = [
    set.spec.selector.matchLabels,
    only('Service', 'flowmesh').spec.selector,
    only('Service', 'flowmesh-mesh').spec.selector,
    only('PodDisruptionBudget', 'flowmesh').spec.selector.matchLabels,
    ...pod.topologySpreadConstraints.map(({ labelSelector }: Document) => labelSelector.matchLabels),
  ];
  assert.equal(selectors.length, 5);
  for (const selector of selectors) assert.deepEqual(selector, labels);
});

test('every port that is named is one of the container', () => {
  const ports = new Map(container.ports.map(({ name, containerPort }: Document) => [name, containerPort]));
  assert.deepEqual(
    [...ports],
    [
      ['http', 2402],
      ['mesh', 2403],
    ],
  );
  const services = ['flowmesh', 'flowmesh-mesh'].flatMap((name) => only('Service', name).spec.ports);
  for (const { port, targetPort } of services) assert.equal(ports.get(targetPort), port);
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    assert.equal(container[probe].httpGet.port, 'http', probe);
  }
  assert.equal(container.readinessProbe.httpGet.path, '/readyz');
  assert.equal(container.livenessProbe.httpGet.path, '/healthz');
});

test('everything mounted is a volume, and every volume is mounted', () => {
  const volumes = [...pod.volumes, ...set.spec.volumeClaimTemplates.map(({ metadata }: Document) => metadata)];
  const mounted = container.volumeMounts.map(({ name }: Document) => name);
  assert.deepEqual(mounted.toSorted(), volumes.map(({ name }: Document) => name).toSorted());
  const paths = Object.fromEntries(container.volumeMounts.map(({ name, mountPath }: Document) => [name, mountPath]));
  assert.match(textOf('docker/Dockerfile'), new RegExp(`VOLUME ${paths.data}\n`));
  assert.match(textOf('docker/Dockerfile'), new RegExp(`CMD \\["start", "--config", "${paths.config}/config.yaml"\\]`));
  const secret = pod.volumes.find(({ name }: Document) => name === 'mesh-secret').secret;
  assert.equal(config.mesh.secretFile, `${paths['mesh-secret']}/${secret.items[0].path}`);
});

test('every variable of the configuration is given to the container', () => {
  const text = only('ConfigMap', 'flowmesh').data['config.yaml'];
  const named = [...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  const given = container.env.map(({ name }: Document) => name);
  assert.deepEqual(
    [...new Set(named)].filter((name) => !given.includes(name)),
    [],
  );
  const secret = pod.volumes.find(({ name }: Document) => name === 'mesh-secret').secret.secretName;
  const sources = container.env.flatMap(({ valueFrom }: Document) => valueFrom?.secretKeyRef.name ?? []);
  assert.deepEqual(new Set(sources), new Set([secret]));
  const made = [...textOf('kubernetes/flowmesh.yaml').matchAll(/--from-literal=([\w-]+)=/g)].map(([, name]) => name);
  assert.deepEqual(made.toSorted(), ['FLOWMESH_API_KEY', 'OPENAI_API_KEY', 'mesh-secret']);
});

test('the nodes begin with each other by the names that the headless service gives', () => {
  assert.equal(set.spec.serviceName, 'flowmesh-mesh');
  const headless = only('Service', set.spec.serviceName).spec;
  assert.deepEqual([headless.clusterIP, headless.publishNotReadyAddresses], ['None', true]);
  assert.deepEqual(
    config.mesh.bootstrap,
    Array.from({ length: set.spec.replicas }, (_, index) => `/dns4/flowmesh-${index}.${set.spec.serviceName}/tcp/2403`),
  );
});

test('the pod has no rights it does not need, and the user of the image', () => {
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccompProfile } = pod.securityContext;
  assert.deepEqual(
    [runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccompProfile.type],
    [true, 2402, 2402, 2402, 'RuntimeDefault'],
  );
  assert.equal(pod.automountServiceAccountToken, false);
  assert.match(textOf('docker/Dockerfile'), /\nUSER 2402:2402\n/);
});
