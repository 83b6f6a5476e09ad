// Each endpoint of each dialect reaches the one path through the gateway; and what is not a chat.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { completion, DONE, JSON_HEADERS, ROLE, SSE_HEADERS, STOP, text, USAGE } from '../support/chat-wire.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { type RawHandler, type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

const VECTORS = {
  object: 'list',
  model: 'up',
  data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }],
  usage: { prompt_tokens: 3, total_tokens: 3 },
};

/** An OpenAI-compatible server in few words. */
const speak: RawHandler = (response, { message, body }) => {
  if (message.url?.endsWith('/embeddings')) {
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(VECTORS));
  } else if (message.url?.endsWith('/audio/speech')) {
    response
      .writeHead(200, { 'content-type': 'audio/mpeg', 'x-private': 'no' })
      .end(Buffer.from([0xff, 0xfb, 0x00, 0x80]));
  } else if (message.url?.endsWith('/audio/transcriptions')) {
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify({ type: message.headers['content-type'], body }));
  } else if (message.url?.endsWith('/moderations')) {
    response.writeHead(200, JSON_HEADERS).end(body);
  } else if (JSON.parse(body).stream) {
    response.writeHead(200, SSE_HEADERS).end(ROLE + text('Hi') + STOP + USAGE + DONE);
  } else {
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi')));
  }
};

let upstream: RawUpstream;
let node: TestNode;

before(async () => {
  upstream = await startRawUpstream(speak);
  node = await startNode({
    accounts: { a: { url: upstream.url, models: ['listed'] } },
    chains: { main: ['a/one'] },
    aliases: { nick: 'main' },
    retries: { max: 0 },
  });
});

beforeEach(() => {
  upstream.handler = speak;
});

after(async () => {
  await node.stop();
  await upstream.close();
});

async function json(response: Response): Promise<any> {
  assert.equal(response.status, 200);
  return response.json();
}

const user = [{ role: 'user', content: 'Hello' }];

test('OpenAI chat', async () => {
  assert.equal((await json(await node.chat())).choices[0].message.content, 'Hi');
});

test('OpenAI completions', async () => {
  const body = { model: 'main', prompt: 'Hello' };
  assert.equal((await json(await node.post('/v1/completions', body))).choices[0].text, 'Hi');
});

test('OpenAI responses', async () => {
  const answer = await json(await node.post('/v1/responses', { model: 'main', input: 'Hello' }));
  assert.equal(answer.output[0].content[0].text, 'Hi');
});

test('Anthropic messages', async () => {
  const answer = await json(await node.post('/v1/messages', { model: 'main', max_tokens: 9, messages: user }));
  assert.deepEqual(answer.content, [{ type: 'text', text: 'Hi' }]);
});

test('Gemini generateContent, under v1beta and v1, and for model names with slashes', async () => {
  const body = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
  for (const path of ['/v1beta/models/main:generateContent', '/v1/models/a/one:generateContent']) {
    assert.equal((await json(await node.post(path, body))).candidates[0].content.parts[0].text, 'Hi');
  }
});

