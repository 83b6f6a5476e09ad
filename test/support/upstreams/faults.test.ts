// The servers' faults, as the providers' own SDKs meet them: typed errors, and never a quiet success unless the SDK
// itself is known to take the fault for one.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError } from '@google/genai';
import OpenAI from 'openai';
import { ask, type ClientKind, essence, expectedSeen, modelFor } from '../cases.ts';
import type { Fault } from './faults.ts';
import { startUpstream, type Upstream, type UpstreamKind } from './server.ts';

const PAIRS: readonly (readonly [UpstreamKind, ClientKind])[] = [
  ['openai', 'openai-chat'],
  ['openai', 'openai-responses'],
  ['azure', 'openai-chat'],
  ['mistral', 'openai-chat'],
  ['anthropic', 'anthropic'],
  ['gemini', 'gemini'],
  ['ollama', 'ollama'],
];

function askText(upstream: Upstream, client: ClientKind, more: object = {}) {
  return ask(client, {
    baseUrl: upstream.sdkBaseUrl,
    apiKey: upstream.key,
    model: modelFor(upstream.kind, 'text'),
    scenario: 'text',
    isStream: true,
    isUsageWanted: upstream.kind !== 'mistral',
    ...(upstream.kind === 'azure' && { azureApiVersion: '2024-10-21' }),
    ...more,
  });
}

async function failure(kind: UpstreamKind, client: ClientKind, fault: Fault, more: object = {}): Promise<any> {
  await using upstream = await startUpstream(kind);
  upstream.respondWith({ fault });
  return await askText(upstream, client, more).then(
    (seen) => assert.fail(`The SDK saw a success: ${JSON.stringify(seen.raw)}`),
    (error) => error,
  );
}

describe('statuses raise the SDK’s own error classes', () => {
  const OPENAI_CLASSES: Record<number, any> = {
    400: OpenAI.BadRequestError,
    401: OpenAI.AuthenticationError,
    403: OpenAI.PermissionDeniedError,
    404: OpenAI.NotFoundError,
    422: OpenAI.UnprocessableEntityError,
    429: OpenAI.RateLimitError,
    500: OpenAI.InternalServerError,
    503: OpenAI.InternalServerError,
  };
  const ANTHROPIC_CLASSES: Record<number, any> = {
    400: Anthropic.BadRequestError,
    401: Anthropic.AuthenticationError,
    403: Anthropic.PermissionDeniedError,
    404: Anthropic.NotFoundError,
    413: Anthropic.APIError,
    422: Anthropic.UnprocessableEntityError,
    429: Anthropic.RateLimitError,
    500: Anthropic.InternalServerError,
    529: Anthropic.APIError,
  };
  for (const [kind, client] of PAIRS) {
    for (const status of [400, 401, 403, 404, 413, 422, 429, 500, 503, 529] as const) {
      it(`${kind} (${client}): ${status}`, async () => {
        const error = await failure(kind, client, { type: 'status', status });
        assert.equal(error.status ?? error.status_code, status);
        if (client.startsWith('openai')) assert.ok(error instanceof (OPENAI_CLASSES[status] ?? OpenAI.APIError));
        if (client === 'anthropic') assert.ok(error instanceof (ANTHROPIC_CLASSES[status] ?? Anthropic.APIError));
        if (client === 'gemini') assert.ok(error instanceof ApiError);
        assert.ok(error.message.length > 5);
      });
    }
  }

  it('have the provider’s own bodies', async () => {
    const limited = { type: 'status', status: 429 } as const;
    assert.equal((await failure('openai', 'openai-chat', limited)).code, 'rate_limit_exceeded');
    assert.equal((await failure('openai', 'openai-chat', { ...limited, reason: 'quota' })).code, 'insufficient_quota');
    assert.equal((await failure('anthropic', 'anthropic', limited)).type, 'rate_limit_error');
    assert.equal((await failure('anthropic', 'anthropic', { type: 'status', status: 529 })).type, 'overloaded_error');
    assert.match((await failure('gemini', 'gemini', limited)).message, /"RESOURCE_EXHAUSTED"/);
    const tooLong = { type: 'status', status: 400, reason: 'context-length' } as const;
    assert.equal((await failure('openai', 'openai-chat', tooLong)).code, 'context_length_exceeded');
    assert.match((await failure('anthropic', 'anthropic', tooLong)).message, /prompt is too long/);
    const filtered = { type: 'status', status: 400, reason: 'content-filter' } as const;
    assert.equal((await failure('azure', 'openai-chat', filtered)).code, 'content_filter');
  });

  it('say when to come back in each of the known ways', async () => {
    const headersFor = async (as: 'seconds' | 'milliseconds' | 'date') =>
      (await failure('openai', 'openai-chat', { type: 'status', status: 429, retryAfter: { as, ms: 12_000 } })).headers;
    assert.equal((await headersFor('seconds')).get('retry-after'), '12');
    assert.equal((await headersFor('milliseconds')).get('retry-after-ms'), '12000');
    const dated = await headersFor('date');
    assert.equal(Date.parse(dated.get('retry-after')) - Date.parse(dated.get('date')), 12_000);
    const fault = { type: 'status', status: 429, retryAfter: { as: 'retry-info', ms: 12_500 } } as const;
    assert.match((await failure('gemini', 'gemini', fault)).message, /"retryDelay":"12.5s"/);
  });

  it('may be a proxy’s page, plain text or nothing', async () => {
    const page = await failure('openai', 'openai-chat', { type: 'html-502' });
    assert.ok(page instanceof OpenAI.InternalServerError);
    assert.match(page.message, /502 Bad Gateway/);
    const text = await failure('anthropic', 'anthropic', { type: 'text-429' });
    assert.ok(text instanceof Anthropic.RateLimitError);
    assert.equal(text.headers.get('retry-after'), '7');
    assert.equal((await failure('openai', 'openai-chat', { type: 'empty-500' })).status, 500);
  });
});

