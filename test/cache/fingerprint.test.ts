import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fingerprint } from '../../src/cache/fingerprint.ts';
import { dialects } from '../../src/dialects/registry.ts';
import type { ChatRequest, DialectName } from '../../src/model/chat.ts';
import { fc } from '../support/property.ts';

const CONTEXT = { scope: 'tenant:acme', namespace: 'default', chain: 'main' };

function parsed(dialect: DialectName, body: object, headers?: Record<string, string>): ChatRequest {
  return dialects[dialect].client.parseRequest(body as never, { model: 'm', ...(headers && { headers }) });
}

function of(dialect: DialectName, body: object, headers?: Record<string, string>): string {
  return fingerprint(parsed(dialect, body, headers), CONTEXT);
}

const SCHEMA = { type: 'object', properties: { b: { type: 'string' }, a: { type: 'number' } } };

const CHAT = {
  model: 'm',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Weather in Paris?' },
  ],
  temperature: 0,
  max_tokens: 100,
  stop: ['END'],
  tools: [{ type: 'function', function: { name: 'weather', description: 'Tells it.', parameters: SCHEMA } }],
  tool_choice: 'auto',
};

const SAME: Readonly<Record<string, [DialectName, object]>> = {
  'openai-chat': ['openai-chat', CHAT],
  anthropic: [
    'anthropic',
    {
      model: 'x',
      max_tokens: 100,
      system: 'Be brief.',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Weather in Paris?' }] }],
      temperature: 0,
      stop_sequences: ['END'],
      tools: [{ name: 'weather', description: 'Tells it.', input_schema: SCHEMA }],
      tool_choice: { type: 'auto' },
    },
  ],
  ollama: [
    'ollama',
    {
      model: 'm',
      messages: CHAT.messages,
      tools: CHAT.tools,
      options: { temperature: 0, num_predict: 100, stop: ['END'] },
    },
  ],
};

test('requests of other dialects that mean the same have the same fingerprint', () => {
  const { tool_choice: _, ...withoutChoice } = CHAT;
  const [dialect, body] = SAME.anthropic as [DialectName, object];
  assert.equal(of(dialect, body), of('openai-chat', CHAT));
  assert.equal(of('ollama', (SAME.ollama as [DialectName, object])[1]), of('openai-chat', withoutChoice));
  const plain = { temperature: 0, max_output_tokens: 100 };
  const chat = of('openai-chat', {
    model: 'm',
    messages: CHAT.messages,
    temperature: 0,
    max_tokens: 100,
  });
  assert.equal(
    of('openai-responses', { model: 'm', ...plain, instructions: 'Be brief.', input: 'Weather in Paris?' }),
    chat,
  );
  const gemini = {
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [{ role: 'user', parts: [{ text: 'Weather in Paris?' }] }],
    generationConfig: { temperature: 0, maxOutputTokens: 100 },
  };
  assert.equal(of('gemini', gemini), chat);
  assert.equal(
    of('gemini', { ...gemini, generationConfig: undefined, generation_config: gemini.generationConfig }),
    chat,
  );
});

describe('what decides no answer is left out', () => {
  const silent: [DialectName, object, object][] = [
    ['openai-chat', CHAT, { stream: true }],
    ['openai-chat', CHAT, { stream_options: { include_usage: true } }],
    ['openai-chat', CHAT, { user: 'ada', metadata: { a: 'b' }, store: true, prompt_cache_key: 'k' }],
    ['openai-chat', CHAT, { model: 'other', seed: null }],
    ['openai-chat', CHAT, { max_tokens: undefined, max_completion_tokens: 100 }],
    [
      'openai-chat',
      CHAT,
      {
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }] },
          CHAT.messages[1],
        ],
      },
    ],
    ['anthropic', (SAME.anthropic as [DialectName, object])[1], { stream: true, metadata: { user_id: 'ada' } }],
  ];
  for (const [dialect, body, change] of silent) {
    test(`${dialect} ${JSON.stringify(change).slice(0, 60)}`, () => {
      assert.equal(of(dialect, { ...body, ...change }), of(dialect, body));
    });
  }
});