test('Gemini streams as events or as one array, as its client asks', async () => {
  const body = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
  const events = await node.post('/v1beta/models/main:streamGenerateContent?alt=sse', body);
  assert.match(events.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.match(await events.text(), /^data: \{/);
  const array = await node.post('/v1beta/models/main:streamGenerateContent', body);
  assert.match(array.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(JSON.parse(await array.text())[0].candidates[0].content.parts[0].text, 'Hi');
});

test('an unknown Gemini method is 404 in Gemini’s shape', async () => {
  const response = await node.post('/v1beta/models/main:dream', {});
  assert.equal(response.status, 404);
  assert.equal(((await response.json()) as any).error.status, 'NOT_FOUND');
});

test('Ollama chat streams lines unless told not to', async () => {
  const lines = (await (await node.post('/api/chat', { model: 'main', messages: user })).text()).trim().split('\n');
  assert.equal(JSON.parse(lines[0]!).message.content, 'Hi');
  assert.equal(JSON.parse(lines.at(-1)!).done, true);
  assert.equal((await json(await node.post('/api/chat', { model: 'main', messages: user, stream: false }))).done, true);
});

test('Ollama’s version and tags', async () => {
  assert.match((await json(await fetch(`${node.url}/api/version`))).version, /^\d+\.\d+\.\d+$/);
  const { models } = await json(await fetch(`${node.url}/api/tags`));
  assert.deepEqual(
    models.map(({ name }: { name: string }) => name),
    ['nick', 'main', 'one', 'listed'],
  );
});

test('Azure’s paths name the model', async () => {
  const path = '/openai/deployments/main/chat/completions?api-version=2024-10-21';
  assert.equal((await json(await node.post(path, { messages: user }))).choices[0].message.content, 'Hi');
});

test('embeddings in three dialects', async () => {
  const openai = await json(await node.post('/v1/embeddings', { model: 'main', input: 'Hello' }));
  assert.deepEqual(openai.data[0].embedding, [0.5, -1]);
  const gemini = await json(
    await node.post('/v1beta/models/main:embedContent', { content: { parts: [{ text: 'Hello' }] } }),
  );
  assert.deepEqual(gemini.embedding.values, [0.5, -1]);
  const ollama = await json(await node.post('/api/embed', { model: 'main', input: 'Hello' }));
  const legacy = await json(await node.post('/api/embeddings', { model: 'main', prompt: 'Hello' }));
  assert.deepEqual(legacy, { embedding: ollama.embeddings[0] });
  assert.deepEqual(ollama.embeddings, [[0.5, -1]]);
});

test('token counts are estimates where no upstream counts, and say so', async () => {
  const anthropic = await node.post('/v1/messages/count_tokens', { model: 'main', messages: user });
  assert.equal(anthropic.headers.get('x-flowmesh-estimated'), 'true');
  assert.deepEqual(await anthropic.json(), { input_tokens: 5 });
  const gemini = await node.post('/v1beta/models/main:countTokens', { contents: [{ parts: [{ text: 'Hello' }] }] });
  assert.equal(((await gemini.json()) as any).totalTokens, 5);
});

test('model lists in the shape of whoever asks', async () => {
  const ids = async (path: string, headers: Record<string, string>, pick: (body: any) => string[]): Promise<string[]> =>
    pick(await json(await fetch(node.url + path, { headers })));
  const expected = ['nick', 'main', 'one', 'listed'];
  const openai = (body: any) => body.data.map(({ id, object }: any) => (object === 'model' ? id : ''));
  const anthropic = (body: any) => body.data.map(({ id, type }: any) => (type === 'model' ? id : ''));
  const gemini = (body: any) => body.models.map(({ name }: any) => name.replace('models/', ''));
  assert.deepEqual(await ids('/v1/models', {}, openai), expected);
  assert.deepEqual(await ids('/v1/models', { 'anthropic-version': '2023-06-01' }, anthropic), expected);
  assert.deepEqual(await ids('/v1/models', { 'x-goog-api-key': 'x' }, gemini), expected);
  assert.deepEqual(await ids('/v1beta/models', {}, gemini), expected);
});

test('one model is found by its name, an unknown one is 404', async () => {
  assert.equal((await json(await fetch(`${node.url}/v1/models/nick`))).id, 'nick');
  assert.equal((await json(await fetch(`${node.url}/v1beta/models/nick`))).name, 'models/nick');
  const unknown = await fetch(`${node.url}/v1/models/none`);
  assert.equal(unknown.status, 404);
  assert.equal(((await unknown.json()) as any).error.code, 'model_not_found');
});

test('speech is passed through as bytes, with the model renamed and only harmless headers kept', async () => {
  const response = await node.post('/v1/audio/speech', { model: 'main', input: 'Hi', voice: 'alloy' });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from([0xff, 0xfb, 0x00, 0x80]));
  assert.equal(response.headers.get('content-type'), 'audio/mpeg');
  assert.equal(response.headers.get('x-private'), null);
  assert.equal(response.headers.get('x-flowmesh-target'), 'a/one');
  assert.deepEqual(JSON.parse(upstream.requests.at(-1)!.body), { model: 'one', input: 'Hi', voice: 'alloy' });
});

test('of a form only the model is changed', async () => {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array([0, 255, 13, 10, 45, 45])]), 'a.wav');
  form.set('model', 'main');
  form.set('language', 'de');
  const response = await fetch(`${node.url}/v1/audio/transcriptions`, { method: 'POST', body: form });
  const { type, body } = await json(response);
  assert.match(type, /^multipart\/form-data; boundary=/);
  assert.match(body, /name="model"\r\n\r\none\r\n/);
  assert.match(body, /name="language"\r\n\r\nde\r\n/);
});