describe('keys', () => {
  const wrong = { apiKey: 'sk-wrong' };
  for (const [kind, client] of PAIRS) {
    it(`${kind} (${client}) refuses a wrong key in its own shape`, async () => {
      await using upstream = await startUpstream(kind, { keys: ['right'] });
      const error: any = await askText(upstream, client, wrong).then(
        () => assert.fail('The wrong key was accepted.'),
        (reason) => reason,
      );
      // Google's answer to a bad key is a 400.
      assert.equal(error.status ?? error.status_code, kind === 'gemini' ? 400 : 401);
      if (kind === 'gemini') assert.match(error.message, /API_KEY_INVALID/);
    });
  }
});

describe('broken streams', () => {
  const afters = [-1, 0, 2, 'content'] as const;
  for (const [kind, client] of PAIRS) {
    for (const after of afters) {
      it(`${kind} (${client}): a socket cut after ${after} raises`, async () => {
        await failure(kind, client, { type: 'cut-mid-stream', after });
      });

      it(`${kind} (${client}): an error event after ${after} raises`, async () => {
        const error = await failure(kind, client, { type: 'error-in-200', after });
        assert.match(error.message, /error|overloaded/i);
      });
    }

    it(`${kind} (${client}): garbage between frames raises or is skipped by its SDK`, async () => {
      await using upstream = await startUpstream(kind);
      upstream.respondWith({ fault: { type: 'garbage-frame', after: 1 } });
      const asked = askText(upstream, client);
      // Ollama's SDK warns and goes on; Anthropic's ignores events without a name.
      if (kind === 'ollama' || kind === 'anthropic') await asked;
      else await assert.rejects(asked);
    });

    it(`${kind} (${client}): an unstreamed answer cut in half raises`, async () => {
      await failure(kind, client, { type: 'cut-mid-stream', after: 0 }, { isStream: false });
    });
  }

  it('a second message_start makes Anthropic’s SDK raise', async () => {
    const error = await failure('anthropic', 'anthropic', { type: 'duplicate-start', after: 1 });
    assert.match(error.message, /Unexpected event order, got message_start/);
  });

  it('response.failed is what the Responses user gets', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith({ fault: { type: 'response-failed', after: 2 } });
    const seen = await askText(upstream, 'openai-responses');
    assert.equal(seen.finish, 'failed');
    assert.equal(seen.raw.error.code, 'server_error');
    assert.equal(seen.events.at(-1).sequence_number, seen.events.length - 1);
  });

  it('a stream that ends early without an error is noticed by some SDKs only', async () => {
    const ended = { type: 'clean-end-early', after: 'content' } as const;
    assert.match((await failure('openai', 'openai-chat', ended)).message, /missing finish_reason/);
    assert.match((await failure('anthropic', 'anthropic', ended)).message, /ended without/);
    assert.match((await failure('ollama', 'ollama', ended)).message, /Did not receive done/);
    await using upstream = await startUpstream('gemini');
    upstream.respondWith({ fault: ended });
    assert.equal((await askText(upstream, 'gemini')).finish, 'undefined');
  });

  it('the end may lack nothing but its terminal mark', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith({ fault: { type: 'clean-end-early', after: 'finish' } });
    const seen = await askText(upstream, 'openai-chat');
    assert.equal(seen.finish, 'stop');
    assert.equal(seen.usage?.outputTokens, 46);
  });

  it('a label of text/html does not change the bytes', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith({ fault: { type: 'wrong-content-type' } });
    const response = await fetch(`${upstream.url}/v1/models`, { headers: { authorization: `Bearer ${upstream.key}` } });
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(JSON.parse(await response.text()).object, 'list');
  });
});

