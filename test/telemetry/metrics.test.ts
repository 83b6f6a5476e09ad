import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestTrace } from '../../src/gateway/trace.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

const USAGE = {
  inputTokens: 100,
  cachedInputTokens: 40,
  cacheWriteTokens: 0,
  outputTokens: 20,
  reasoningTokens: 5,
  isEstimated: false,
};

function trace(fields: Partial<RequestTrace> = {}): RequestTrace {
  return { ...new RequestTrace('r', 'openai-chat', 0), target: 'a/m', durationMs: 1_500, ...fields };
}

async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(name) && !line.includes('_bucket'));
}

test('requests are counted by operation, target and outcome', async () => {
  const metrics = new Metrics(() => 3);
  metrics.record(trace());
  metrics.record(trace());
  metrics.record(trace({ errorCode: 'upstream_cut' }));
  metrics.record({ ...new RequestTrace('r', 'refused', 0), errorCode: 'unauthenticated' });
  assert.deepEqual(await linesOf(metrics, 'flowmesh_requests_total'), [
    'flowmesh_requests_total{operation="openai-chat",target="a/m",outcome="ok"} 2',
    'flowmesh_requests_total{operation="openai-chat",target="a/m",outcome="upstream_cut"} 1',
    'flowmesh_requests_total{operation="refused",target="none",outcome="unauthenticated"} 1',
  ]);
  assert.deepEqual(await linesOf(metrics, 'flowmesh_requests_in_flight'), ['flowmesh_requests_in_flight 3']);
});

test('durations are seconds; time to the first token and our part of it only where there was one', async () => {
  const metrics = new Metrics(() => 0);
  metrics.record(trace({ ttftMs: 250, waitedMs: 249 }));
  metrics.record(trace());
  assert.ok(
    (await linesOf(metrics, 'gen_ai_server_request_duration_seconds')).includes(
      'gen_ai_server_request_duration_seconds_sum{gen_ai_operation_name="openai-chat",target="a/m"} 3',
    ),
  );
  assert.ok(
    (await linesOf(metrics, 'gen_ai_server_time')).includes(
      'gen_ai_server_time_to_first_token_seconds_count{target="a/m"} 1',
    ),
  );
  assert.deepEqual(await linesOf(metrics, 'flowmesh_overhead_seconds'), [
    'flowmesh_overhead_seconds_sum 0.001',
    'flowmesh_overhead_seconds_count 1',
  ]);
});

test('failed attempts are counted at their targets, also when the request went well', async () => {
  const metrics = new Metrics(() => 0);
  const failure = { target: 'b/m', code: 'upstream_error', message: '', durationMs: 1 } as const;
  metrics.record(trace({ failures: [failure, failure] }));
  assert.deepEqual(await linesOf(metrics, 'flowmesh_attempt_failures_total'), [
    'flowmesh_attempt_failures_total{target="b/m",code="upstream_error"} 2',
  ]);
});

test('tokens are counted by type', async () => {
  const metrics = new Metrics(() => 0);
  metrics.record(trace({ usage: USAGE }));
  assert.deepEqual(await linesOf(metrics, 'gen_ai_client_token_usage_total'), [
    'gen_ai_client_token_usage_total{gen_ai_token_type="input",target="a/m"} 100',
    'gen_ai_client_token_usage_total{gen_ai_token_type="output",target="a/m"} 20',
    'gen_ai_client_token_usage_total{gen_ai_token_type="cached",target="a/m"} 40',
    'gen_ai_client_token_usage_total{gen_ai_token_type="reasoning",target="a/m"} 5',
  ]);
});

test('senseless token counts of an upstream neither count nor throw', async () => {
  const metrics = new Metrics(() => 0);
  metrics.record(
    trace({ usage: { ...USAGE, inputTokens: -5, outputTokens: Number.NaN, cachedInputTokens: Infinity } }),
  );
  assert.deepEqual(await linesOf(metrics, 'gen_ai_client_token_usage_total'), [
    'gen_ai_client_token_usage_total{gen_ai_token_type="reasoning",target="a/m"} 5',
  ]);
});

test('past the bound targets are counted together, so that clients cannot fill the memory with names', async () => {
  const metrics = new Metrics(() => 0);
  for (let index = 0; index < 600; index += 1) metrics.record(trace({ target: `a/m${index}` }));
  const lines = await linesOf(metrics, 'flowmesh_requests_total');
  assert.equal(lines.length, 501);
  assert.equal(lines.at(-1), 'flowmesh_requests_total{operation="openai-chat",target="other",outcome="ok"} 100');
});

test('targets of the configuration are told apart whatever names clients have made up before', async () => {
  const metrics = new Metrics(
    () => 0,
    undefined,
    (target) => target === 'mine/new',
  );
  for (let index = 0; index < 500; index += 1) metrics.record(trace({ target: `a/${index}` }));
  for (const target of ['mine/new', 'a/501', 'mine/new']) metrics.record(trace({ target }));
  assert.deepEqual((await linesOf(metrics, 'flowmesh_requests_total')).slice(500), [
    'flowmesh_requests_total{operation="openai-chat",target="mine/new",outcome="ok"} 2',
    'flowmesh_requests_total{operation="openai-chat",target="other",outcome="ok"} 1',
  ]);
});

test('second targets are counted by what became of them', async () => {
  const metrics = new Metrics(() => 0);
  metrics.record(trace({ hedge: { target: 'b/m', afterMs: 800, outcome: 'won' } }));
  metrics.record(trace({ hedge: { target: 'b/m', afterMs: 800, outcome: 'over-budget' } }));
  metrics.record(trace());
  assert.deepEqual(await linesOf(metrics, 'flowmesh_hedges_total'), [
    'flowmesh_hedges_total{target="b/m",outcome="won"} 1',
    'flowmesh_hedges_total{target="b/m",outcome="over-budget"} 1',
  ]);
});

test('each of several nodes in one process tells of the process', async () => {
  for (const metrics of [new Metrics(() => 0), new Metrics(() => 0)]) {
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_version_info']) {
      assert.equal((await linesOf(metrics, name)).length, 1, name);
    }
  }
});

test('counters alone have names that end in _total, as checkers of the format demand', async () => {
  const text = await new Metrics(() => 0).registry.metrics();
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  const misnamed = types.filter(([, name = '', type]) => name.endsWith('_total') !== (type === 'counter'));
  assert.ok(types.length > 30, `${types.length} metrics`);
  assert.deepEqual(
    misnamed.map(([line]) => line),
    [],
  );
});