test('the AzureOpenAI client names the model of pictures and sounds in the path', async () => {
  const base = `${node.url}/openai/deployments/main`;
  const spoken = await node.post('/openai/deployments/main/audio/speech?api-version=2025-04-01', { input: 'Hi' });
  assert.equal(spoken.status, 200);
  assert.deepEqual(JSON.parse(upstream.requests.at(-1)!.body), { input: 'Hi', model: 'one' });
  const form = new FormData();
  form.set('language', 'de');
  const { body } = await json(await fetch(`${base}/audio/transcriptions`, { method: 'POST', body: form }));
  assert.match(body, /^--[^\r]+\r\nContent-Disposition: form-data; name="model"\r\n\r\none\r\n--/);
  assert.match(body, /name="language"\r\n\r\nde\r\n/);
});

test('a form without a model, and a form that is none, are 400', async () => {
  const form = new FormData();
  form.set('language', 'de');
  assert.equal((await fetch(`${node.url}/v1/audio/transcriptions`, { method: 'POST', body: form })).status, 400);
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  assert.equal((await node.post('/v1/audio/transcriptions', '', { headers })).status, 400);
});

test('a passed-through answer that breaks closes the client’s connection and is the upstream’s failure', async () => {
  upstream.handler = (response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '100' }).write('half');
    setTimeout(() => response.destroy(), 10);
  };
  const before = node.log.requests.length;
  const response = await node.post('/v1/audio/speech', { model: 'main' });
  await assert.rejects(response.arrayBuffer());
  const line = (await node.log.untilRequests(before + 1)).at(-1);
  assert.deepEqual([line?.operation, line?.error], ['audio/speech', 'upstream_cut']);
});

test('a passed-through request that fails everywhere is an error in OpenAI’s shape', async () => {
  upstream.handler = (response) => response.writeHead(500, JSON_HEADERS).end('{"error":{"message":"broken"}}');
  const response = await node.post('/v1/moderations', { model: 'main', input: 'x' });
  assert.equal(response.status, 502);
  assert.equal(((await response.json()) as any).error.message, 'broken');
});

test('a client that leaves a passed-through answer stops the upstream', async () => {
  upstream.handler = (response) => response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('half');
  const aborted = upstream.abortedCount;
  const before = node.log.requests.length;
  const response = await node.post('/v1/audio/speech', { model: 'main' });
  await response.body?.cancel();
  await upstream.until(() => upstream.abortedCount === aborted + 1);
  assert.equal((await node.log.untilRequests(before + 1)).at(-1)?.error, 'client_closed');
});

