import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_TABLE } from '../../src/errors.ts';
import { commandPlace } from '../support/command.ts';
import { debianTool } from '../support/debian-tools.ts';
import { DEPLOY, type Document, ROOT, textOf, yamlOf } from './support.ts';

const dashboard = JSON.parse(textOf('grafana/flowmesh.json')) as Document;
const alerts: Document[] = yamlOf('prometheus/alerts.yaml').groups.flatMap(({ rules }: Document) => rules);
const promtool = debianTool('promtool');

/** Name and expression of everything that asks Prometheus. */
const EXPRESSIONS: [string, string][] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }: Document) =>
    targets.map(({ expr }: Document) => [title, expr]),
  ),
  ...dashboard.annotations.list.map(({ name, expr }: Document) => [name, expr]),
  ...dashboard.templating.list.flatMap(({ name, query }: Document) => {
    const [, series] = /^label_values\((.*), \w+\)$/.exec(query.query ?? '') ?? [];
    return series === undefined ? [] : [[name, series]];
  }),
  ...alerts.map(({ alert, expr }) => [alert, expr]),
];

const OUTSIDE = ['up'];
const TARGET_LABELS = ['job', 'instance'];

/** Of a node with its mesh on, after one request that failed at one target and was answered by the next. */
async function metricsOfNode(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  using place = commandPlace();
  place.write(
    'config.yaml',
    `mesh: {enabled: true, listen: [/ip4/127.0.0.1/tcp/0], interfaces: [none]}
retries: {max: 0}
chains:
  default:
    - {model: absent, provider: openai-compatible, url: 'http://127.0.0.1:9'}
    - flowmesh/extractive
`,
  );
  const { url } = await place.startNode(['--config', 'config.yaml']);
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  assert.equal(answer.status, 200, await answer.text());
  return labelsByMetric(await (await fetch(`${url}/metrics`)).text());
}

/** Labels are known of those that have a series already. */
function labelsByMetric(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name];
    for (const each of names) found.set(each, new Set());
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? [\d.eE+-]+$/gm)) {
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) found.get(name)?.add(label);
  }
  return found;
}

/** Selectors, `{…}` apart. */
function selectorsOf(expression: string): { readonly name: string; readonly labels: readonly string[] }[] {
  const plain = expression
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\[[^\]]*\]|\b(by|on|group_left|offset)\s*(\([^)]*\)|\d+\w)/g, ' ');
  return [...plain.matchAll(/\b([a-z_]\w*)\b(?!\s*\()(?:\{([^}]*)\})?/g)]
    .map(([, name = '', inner = '']) => ({
      name,
      labels: [...inner.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label),
    }))
    .filter(({ name }) => !['or', 'and', 'unless'].includes(name));
}

test('every metric and label that the dashboard and the alerts use is one that a node has', async () => {
  const metrics = await metricsOfNode();
  const unknownMetrics = EXPRESSIONS.flatMap(([title, expression]) =>
    selectorsOf(expression)
      .filter(({ name }) => !metrics.has(name) && !OUTSIDE.includes(name))
      .map(({ name }) => `${title}: ${name}`),
  );
  assert.deepEqual(unknownMetrics, []);
  const used = new Set(EXPRESSIONS.flatMap(([, expression]) => selectorsOf(expression).map(({ name }) => name)));
  assert.ok(used.size > 15 && used.has('flowmesh_requests_total'), [...used].join(' '));
  const unknownLabels = EXPRESSIONS.flatMap(([title, expression]) => {
    const known = selectorsOf(expression).map((selector) => ({
      ...selector,
      has: metrics.get(selector.name) ?? new Set(),
    }));
    const selected = known
      .filter(({ has }) => has.size > 0)
      .flatMap(({ name, labels, has }) =>
        labels
          .filter((label) => !has.has(label) && !TARGET_LABELS.includes(label))
          .map((label) => `${title}: ${name}{${label}}`),
      );
    if (known.every(({ has }) => has.size === 0)) return selected;
    const all = new Set([...TARGET_LABELS, ...known.flatMap(({ has }) => [...has])]);
    const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
    return [...selected, ...grouped.filter((label) => !all.has(label)).map((label) => `${title}: by (${label})`)];
  });
  assert.deepEqual(unknownLabels, []);
  assert.deepEqual([...(metrics.get('flowmesh_attempt_failures_total') ?? [])], ['target', 'code']);
});

