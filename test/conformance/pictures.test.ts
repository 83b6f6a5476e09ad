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
      openai: { provider: 'openai', url, key: 'key-of-openai-2' },
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

/** Texts and pictures of a streamed completion, as they come. */
async function toldChat(question: Omit<OpenAI.ChatCompletionCreateParamsStreaming, 'stream'>): Promise<unknown[]> {
  const told: unknown[] = [];
  for await (const { choices } of await openai().chat.completions.create({ ...question, stream: true })) {
    const delta = choices[0]?.delta as { content?: string; images?: unknown[] } | undefined;
    if (delta?.content) told.push(delta.content);
    if (delta?.images) told.push(...delta.images);
  }
  return told;
}

/** Parts of a streamed answer, as they come. */
async function toldGemini(model: string): Promise<unknown[]> {
  const told: unknown[] = [];
  for await (const { candidates } of await google().models.generateContentStream({ model, contents: QUESTION })) {
    told.push(...(candidates?.[0]?.content?.parts ?? []).filter((part) => part.text !== ''));
  }
  return told;
}

/** Without ids, and of messages only the text. */
function shownItems(output: readonly OpenAI.Responses.ResponseOutputItem[]): unknown[] {
  return output.map((item) => {
    if (item.type === 'message')
      return { type: item.type, text: item.content.map((part) => 'text' in part && part.text).join('') };
    const { id, ...shown } = item;
    assert.match(id ?? '', /^ig_fm_/);
    return shown;
  });
}

