// Pictures that a model makes reach clients of every dialect that has a place for them: official SDK → node → an upstream
// that answers in a provider's own words.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { type RunningNode, startNode } from './gateway.ts';

/** As large as real ones: some megabytes of base64 in one line. */
const PICTURE = Buffer.alloc(1_500_000, 'picture ').toString('base64');
const SMALL = Buffer.from('small picture').toString('base64');
const QUESTION = 'Draw a lighthouse.';

let upstream: RawUpstream;
let node: RunningNode;
/** What the upstream answers next: a body, or the data of a stream's events. */
let answer: object | readonly object[];

before(async () => {
  upstream = await startRawUpstream((response) => reply(response));
  const { url } = upstream;
  node = await startNode({
    accounts: {
      google: { provider: 'gemini', url, key: 'key-of-google-1' },
      router: { provider: 'openrouter', url, key: 'key-of-router-1' },
      responses: { provider: 'openai-responses', url, key: 'key-of-openai-1' },
    },
  });
});

after(async () => {
  await node.stop();
  await upstream.close();
  assert.deepEqual(node.defects, []);
});

beforeEach(() => {
  upstream.requests.length = 0;
});

function reply(response: ServerResponse): void {
  if (!Array.isArray(answer)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of answer) {
    const name = typeof event.type === 'string' ? `event: ${event.type}\n` : '';
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

const openai = () => {
  const { baseUrl, apiKey } = node.asClient('openai-chat');
  return new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
};
const google = () => {
  const { baseUrl, apiKey } = node.asClient('gemini');
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
};
const anthropic = () => {
  const { baseUrl, apiKey } = node.asClient('anthropic');
  return new Anthropic({ baseURL: baseUrl, apiKey, maxRetries: 0 });
};
const ollama = () => {
  const { baseUrl, apiKey } = node.asClient('ollama');
  return new Ollama({ host: baseUrl, headers: { authorization: `Bearer ${apiKey}` } });
};

const inline = (data: string, mimeType = 'image/png') => ({ inlineData: { mimeType, data } });

/** A field that OpenAI's types do not know. */
function imagesOf({ choices }: OpenAI.ChatCompletion): unknown {
  return Object.entries(choices[0]?.message ?? {}).find(([name]) => name === 'images')?.[1];
}

function geminiChunk(parts: readonly object[], finishReason?: string): object {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason && { finishReason }) }],
    ...(finishReason && {
      usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1_290, totalTokenCount: 1_297 },
    }),
    modelVersion: 'gemini-2.5-flash-image',
    responseId: 'answer1',
  };
}

describe('a Gemini upstream', () => {
  const whole = geminiChunk(
    [{ text: 'Here it is: ' }, inline(PICTURE), { text: 'Enjoy.' }, inline(SMALL, 'image/webp')],
    'STOP',
  );
  const streamed = [
    geminiChunk([{ text: 'Here it is: ' }]),
    geminiChunk([inline(PICTURE)]),
    geminiChunk([{ text: 'Enjoy.' }, inline(SMALL, 'image/webp')]),
    geminiChunk([{ text: '' }], 'STOP'),
  ];
  const images = [
    { index: 0, type: 'image_url', image_url: { url: `data:image/png;base64,${PICTURE}` } },
    { index: 1, type: 'image_url', image_url: { url: `data:image/webp;base64,${SMALL}` } },
  ];
  const question = { model: 'google/gemini-2.5-flash-image', messages: [{ role: 'user' as const, content: QUESTION }] };

  it('tells chat clients its pictures as `images` of the message', async () => {
    answer = whole;
    const completion = await openai().chat.completions.create(question);
    const [choice] = completion.choices;
    assert.equal(choice?.message.content, 'Here it is: Enjoy.');
    assert.deepEqual(imagesOf(completion), images);
    assert.equal(choice?.finish_reason, 'stop');
    assert.equal(completion.usage?.completion_tokens, 1_290);
  });

  it('tells chat clients its pictures as `images` of deltas, in their places', async () => {
    answer = streamed;
    const stream = await openai().chat.completions.create({ ...question, stream: true });
    const told: unknown[] = [];
    for await (const { choices } of stream) {
      const delta = choices[0]?.delta as { content?: string; images?: unknown[] } | undefined;
      if (delta?.content) told.push(delta.content);
      if (delta?.images) told.push(...delta.images);
    }
    assert.deepEqual(told, ['Here it is: ', images[0], 'Enjoy.', images[1]]);
  });

  it("keeps Gemini's own answer for Gemini's own clients, byte by byte", async () => {
    answer = whole;
    const { baseUrl, apiKey } = node.asClient('gemini');
    const response = await fetch(`${baseUrl}/v1beta/models/${question.model}:generateContent`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-goog-api-key': apiKey },
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: QUESTION }] }] }),
    });
    assert.equal(await response.text(), JSON.stringify(whole));
  });

  it('does not show the drafts of its thoughts', async () => {
    answer = geminiChunk(
      [
        { ...inline(PICTURE), thought: true },
        { ...inline(SMALL), thoughtSignature: 'c2ln' },
      ],
      'STOP',
    );
    const completion = await openai().chat.completions.create(question);
    assert.deepEqual(imagesOf(completion), [
      { index: 0, type: 'image_url', image_url: { url: `data:image/png;base64,${SMALL}` } },
    ]);
  });
});

