import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestTrace } from '../../src/gateway/trace.ts';
import { logRequest } from '../../src/telemetry/request-log.ts';
import { type LogLine, LogRecorder } from '../support/node.ts';

function lineOf(fields: Partial<RequestTrace>): LogLine {
  const log = new LogRecorder();
  logRequest(log, { ...new RequestTrace('r-1', 'openai-chat', 0), ...fields });
  assert.equal(log.lines.length, 1);
  return log.lines[0]!;
}

test('a good request is one line with who answered, how long it took and what it used', () => {
  const line = lineOf({
    model: 'main',
    isStream: true,
    chain: 'main',
    target: 'a/m',
    attemptCount: 1,
    ttftMs: 12.345_6,
    durationMs: 100,
    finishReason: 'stop',
    usage: {
      inputTokens: 3,
      cachedInputTokens: 1,
      cacheWriteTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
      isEstimated: true,
    },
  });
  // What is undefined does not reach the line.
  assert.deepEqual(JSON.parse(JSON.stringify(line)), {
    level: 'info',
    message: 'request',
    fields: {
      requestId: 'r-1',
      operation: 'openai-chat',
      model: 'main',
      stream: true,
      chain: 'main',
      target: 'a/m',
      attempts: 1,
      ttftMs: 12.35,
      durationMs: 100,
      inputTokens: 3,
      cachedTokens: 1,
      outputTokens: 2,
      tokensEstimated: true,
      finishReason: 'stop',
    },
  });
});

test('a failure is a warning with its code and its attempts', () => {
  const failures = [{ target: 'a/m', code: 'upstream_error', message: 'no', durationMs: 1 }] as const;
  const { level, message, fields } = lineOf({ errorCode: 'upstream_error', failures: [...failures] });
  assert.deepEqual(
    [level, message, fields.error, fields.failures],
    ['warn', 'request failed', 'upstream_error', failures],
  );
});

test('a client that left is nobody’s fault', () => {
  const { level, message } = lineOf({ errorCode: 'client_closed' });
  assert.deepEqual([level, message], ['info', 'request left by its client']);
});

test('a defect is an error with its cause; no other line has one', () => {
  const cause = new Error('boom');
  const { level, fields } = lineOf({ errorCode: 'internal', cause });
  assert.deepEqual([level, fields.err], ['error', cause]);
  assert.equal(lineOf({ errorCode: 'bad_request', cause }).fields.err, undefined);
});

test('a second target is told, with how long the first was waited for', () => {
  const { fields } = lineOf({ hedge: { target: 'b/m', afterMs: 812.345_6, outcome: 'won' } });
  assert.deepEqual(fields.hedge, { target: 'b/m', afterMs: 812.35, outcome: 'won' });
});