describe('valid but unusual streams', () => {
  for (const [kind, client] of PAIRS) {
    it(`${kind} (${client}): one frame of more than 200 kB`, async () => {
      await using upstream = await startUpstream(kind);
      upstream.respondWith({ fault: { type: 'oversized-line' } });
      const seen = await askText(upstream, client);
      const expected = expectedSeen('text', { upstream: kind, upstreamDialect: client, client }).text;
      assert.equal(seen.text, `${expected} ${'é漢🙂 '.repeat(20_000)}`);
    });
  }

  it('a slow drip of single bytes arrives whole', async () => {
    await using upstream = await startUpstream('ollama');
    upstream.respondWith({ scenario: 'image', fault: { type: 'slow-drip', delayMs: 1 } });
    const seen = await askText(upstream, 'ollama', { scenario: 'image' });
    assert.deepEqual(essence(seen), expectedSeen('image', { upstream: 'ollama', client: 'ollama' }));
  });

  it('a line of more than 20 MB comes, and then nothing', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith({ scenario: 'refusal', fault: { type: 'huge-line', after: 1 } });
    const flooded = await fetch(`${upstream.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${upstream.key}` },
      body: JSON.stringify({ model: 'gpt-4.1-mini', stream: true, messages: [{ role: 'user', content: 'x' }] }),
    });
    let byteCount = 0;
    for await (const block of flooded.body ?? []) {
      byteCount += block.byteLength;
      if (byteCount > 20_000_000) break;
    }
    await upstream.untilAborted();
    assert.ok(byteCount > 20_000_000);
  });
});

describe('sockets', () => {
  for (const fault of [{ type: 'hang-before-headers' }, { type: 'hang-mid-stream', after: 1 }] as const) {
    it(`${fault.type}: the client’s abort is seen and counted`, async () => {
      await using upstream = await startUpstream('anthropic');
      upstream.respondWith({ fault });
      const controller = new AbortController();
      const asked = askText(upstream, 'anthropic', { signal: controller.signal });
      await upstream.untilRequests(1);
      assert.equal(upstream.openStreams, 1);
      assert.equal(upstream.abortedCount, 0);
      controller.abort();
      await assert.rejects(asked, Anthropic.APIUserAbortError);
      await upstream.untilAborted();
      assert.equal(upstream.openStreams, 0);
    });
  }

  it('a closed server refuses connections until it is reopened on the same port', async () => {
    await using upstream = await startUpstream('openai');
    const url = upstream.url;
    await upstream.close();
    const refused: any = await askText(upstream, 'openai-chat').then(
      () => assert.fail('The closed server answered.'),
      (error) => error,
    );
    assert.ok(refused instanceof OpenAI.APIConnectionError);
    await upstream.reopen();
    assert.equal(upstream.url, url);
    assert.equal((await askText(upstream, 'openai-chat')).finish, 'stop');
  });

  it('a queue answers one request each and repeats its last; the SDK’s retry gets the second', async () => {
    await using upstream = await startUpstream('openai');
    const limited = { fault: { type: 'status', status: 429, retryAfter: { as: 'milliseconds', ms: 1 } } } as const;
    upstream.respondWith([limited, 'text']);
    assert.equal((await askText(upstream, 'openai-chat', { maxRetries: 1 })).finish, 'stop');
    assert.equal((await askText(upstream, 'openai-chat')).finish, 'stop');
    assert.equal(upstream.requests.length, 3);
    assert.equal(upstream.lastRequest.path, '/v1/chat/completions');
    assert.equal(upstream.lastRequest.body.temperature, 0);
  });

  it('a function decides by the request', async () => {
    await using upstream = await startUpstream('gemini');
    upstream.respondWith((request) => (request.body.systemInstruction ? 'text' : 'refusal'));
    assert.equal((await askText(upstream, 'gemini')).finish, 'stop');
    assert.equal((await askText(upstream, 'gemini', { scenario: 'refusal' })).finish, 'content-filter');
  });
});