describe('an OpenRouter-like upstream', () => {
  const model = 'router/google/gemini-2.5-flash-image';
  const images = [{ type: 'image_url', image_url: { url: `data:image/jpeg;base64,${PICTURE}` } }];
  const usage = { prompt_tokens: 7, completion_tokens: 1_290, total_tokens: 1_297 };
  const head = { id: 'gen-1', created: 1_760_000_000, model: 'google/gemini-2.5-flash-image' };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const whole = {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Here.', images }, finish_reason: 'stop' }],
    usage,
  };
  const streamed = [
    chunk({ role: 'assistant', content: 'Here.' }),
    chunk({ content: '', images }),
    chunk({}, 'stop'),
    { ...head, object: 'chat.completion.chunk', choices: [], usage },
  ];
  const parts = [{ text: 'Here.' }, inline(PICTURE, 'image/jpeg')];

  it('keeps its own answer for chat clients, byte by byte', async () => {
    answer = whole;
    const { baseUrl, apiKey } = node.asClient('openai-chat');
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: QUESTION }], modalities: ['image', 'text'] }),
    });
    assert.equal(await response.text(), JSON.stringify(whole));
  });

  it('tells Gemini clients its pictures as inline data', async () => {
    answer = whole;
    const response = await google().models.generateContent({ model, contents: QUESTION });
    assert.deepEqual(response.candidates?.[0]?.content?.parts, parts);
    assert.equal(response.data, PICTURE);
    assert.equal(response.usageMetadata?.candidatesTokenCount, 1_290);
  });

  it('tells Gemini clients its pictures as inline data of a stream', async () => {
    answer = streamed;
    const told = [];
    for await (const { candidates } of await google().models.generateContentStream({ model, contents: QUESTION })) {
      told.push(...(candidates?.[0]?.content?.parts ?? []));
    }
    assert.deepEqual(
      told.filter((part) => part.text !== ''),
      parts,
    );
  });

  it('tells a picture that it has by address only as file data, or as a link', async () => {
    const url = 'https://pictures.example/lighthouse.webp';
    const message = { role: 'assistant', content: null, images: [{ type: 'image_url', image_url: { url } }] };
    answer = { ...whole, choices: [{ index: 0, message, finish_reason: 'stop' }] };
    const response = await google().models.generateContent({ model, contents: QUESTION });
    assert.deepEqual(response.candidates?.[0]?.content?.parts, [
      { fileData: { mimeType: 'image/webp', fileUri: url } },
    ]);
    const { content } = await anthropic().messages.create({
      model,
      messages: [{ role: 'user', content: QUESTION }],
      max_tokens: 100,
    });
    assert.deepEqual(content, [{ type: 'text', text: `![picture](${url})\n` }]);
  });
});

describe('clients whose wire has no place for pictures', () => {
  const MISSING =
    '(The model answered with a picture and no text. This API has no place for pictures: ask through /v1/chat/completions, /v1/responses or the Gemini API to get them.)';
  const model = 'google/gemini-2.5-flash-image';
  const messages = [{ role: 'user' as const, content: QUESTION }];

  for (const [name, text, parts] of [
    ['are told so when there is nothing else', MISSING, [inline(SMALL)]],
    ['see the text alone when there is one', 'Done.', [inline(SMALL), { text: 'Done.' }]],
  ] as const) {
    it(`${name}: anthropic`, async () => {
      answer = geminiChunk(parts, 'STOP');
      const message = await anthropic().messages.create({ model, messages, max_tokens: 100 });
      assert.deepEqual(message.content, [{ type: 'text', text }]);
      answer = [geminiChunk(parts), geminiChunk([], 'STOP')];
      const stream = anthropic().messages.stream({ model, messages, max_tokens: 100 });
      assert.equal(await stream.finalText(), text);
    });

    it(`${name}: ollama`, async () => {
      answer = geminiChunk(parts, 'STOP');
      assert.equal((await ollama().chat({ model, messages })).message.content, text);
      answer = [geminiChunk(parts), geminiChunk([], 'STOP')];
      let told = '';
      for await (const { message } of await ollama().chat({ model, messages, stream: true })) told += message.content;
      assert.equal(told, text);
    });

    it(`${name}: legacy completions`, async () => {
      answer = geminiChunk(parts, 'STOP');
      assert.equal((await openai().completions.create({ model, prompt: QUESTION })).choices[0]?.text, text);
      answer = [geminiChunk(parts), geminiChunk([], 'STOP')];
      let told = '';
      for await (const { choices } of await openai().completions.create({ model, prompt: QUESTION, stream: true })) {
        told += choices[0]?.text ?? '';
      }
      assert.equal(told, text);
    });
  }
});