function lastBody() {
  return JSON.parse(upstream.requests.at(-1)?.body ?? '');
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
    assert.deepEqual(await toldChat(question), ['Here it is: ', images[0], 'Enjoy.', images[1]]);
  });

  const items = [
    { type: 'message', text: 'Here it is: ' },
    { type: 'image_generation_call', status: 'completed', output_format: 'png', result: PICTURE },
    { type: 'message', text: 'Enjoy.' },
    { type: 'image_generation_call', status: 'completed', output_format: 'webp', result: SMALL },
  ];

  it('tells Responses clients its pictures as items of image generation', async () => {
    answer = whole;
    const response = await openai().responses.create({ model: question.model, input: QUESTION });
    assert.deepEqual(shownItems(response.output), items);
    assert.equal(response.status, 'completed');
    assert.equal(response.usage?.output_tokens, 1_290);
  });

  it('tells Responses clients its pictures in a stream that their SDK puts together', async () => {
    answer = streamed;
    const stream = openai().responses.stream({ model: question.model, input: QUESTION });
    const seen: string[] = [];
    for await (const event of stream) {
      if ('output_index' in event && event.output_index === 1) seen.push(event.type);
    }
    assert.deepEqual(shownItems((await stream.finalResponse()).output), items);
    assert.deepEqual(seen, [
      'response.output_item.added',
      'response.image_generation_call.in_progress',
      'response.image_generation_call.generating',
      'response.image_generation_call.completed',
      'response.output_item.done',
    ]);
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

describe('a Responses upstream', () => {
  const model = 'responses/gpt-5.2';
  const call = { id: 'ig_abc', type: 'image_generation_call', status: 'completed', output_format: 'webp', size: '8x8' };
  const text = { type: 'output_text', text: 'Here.', annotations: [], logprobs: [] };
  const message = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [text] };
  const head = { id: 'resp_1', object: 'response', created_at: 1_760_000_000, model: 'gpt-5.2' };
  const usage = { input_tokens: 7, output_tokens: 1_290, total_tokens: 1_297 };
  const whole = { ...head, status: 'completed', output: [{ ...call, result: PICTURE }, message], usage };
  const streamed = [
    { type: 'response.created', response: { ...head, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...call, status: 'in_progress', result: null } },
    { type: 'response.image_generation_call.generating', output_index: 0, item_id: 'ig_abc' },
    {
      type: 'response.image_generation_call.partial_image',
      output_index: 0,
      item_id: 'ig_abc',
      partial_image_index: 0,
      partial_image_b64: SMALL,
    },
    { type: 'response.image_generation_call.completed', output_index: 0, item_id: 'ig_abc' },
    { type: 'response.output_item.done', output_index: 0, item: { ...call, result: PICTURE } },
    { type: 'response.output_item.added', output_index: 1, item: { ...message, content: [] } },
    { type: 'response.output_text.delta', output_index: 1, content_index: 0, item_id: 'msg_1', delta: 'Here.' },
    { type: 'response.output_item.done', output_index: 1, item: message },
    { type: 'response.completed', response: whole },
  ];
  const images = [{ index: 0, type: 'image_url', image_url: { url: `data:image/webp;base64,${PICTURE}` } }];
  const parts = [inline(PICTURE, 'image/webp'), { text: 'Here.' }];
  const messages = [{ role: 'user' as const, content: QUESTION }];

  it('tells chat clients its pictures', async () => {
    answer = whole;
    const completion = await openai().chat.completions.create({ model, messages });
    assert.equal(completion.choices[0]?.message.content, 'Here.');
    assert.deepEqual(imagesOf(completion), images);
    answer = streamed;
    assert.deepEqual(await toldChat({ model, messages }), [...images, 'Here.']);
  });

  it('tells Gemini clients its pictures', async () => {
    answer = whole;
    const response = await google().models.generateContent({ model, contents: QUESTION });
    assert.deepEqual(response.candidates?.[0]?.content?.parts, parts);
    answer = streamed;
    assert.deepEqual(await toldGemini(model), parts);
  });

  it('keeps its own answer for Responses clients, and what it made when the conversation goes on', async () => {
    answer = whole;
    const { baseUrl, apiKey } = node.asClient('openai-responses');
    const response = await fetch(`${baseUrl}/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ model, input: QUESTION, tools: [{ type: 'image_generation' }] }),
    });
    assert.equal(await response.text(), JSON.stringify(whole));
    await openai().responses.create({ model, previous_response_id: 'resp_1', input: 'Now at night.' });
    assert.deepEqual(lastBody().input, [
      { type: 'message', role: 'user', content: QUESTION },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Picture by the assistant:' },
          { type: 'input_image', image_url: `data:image/webp;base64,${PICTURE}`, detail: 'auto' },
        ],
      },
      { type: 'message', role: 'assistant', content: [text] },
      { type: 'message', role: 'user', content: 'Now at night.' },
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
    assert.deepEqual(await toldGemini(model), parts);
  });

  it('may have its pictures among the parts of the content', async () => {
    const message = { role: 'assistant', content: [{ type: 'text', text: 'Here.' }, ...images] };
    answer = { ...whole, choices: [{ index: 0, message, finish_reason: 'stop' }] };
    const response = await google().models.generateContent({ model, contents: QUESTION });
    assert.deepEqual(response.candidates?.[0]?.content?.parts, parts);
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

describe('the wish for pictures', () => {
  const messages = [{ role: 'user' as const, content: QUESTION }];

  it('goes from chat clients to Gemini', async () => {
    answer = geminiChunk([inline(SMALL)], 'STOP');
    const wish = { modalities: ['image', 'text'] as ('audio' | 'text')[] };
    await openai().chat.completions.create({ model: 'google/gemini-2.5-flash-image', messages, ...wish });
    assert.deepEqual(lastBody().generationConfig, { responseModalities: ['IMAGE', 'TEXT'] });
  });

  it('goes from Gemini clients to OpenRouter', async () => {
    const message = { role: 'assistant', content: 'Here.' };
    answer = { id: 'c1', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] };
    const model = 'router/google/gemini-2.5-flash-image';
    const config = { responseModalities: ['TEXT', 'IMAGE'] };
    await google().models.generateContent({ model, contents: QUESTION, config });
    assert.deepEqual(lastBody().modalities, ['text', 'image']);
  });

  it('is refused where nobody could grant it', async () => {
    const wish = { modalities: ['image', 'text'] as ('audio' | 'text')[] };
    await assert.rejects(openai().chat.completions.create({ model: 'responses/gpt-5.2', messages, ...wish }), {
      status: 400,
      param: 'modalities',
      message:
        "400 Pictures cannot be asked of this model's API: ask for text only, or for a model of an upstream that speaks openai-chat or gemini.",
    });
    assert.equal(upstream.requests.length, 0);
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

describe('pictures of earlier answers', () => {
  const conversation = [
    { type: 'message', role: 'user', content: QUESTION },
    { id: 'ig_fm_1_0', type: 'image_generation_call', status: 'completed', output_format: 'webp', result: SMALL },
    { type: 'message', role: 'user', content: 'Now at night.' },
  ] as OpenAI.Responses.ResponseInputItem[];

  it('go from Responses clients to Gemini as its own', async () => {
    answer = geminiChunk([inline(SMALL)], 'STOP');
    await openai().responses.create({ model: 'google/gemini-2.5-flash-image', input: conversation });
    assert.deepEqual(lastBody().contents, [
      { role: 'user', parts: [{ text: QUESTION }] },
      { role: 'model', parts: [inline(SMALL, 'image/webp')] },
      { role: 'user', parts: [{ text: 'Now at night.' }] },
    ]);
  });

  const chat = [
    { role: 'user', content: QUESTION },
    {
      role: 'assistant',
      content: 'Here.',
      images: [{ index: 0, type: 'image_url', image_url: { url: `data:image/webp;base64,${SMALL}` } }],
    },
    { role: 'user', content: 'Now at night.' },
  ] as OpenAI.ChatCompletionMessageParam[];

  it('go from chat clients to Gemini as its own', async () => {
    answer = geminiChunk([inline(SMALL)], 'STOP');
    await openai().chat.completions.create({ model: 'google/gemini-2.5-flash-image', messages: chat });
    assert.deepEqual(lastBody().contents, [
      { role: 'user', parts: [{ text: QUESTION }] },
      { role: 'model', parts: [{ text: 'Here.' }, inline(SMALL, 'image/webp')] },
      { role: 'user', parts: [{ text: 'Now at night.' }] },
    ]);
  });

  it('go from chat clients to OpenRouter as they came, to OpenAI as images of the user', async () => {
    const message = { role: 'assistant', content: 'Nice.' };
    answer = { id: 'c1', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] };
    await openai().chat.completions.create({ model: 'router/google/gemini-2.5-flash-image', messages: chat });
    assert.deepEqual(lastBody().messages, chat);
    await openai().chat.completions.create({ model: 'openai/gpt-4.1', messages: chat });
    assert.deepEqual(lastBody().messages, [
      { role: 'user', content: QUESTION },
      { role: 'assistant', content: 'Here.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Media from the assistant:' },
          { type: 'image_url', image_url: { url: `data:image/webp;base64,${SMALL}` } },
          { type: 'text', text: 'Now at night.' },
        ],
      },
    ]);
  });

  it('go on by `previous_response_id`', async () => {
    answer = geminiChunk([{ ...inline(SMALL, 'image/webp'), thoughtSignature: 'c2ln' }], 'STOP');
    const model = 'google/gemini-2.5-flash-image';
    const { id } = await openai().responses.create({ model, input: QUESTION });
    await openai().responses.create({ model, previous_response_id: id, input: 'Now at night.' });
    assert.deepEqual(lastBody().contents, [
      { role: 'user', parts: [{ text: QUESTION }] },
      { role: 'model', parts: [inline(SMALL, 'image/webp')] },
      { role: 'user', parts: [{ text: 'Now at night.' }] },
    ]);
  });

  it('go from Gemini clients to a Responses upstream as images of the user, before the calls of their turn', async () => {
    answer = { id: 'resp_2', object: 'response', model: 'gpt-5.2', status: 'completed', output: [] };
    await google().models.generateContent({
      model: 'responses/gpt-5.2',
      contents: [
        { role: 'user', parts: [{ text: QUESTION }] },
        { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'save', args: {} } }, inline(SMALL)] },
        { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'save', response: { result: 'saved' } } }] },
      ],
    });
    assert.deepEqual(
      lastBody().input.map((item: { type: string; role?: string }) => item.role ?? item.type),
      ['user', 'user', 'function_call', 'function_call_output'],
    );
    assert.deepEqual(lastBody().input[1].content, [
      { type: 'input_text', text: 'Picture by the assistant:' },
      { type: 'input_image', image_url: `data:image/png;base64,${SMALL}`, detail: 'auto' },
    ]);
  });
});