test('the panels of the dashboard have their own ids, do not overlap, and use its variables', () => {
  const ids = dashboard.panels.map(({ id }: Document) => id);
  assert.equal(new Set(ids).size, ids.length);
  const cells = dashboard.panels.flatMap(({ title, gridPos: { x, y, w, h } }: Document) =>
    Array.from({ length: w * h }, (_, index) => [
      `${x + (index % w)}/${y + Math.floor(index / w)}`,
      title,
      x + w <= 24,
    ]),
  );
  assert.equal(new Set(cells.map(([cell]: string[]) => cell)).size, cells.length);
  assert.ok(cells.every(([, , fits]: unknown[]) => fits));
  for (const { title, type, targets } of dashboard.panels) {
    if (type === 'row') continue;
    for (const { expr, datasource } of targets) {
      assert.match(expr, /job="\$job"/, title);
      assert.equal(datasource.uid, '${datasource}', title);
    }
  }
});

test('the alert on errors counts what the operator can put right, and nothing that clients got wrong', () => {
  const { expr } = alerts.find(({ alert }) => alert === 'FlowmeshErrors');
  const [, pattern = ''] = /outcome=~"([^"]*)"/.exec(expr) ?? [];
  const counted = Object.keys(ERROR_TABLE).filter((code) => new RegExp(`^(${pattern})$`).test(code));
  const expected = Object.entries(ERROR_TABLE)
    .filter(([code, { fault }]) => fault !== 'client' && code !== 'draining')
    .map(([code]) => code);
  assert.deepEqual(counted, expected);
  const answered = dashboard.panels.find(({ title }: Document) => title === 'Answered').targets[0].expr;
  assert.ok(answered.includes(`outcome=~"ok|${pattern}"`));
});

test('every alert says what to do, and is proven by a case', () => {
  const cases = yamlOf('prometheus/alerts.test.yaml').tests.flatMap((each: Document) => each.alert_rule_test);
  const fired = cases.filter((each: Document) => each.exp_alerts !== undefined).map((each: Document) => each.alertname);
  assert.deepEqual(fired.toSorted(), alerts.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations, labels } of alerts) {
    assert.ok(annotations.summary !== undefined && annotations.action !== undefined, alert);
    assert.match(labels.severity, /^(info|warning|critical)$/);
  }
});

test('the log lines that an action names are ones that a node writes', () => {
  const named = alerts.flatMap(({ annotations }) =>
    [...annotations.action.matchAll(/`(an? [^`]+)`/g)].map(([, line = '']) => line),
  );
  assert.deepEqual(named, ['a stranger was turned away', 'a route failed by a defect']);
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'));
  for (const line of named)
    assert.ok(
      sources.some((text) => text.includes(`'${line}'`)),
      line,
    );
});

test('Prometheus accepts its configuration', { skip: promtool.missing }, () => {
  const { exitCode, output } = promtool.run([
    'check',
    'config',
    '--syntax-only',
    join(DEPLOY, 'prometheus/prometheus.yaml'),
  ]);
  assert.equal(exitCode, 0, output);
});

test('Prometheus accepts the alerts, and each fires when it should', { skip: promtool.missing }, () => {
  const { exitCode, output } = promtool.run(['test', 'rules', 'alerts.test.yaml'], { cwd: join(DEPLOY, 'prometheus') });
  assert.equal(exitCode, 0, output);
});

test('Prometheus accepts every expression of the dashboard', { skip: promtool.missing }, () => {
  const filled = EXPRESSIONS.map(([title, expression], index) => ({
    record: `dashboard:${index}`,
    expr: expression.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|node)/g, 'x'),
    labels: { title },
  }));
  using place = commandPlace();
  const file = place.write('dashboard.json', JSON.stringify({ groups: [{ name: 'dashboard', rules: filled }] }));
  const { exitCode, output } = promtool.run(['check', 'rules', file]);
  assert.equal(exitCode, 0, output);
  assert.match(output, new RegExp(`${EXPRESSIONS.length} rules found`));
});