test('metrics are in the format that Prometheus reads', async () => {
  const response = await fetch(`${node.url}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /^# TYPE flowmesh_requests_total counter$/m);
});

test('a conversation goes on from a stored response, streamed or whole', async () => {
  const first = await json(await node.post('/v1/responses', { model: 'main', input: 'My name is Ada.' }));
  const streamed = await node.post('/v1/responses', {
    model: 'main',
    input: 'Say it.',
    stream: true,
    previous_response_id: first.id,
  });
  const completed = (await streamed.text())
    .split('\n\n')
    .find((frame) => frame.startsWith('event: response.completed'));
  const { response } = JSON.parse(completed!.split('data: ')[1]!);
  await json(await node.post('/v1/responses', { model: 'main', input: 'Again.', previous_response_id: response.id }));
  const { messages } = JSON.parse(upstream.requests.at(-1)!.body);
  assert.deepEqual(
    messages.map(({ role, content }: any) => [role, typeof content === 'string' ? content : content[0].text]),
    [
      ['user', 'My name is Ada.'],
      ['assistant', 'Hi'],
      ['user', 'Say it.'],
      ['assistant', 'Hi'],
      ['user', 'Again.'],
    ],
  );
});

test('stored responses can be fetched and deleted; unknown ones are 404, and cannot be gone on from', async () => {
  const { id } = await json(await node.post('/v1/responses', { model: 'main', input: 'Hello' }));
  assert.equal((await json(await fetch(`${node.url}/v1/responses/${id}`))).id, id);
  const again = await fetch(`${node.url}/v1/responses/${id}?stream=true`);
  assert.deepEqual([again.status, ((await again.json()) as any).error.param], [400, 'stream']);
  const deleted = await fetch(`${node.url}/v1/responses/${id}`, { method: 'DELETE' });
  assert.deepEqual(await json(deleted), { id, object: 'response', deleted: true });
  assert.equal((await fetch(`${node.url}/v1/responses/${id}`)).status, 404);
  const orphan = await node.post('/v1/responses', { model: 'main', input: 'x', previous_response_id: id });
  assert.equal(orphan.status, 400);
  assert.equal(((await orphan.json()) as any).error.param, 'previous_response_id');
});

test('the input of a stored response can be listed, with the conversation before it', async () => {
  const first = await json(await node.post('/v1/responses', { model: 'main', input: 'One.' }));
  const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' };
  const output = { type: 'function_call_output', call_id: 'call_1', output: 'done' };
  const input = [call, output, { role: 'user', content: 'Two.' }];
  const { id } = await json(await node.post('/v1/responses', { model: 'main', input, previous_response_id: first.id }));
  const path = `${node.url}/v1/responses/${id}/input_items`;
  const told = ({ type, role, content }: any) => (type === 'message' ? `${role}: ${content[0].text}` : type);
  const newest = await json(await fetch(path));
  assert.deepEqual(newest.data.map(told), [
    'user: Two.',
    'function_call_output',
    'function_call',
    `assistant: ${first.output[0].content[0].text}`,
    'user: One.',
  ]);
  assert.deepEqual([newest.object, newest.has_more, newest.first_id], ['list', false, newest.data[0].id]);
  assert.equal(new Set(newest.data.map((item: any) => item.id)).size, 5);
  const page = await json(await fetch(`${path}?order=asc&limit=2`));
  assert.deepEqual([page.data.length, page.has_more, page.last_id], [2, true, page.data[1].id]);
  const rest = await json(await fetch(`${path}?order=asc&after=${page.last_id}`));
  assert.deepEqual([...page.data, ...rest.data].reverse(), newest.data);
  assert.equal((await fetch(`${path}?after=nobody`)).status, 404);
  await fetch(`${node.url}/v1/responses/${id}`, { method: 'DELETE' });
  assert.equal((await fetch(path)).status, 404);
});

test('a response that its client does not want stored is not', async () => {
  const { id } = await json(await node.post('/v1/responses', { model: 'main', input: 'Hello', store: false }));
  assert.equal((await fetch(`${node.url}/v1/responses/${id}`)).status, 404);
});

test('two requests under one request id are two responses', async () => {
  const speakWithoutId: RawHandler = (response) => {
    const { id: _id, ...rest } = completion('Hi');
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(rest));
  };
  upstream.handler = speakWithoutId;
  const ask = async (): Promise<string> => {
    const headers = { 'x-request-id': 'same' };
    return (await json(await node.post('/v1/responses', { model: 'main', input: 'Hello' }, { headers }))).id;
  };
  assert.notEqual(await ask(), await ask());
});
