// The smaller endpoints, by the official SDKs: embeddings, models, token counts, audio, images, completions.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI, { toFile } from 'openai';
import { IMAGE } from '../prompts.ts';
import { embeddingOf } from './embedding.ts';
import { SPEECH_BYTES } from './openai-other.ts';
import { startUpstream, type Upstream } from './server.ts';

function openaiOf(upstream: Upstream): OpenAI {
  return new OpenAI({ baseURL: upstream.sdkBaseUrl, apiKey: upstream.key, maxRetries: 0 });
}

describe('OpenAI', () => {
  it('embeds as base64, which is what the SDK asks for, and as floats', async () => {
    await using upstream = await startUpstream('openai');
    const client = openaiOf(upstream);
    const params = { model: 'text-embedding-3-small', input: ['é', '漢字'] };
    const expected = [embeddingOf('é', 8), embeddingOf('漢字', 8)];
    const implicit = await client.embeddings.create(params);
    assert.equal(upstream.lastRequest.body.encoding_format, 'base64');
    assert.deepEqual(
      implicit.data.map((one) => one.embedding),
      expected,
    );
    const floats = await client.embeddings.create({ ...params, encoding_format: 'float', dimensions: 3 });
    assert.deepEqual(
      floats.data.map((one) => one.embedding),
      [embeddingOf('é', 3), embeddingOf('漢字', 3)],
    );
    assert.deepEqual(floats.usage, { prompt_tokens: 8, total_tokens: 8 });
  });

  it('completes prompts, streamed and not', async () => {
    await using upstream = await startUpstream('openai');
    const client = openaiOf(upstream);
    const params = { model: 'gpt-3.5-turbo-instruct', prompt: ['a', 'b'] };
    const whole = await client.completions.create(params);
    assert.deepEqual(
      whole.choices.map((choice) => choice.text),
      ['Completed: a — 漢字 🙂', 'Completed: b — 漢字 🙂'],
    );
    const texts = ['', ''];
    let promptTokens: number | undefined;
    const stream = await client.completions.create({
      ...params,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      for (const choice of chunk.choices) texts[choice.index] += choice.text;
      promptTokens = chunk.usage?.prompt_tokens;
    }
    assert.deepEqual(
      texts,
      whole.choices.map((choice) => choice.text),
    );
    assert.equal(promptTokens, 9);
  });

  it('lists and describes its models', async () => {
    await using upstream = await startUpstream('openai', { models: ['one', 'two'] });
    const client = openaiOf(upstream);
    assert.deepEqual(
      (await client.models.list()).data.map((model) => model.id),
      ['one', 'two'],
    );
    assert.equal((await client.models.retrieve('two')).id, 'two');
    await assert.rejects(client.models.retrieve('three'), OpenAI.NotFoundError);
  });

  it('hears, speaks, paints and moderates', async () => {
    await using upstream = await startUpstream('openai');
    const client = openaiOf(upstream);
    const file = await toFile(Buffer.from('RIFF0000'), 'voice.wav', { type: 'audio/wav' });
    const heard = await client.audio.transcriptions.create({ file, model: 'gpt-4o-mini-transcribe', language: 'ja' });
    assert.equal(heard.text, 'Heard voice.wav (8 bytes) in ja: こんにちは 👋');
    const streamed = await client.audio.transcriptions.create({ file, model: 'gpt-4o-mini-transcribe', stream: true });
    let text = '';
    for await (const event of streamed) if (event.type === 'transcript.text.delta') text += event.delta;
    assert.equal(text, 'Heard voice.wav (8 bytes) in any language: こんにちは 👋');
    const speech = await client.audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'hi' });
    assert.deepEqual(Buffer.from(await speech.arrayBuffer()), SPEECH_BYTES);
    const images = await client.images.generate({ model: 'gpt-image-1', prompt: 'a dot' });
    assert.equal(images.data?.[0]?.b64_json, IMAGE.base64);
    assert.equal((await client.moderations.create({ input: 'x' })).results[0]?.flagged, false);
  });

  it('tells the log probabilities of what it streams and what it answers whole', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith('image');
    const params = {
      model: 'gpt-4.1-mini',
      logprobs: true,
      top_logprobs: 2,
      messages: [
        {
          role: 'user' as const,
          content: [{ type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE.base64}` } }],
        },
      ],
    };
    const client = openaiOf(upstream);
    const whole = (await client.chat.completions.create(params)).choices[0];
    const streamed = (await client.chat.completions.stream(params).finalChatCompletion()).choices[0];
    assert.equal(whole?.logprobs?.content?.map((one) => one.token).join(''), whole?.message.content);
    assert.equal(whole?.logprobs?.content?.[0]?.top_logprobs.length, 2);
    assert.deepEqual(streamed?.logprobs?.content, whole?.logprobs?.content);
  });

  it('answers as often as n says, streamed and not', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith('refusal');
    const client = openaiOf(upstream);
    const params = { model: 'gpt-4.1-mini', n: 2, messages: [{ role: 'user' as const, content: 'x' }] };
    const whole = await client.chat.completions.create(params);
    const streamed = await client.chat.completions.stream(params).finalChatCompletion();
    assert.equal(whole.choices.length, 2);
    assert.deepEqual(
      streamed.choices.map((one) => one.message.refusal),
      whole.choices.map((one) => one.message.refusal),
    );
  });
});

describe('Anthropic', () => {
  it('counts tokens and lists models', async () => {
    await using upstream = await startUpstream('anthropic');
    upstream.respondWith('refusal');
    const client = new Anthropic({ baseURL: upstream.sdkBaseUrl, apiKey: upstream.key, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'x' }];
    const counted = await client.messages.countTokens({ model: 'claude-haiku-4-5', messages });
    assert.deepEqual(counted, { input_tokens: 25 });
    assert.equal(upstream.lastRequest.path, '/v1/messages/count_tokens');
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids, upstream.models);
    await assert.rejects(client.models.retrieve('x'), Anthropic.NotFoundError);
  });
});

describe('Gemini', () => {
  it('embeds, counts tokens and lists models', async () => {
    await using upstream = await startUpstream('gemini');
    upstream.respondWith('refusal');
    const client = new GoogleGenAI({ apiKey: upstream.key, httpOptions: { baseUrl: upstream.sdkBaseUrl } });
    const embedded = await client.models.embedContent({
      model: 'gemini-embedding-001',
      contents: ['é', '漢字'],
      config: { outputDimensionality: 4 },
    });
    assert.deepEqual(
      embedded.embeddings?.map((one) => one.values),
      [embeddingOf('é', 4), embeddingOf('漢字', 4)],
    );
    assert.match(upstream.lastRequest.path, /:batchEmbedContents$/);
    const counted = await client.models.countTokens({ model: 'gemini-2.5-flash', contents: 'x' });
    assert.equal(counted.totalTokens, 25);
    const names: (string | undefined)[] = [];
    for await (const model of await client.models.list()) names.push(model.name);
    assert.deepEqual(
      names,
      upstream.models.map((id) => `models/${id}`),
    );
  });

  it('streams a JSON array when nobody asks for server-sent events', async () => {
    await using upstream = await startUpstream('gemini');
    upstream.respondWith('length');
    const response = await fetch(
      `${upstream.url}/v1beta/models/gemini-2.5-flash:streamGenerateContent?key=${upstream.key}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          contents: [{ role: 'user', parts: [{ text: 'x' }] }],
          generationConfig: { maxOutputTokens: 24 },
        }),
      },
    );
    const chunks: any = await response.json();
    assert.equal(chunks.at(-1).candidates[0].finishReason, 'MAX_TOKENS');
  });
});

describe('Ollama', () => {
  it('embeds, lists models and tells its version', async () => {
    await using upstream = await startUpstream('ollama');
    const client = new Ollama({ host: upstream.sdkBaseUrl });
    const embedded = await client.embed({ model: 'nomic-embed-text', input: ['é', '漢字'] });
    assert.deepEqual(embedded.embeddings, [embeddingOf('é', 8), embeddingOf('漢字', 8)]);
    assert.deepEqual(
      (await client.list()).models.map((model) => model.name),
      upstream.models,
    );
    assert.equal((await client.version()).version, '0.21.0');
  });
});
