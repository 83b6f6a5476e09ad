import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { openaiCompletions } from '../../../src/dialects/openai-completions/index.ts';
import { GatewayError } from '../../../src/errors.ts';

const parse = (body: object) => openaiCompletions.client.parseRequest(body as any, {});

describe('openai-completions parseRequest', () => {
  it('makes the prompt one user message', () => {
    const body = {
      model: 'm',
      prompt: 'Once',
      max_tokens: 5,
      temperature: 0,
      n: 2,
      best_of: 2,
      logprobs: 3,
      stop: ['.'],
      seed: 1,
      user: 'u',
      stream: true,
      stream_options: { include_usage: true },
    };
    assert.deepEqual(parse(body), {
      model: 'm',
      isStream: true,
      isUsageWanted: true,
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Once' }] }],
      tools: [],
      sampling: {
        temperature: 0,
        stop: ['.'],
        seed: 1,
        candidateCount: 2,
        maxOutputTokens: 5,
        logprobs: true,
        topLogprobs: 3,
      },
      endUser: 'u',
      original: { dialect: 'openai-completions', body },
    });
  });

  it('takes an array of one text', () => {
    assert.deepEqual(parse({ model: 'm', prompt: ['Once'] }).messages, [
      { role: 'user', parts: [{ type: 'text', text: 'Once' }] },
    ]);
  });

  it('asks for the text between prompt and suffix', () => {
    const { messages } = parse({ model: 'm', prompt: 'def f(', suffix: '): pass' });
    assert.deepEqual(
      messages.map((message) => message.role),
      ['system', 'user'],
    );
    assert.deepEqual(messages[1]?.parts, [{ type: 'text', text: '<prefix>def f(</prefix><suffix>): pass</suffix>' }]);
  });

  it('becomes a chat completion for the upstream', () => {
    const request = parse({ model: 'm', prompt: 'Once', max_tokens: 5, logit_bias: { 1: 2 } });
    assert.deepEqual(openaiChat.upstream!.renderRequest(request, { model: 'u', isStream: false, traits: {} }), {
      path: '/chat/completions',
      body: { model: 'u', messages: [{ role: 'user', content: 'Once' }], max_tokens: 5 },
    });
  });

  it('refuses by name what a conversation cannot do', () => {
    const cases: [object, string, RegExp][] = [
      [{ prompt: 'x' }, 'model', /required/],
      [{ model: 'm' }, 'prompt', /required/],
      [{ model: 'm', prompt: null }, 'prompt', /required/],
      [{ model: 'm', prompt: [] }, 'prompt', /one string/],
      [{ model: 'm', prompt: ['a', 'b'] }, 'prompt', /one prompt a request/],
      [{ model: 'm', prompt: [1, 2] }, 'prompt', /token ids/],
      [{ model: 'm', prompt: [[1, 2]] }, 'prompt', /token ids/],
      [{ model: 'm', prompt: 'x', echo: true }, 'echo', /not supported/],
      [{ model: 'm', prompt: 'x', best_of: 3, n: 2 }, 'best_of', /'n'/],
    ];
    for (const [body, param, words] of cases) {
      assert.throws(
        () => parse(body),
        (thrown: unknown) =>
          thrown instanceof GatewayError &&
          thrown.code === 'bad_request' &&
          thrown.param === param &&
          words.test(thrown.message),
        JSON.stringify(body),
      );
    }
    assert.equal(parse({ model: 'm', prompt: 'x', echo: false, best_of: 1 }).model, 'm');
  });
});