describe('every other field of a body changes the fingerprint', () => {
  const anthropic = (SAME.anthropic as [DialectName, object])[1];
  const responses = { model: 'm', input: 'Hello' };
  const gemini = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };
  const ollama = (SAME.ollama as [DialectName, object])[1];
  const changes: [DialectName, object, object][] = [
    ...[
      { messages: [{ role: 'user', content: 'Weather in Rome?' }] },
      { messages: [...CHAT.messages, { role: 'user', content: 'And now?' }] },
      { messages: [CHAT.messages[0], { role: 'user', content: 'Weather in Paris?', name: 'ada' }] },
      { messages: [{ role: 'developer', content: 'Be brief.' }, CHAT.messages[1]] },
      {
        messages: [
          CHAT.messages[0],
          { ...CHAT.messages[1], content: [{ type: 'image_url', image_url: { url: 'https://a.b/c.png' } }] },
        ],
      },
      { temperature: 0.1 },
      { top_p: 0.5 },
      { max_tokens: 101 },
      { stop: ['END', 'X'] },
      { seed: 1 },
      { n: 2 },
      { presence_penalty: 1 },
      { frequency_penalty: 1 },
      { logprobs: true },
      { logprobs: true, top_logprobs: 2 },
      { logit_bias: { 5: 1 } },
      { tools: [] },
      { tools: [{ type: 'function', function: { name: 'weather', parameters: SCHEMA } }] },
      {
        tools: [
          {
            type: 'function',
            function: {
              name: 'weather',
              description: 'Tells it.',
              parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'string' } } },
            },
          },
        ],
      },
      {
        tools: [
          {
            type: 'custom',
            custom: { name: 'weather', format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'a' } } },
          },
        ],
      },
      { tool_choice: 'required' },
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'weather' } }] },
        },
      },
      { parallel_tool_calls: false },
      { response_format: { type: 'json_object' } },
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } } },
      { response_format: { type: 'grammar', grammar: 'x' } },
      { reasoning_effort: 'low' },
      { reasoning_effort: 'unheard-of' },
      { reasoning: { max_tokens: 7, exclude: true } },
      { verbosity: 'low' },
      { modalities: ['text', 'audio'] },
      { chat_template_kwargs: { enable_thinking: false } },
    ].map((change): [DialectName, object, object] => ['openai-chat', CHAT, change]),
    ...[
      { thinking: { type: 'enabled', budget_tokens: 1024 } },
      { thinking: { type: 'adaptive' } },
      { output_config: { effort: 'low' } },
      { system: [{ type: 'text', text: 'Be long.' }] },
      { top_k: 3 },
      { container: 'c' },
      { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    ].map((change): [DialectName, object, object] => ['anthropic', anthropic, change]),
    ...[
      { text: { verbosity: 'low' } },
      { reasoning: { summary: 'auto' } },
      { truncation: 'auto' },
      { include: ['reasoning.encrypted_content'] },
      {
        input: [
          { role: 'user', content: 'Hello' },
          { type: 'compaction', encrypted_content: 'x' },
        ],
      },
      { max_tool_calls: 2 },
    ].map((change): [DialectName, object, object] => ['openai-responses', responses, change]),
    ...[
      { safetySettings: [{ category: 'a', threshold: 'b' }] },
      { generationConfig: { thinkingConfig: { thinkingBudget: 5 } } },
      { generationConfig: { responseModalities: ['TEXT'] } },
      { cachedContent: 'c' },
      { tools: [{ functionDeclarations: [{ name: 'f', behavior: 'NON_BLOCKING' }] }] },
    ].map((change): [DialectName, object, object] => ['gemini', gemini, change]),
    ...[{ think: true }, { options: { num_ctx: 5 } }, { format: 'json' }, { template: 't' }].map(
      (change): [DialectName, object, object] => ['ollama', ollama, change],
    ),
  ];
  for (const [dialect, body, change] of changes) {
    test(`${dialect} ${JSON.stringify(change).slice(0, 90)}`, () => {
      assert.notEqual(of(dialect, { ...body, ...change }), of(dialect, body));
    });
  }

  test('and no two of one dialect are the same', () => {
    for (const name of ['openai-chat', 'anthropic', 'openai-responses', 'gemini', 'ollama'] as const) {
      const own = changes.filter(([dialect]) => dialect === name);
      assert.equal(new Set(own.map(([dialect, body, change]) => of(dialect, { ...body, ...change }))).size, own.length);
    }
  });

  test('a header that switches on a feature of the provider', () => {
    assert.notEqual(of('anthropic', anthropic, { 'anthropic-beta': 'x' }), of('anthropic', anthropic));
    assert.equal(of('anthropic', anthropic, { 'anthropic-version': 'x' }), of('anthropic', anthropic));
  });
});

describe('properties', () => {
  const word = fc.string({ minLength: 1, maxLength: 20 });
  const request: fc.Arbitrary<ChatRequest> = fc.record({
    model: fc.constant('m'),
    isStream: fc.boolean(),
    messages: fc.array(
      fc.record({
        role: fc.constantFrom('system', 'user', 'assistant'),
        parts: fc.array(fc.record({ type: fc.constant('text'), text: fc.string() }), { maxLength: 3 }),
      }),
      { maxLength: 4 },
    ),
    tools: fc.array(fc.record({ name: word, description: word }), { maxLength: 2 }),
    sampling: fc.record(
      { temperature: fc.double({ noNaN: true }), seed: fc.integer(), stop: fc.array(word), topK: fc.nat() },
      { requiredKeys: [] },
    ),
  }) as fc.Arbitrary<ChatRequest>;

  test('equal requests have equal fingerprints, different ones different ones', () => {
    const decides = ({ messages, tools, sampling }: ChatRequest): string =>
      JSON.stringify([messages, tools, sorted(sampling)]);
    fc.assert(
      fc.property(request, request, (a, b) => {
        assert.equal(fingerprint(a, CONTEXT) === fingerprint(b, CONTEXT), decides(a) === decides(b));
        assert.equal(fingerprint(a, CONTEXT), fingerprint({ ...structuredClone(a), isStream: !a.isStream }, CONTEXT));
      }),
      { numRuns: 300 },
    );
  });

  test('a field that the model may get one day changes it, too', () => {
    fc.assert(
      fc.property(request, word, fc.jsonValue({ maxDepth: 2 }), (one, name, value) => {
        const known = [
          'model',
          'isStream',
          'isUsageWanted',
          'endUser',
          'metadata',
          'original',
          'messages',
          'tools',
          'sampling',
          'extensions',
          '__proto__',
        ];
        fc.pre(!known.includes(name));
        assert.notEqual(fingerprint({ ...one, [name]: value } as ChatRequest, CONTEXT), fingerprint(one, CONTEXT));
      }),
      { numRuns: 200 },
    );
  });

  test('no two scopes, namespaces, chains or lists of passages ever share one', () => {
    const context = fc.record({
      scope: fc.string({ maxLength: 4 }),
      namespace: fc.string({ maxLength: 4 }),
      chain: fc.string({ maxLength: 4 }),
      passages: fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(request, context, context, (one, a, b) => {
        assert.equal(fingerprint(one, a) === fingerprint(one, b), JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });
});

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
