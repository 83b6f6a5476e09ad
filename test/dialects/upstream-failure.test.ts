import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cutError,
  foreignError,
  fromUpstreamError,
  garbageError,
  originalError,
  retryAfterMs,
  upstreamError,
} from '../../src/dialects/upstream-failure.ts';
import type { ErrorCode } from '../../src/errors.ts';

/** Real answers: [provider, status, type and code words, message, what it means]. */
const ANSWERS: readonly (readonly [string, number | undefined, string, string, ErrorCode])[] = [
  // OpenAI
  [
    'OpenAI',
    401,
    'invalid_request_error invalid_api_key',
    'Incorrect API key provided: sk-abc. You can find your API key at https://platform.openai.com/account/api-keys.',
    'upstream_authentication',
  ],
  [
    'OpenAI',
    429,
    'insufficient_quota insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
    'upstream_quota',
  ],
  [
    'OpenAI',
    429,
    'tokens rate_limit_exceeded',
    'Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.',
    'upstream_rate_limited',
  ],
  [
    'OpenAI',
    429,
    'billing_not_active billing_not_active',
    'Your account is not active, please check your billing details on our website.',
    'upstream_quota',
  ],
  [
    'OpenAI',
    400,
    'invalid_request_error billing_hard_limit_reached',
    'Billing hard limit has been reached',
    'upstream_quota',
  ],
  [
    'OpenAI',
    400,
    'invalid_request_error context_length_exceeded',
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
    'context_length_exceeded',
  ],
  [
    'OpenAI',
    400,
    'invalid_request_error context_length_exceeded',
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.",
    'context_length_exceeded',
  ],
  [
    'OpenAI',
    400,
    'invalid_request_error invalid_prompt',
    'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.',
    'content_filtered',
  ],
  [
    'OpenAI',
    400,
    'invalid_request_error unsupported_parameter',
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    'bad_request',
  ],
  [
    'OpenAI',
    404,
    'invalid_request_error model_not_found',
    'The model `gpt-9` does not exist or you do not have access to it.',
    'upstream_not_found',
  ],
  [
    'OpenAI',
    403,
    'request_forbidden unsupported_country_region_territory',
    'Country, region, or territory not supported',
    'upstream_permission',
  ],
  [
    'OpenAI',
    500,
    'server_error',
    'The server had an error while processing your request. Sorry about that!',
    'upstream_error',
  ],
  ['OpenAI', 503, '', 'The engine is currently overloaded, please try again later', 'upstream_overloaded'],
  [
    'OpenAI in a stream',
    undefined,
    'server_error',
    'The server had an error processing your request.',
    'upstream_error',
  ],
  ['OpenAI in a stream', undefined, 'rate_limit_exceeded', 'Rate limit reached for gpt-4o', 'upstream_rate_limited'],
  [
    'OpenAI in a stream',
    undefined,
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details.',
    'upstream_quota',
  ],
  // Anthropic
  ['Anthropic', 401, 'authentication_error', 'invalid x-api-key', 'upstream_authentication'],
  [
    'Anthropic',
    403,
    'permission_error',
    'OAuth authentication is currently not allowed for this organization.',
    'upstream_permission',
  ],
  [
    'Anthropic',
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    'upstream_quota',
  ],
  [
    'Anthropic',
    400,
    'invalid_request_error',
    'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
    'upstream_quota',
  ],
  ['Anthropic', 402, 'billing_error', 'There is an issue with your billing.', 'upstream_quota'],
  [
    'Anthropic',
    400,
    'invalid_request_error',
    'prompt is too long: 207791 tokens > 200000 maximum',
    'context_length_exceeded',
  ],
  [
    'Anthropic',
    400,
    'invalid_request_error',
    'input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000, decrease input length or `max_tokens` and try again',
    'context_length_exceeded',
  ],
  ['Anthropic', 400, 'invalid_request_error', 'max_tokens: Field required', 'bad_request'],
  ['Anthropic', 400, 'invalid_request_error', 'Output blocked by content filtering policy', 'content_filtered'],
  ['Anthropic', 404, 'not_found_error', 'model: claude-9', 'upstream_not_found'],
  ['Anthropic', 413, 'request_too_large', 'Request exceeds the maximum allowed number of bytes.', 'body_too_large'],
  [
    'Anthropic',
    429,
    'rate_limit_error',
    "This request would exceed your organization's rate limit of 50,000 input tokens per minute.",
    'upstream_rate_limited',
  ],
  ['Anthropic', 429, 'rate_limit_error', 'Extra usage is required for long context requests.', 'upstream_rate_limited'],
  ['Anthropic', 500, 'api_error', 'Internal server error', 'upstream_error'],
  ['Anthropic', 529, 'overloaded_error', 'Overloaded', 'upstream_overloaded'],
  ['Anthropic in a stream', undefined, 'overloaded_error', 'Overloaded', 'upstream_overloaded'],
  ['Anthropic in a stream', undefined, 'api_error', 'Internal server error', 'upstream_error'],
  [
    'Anthropic in a stream',
    undefined,
    'permission_error',
    'Your API key does not have permission',
    'upstream_permission',
  ],
  ['Anthropic in a stream', undefined, 'timeout_error', 'Request timed out', 'upstream_timeout'],
  // Gemini
  [
    'Gemini',
    400,
    'INVALID_ARGUMENT API_KEY_INVALID',
    'API key not valid. Please pass a valid API key.',
    'upstream_authentication',
  ],
  [
    'Gemini',
    400,
    'INVALID_ARGUMENT',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    'context_length_exceeded',
  ],
  [
    'Gemini',
    400,
    'FAILED_PRECONDITION',
    'Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.',
    'upstream_quota',
  ],
  [
    'Gemini',
    400,
    'INVALID_ARGUMENT',
    'Invalid JSON payload received. Unknown name "foo": Cannot find field.',
    'bad_request',
  ],
  [
    'Gemini',
    403,
    'PERMISSION_DENIED',
    'Generative Language API has not been used in project 1 before or it is disabled.',
    'upstream_permission',
  ],
  [
    'Gemini',
    404,
    'NOT_FOUND',
    'models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.',
    'upstream_not_found',
  ],
  [
    'Gemini',
    429,
    'RESOURCE_EXHAUSTED',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.',
    'upstream_rate_limited',
  ],
  [
    'Gemini',
    429,
    '',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.',
    'upstream_rate_limited',
  ],
  ['Gemini', 429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).', 'upstream_rate_limited'],
  ['Gemini', 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.', 'upstream_overloaded'],
  ['Gemini', 504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.', 'upstream_timeout'],
  ['Gemini in a stream', undefined, 'UNAVAILABLE', 'The service is currently unavailable.', 'upstream_overloaded'],
  ['Gemini in a stream', undefined, 'INTERNAL', 'An internal error has occurred.', 'upstream_error'],
  [
    'Gemini in a stream',
    undefined,
    'RESOURCE_EXHAUSTED',
    'Resource exhausted. Please try again later.',
    'upstream_rate_limited',
  ],
  // Mistral
  ['Mistral', 401, '', 'Unauthorized', 'upstream_authentication'],
  ['Mistral', 429, '', 'Requests rate limit exceeded', 'upstream_rate_limited'],
  ['Mistral', 429, 'rate_limited 1300', 'Rate limit exceeded', 'upstream_rate_limited'],
  [
    'Mistral',
    503,
    'service_tier_capacity_exceeded 3505',
    'Service tier capacity exceeded for this model.',
    'upstream_overloaded',
  ],
  [
    'Mistral',
    400,
    'invalid_request_error 3051',
    'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    'context_length_exceeded',
  ],
  ['Mistral', 400, 'invalid_model 1500', 'Invalid model: mistral-huge', 'upstream_not_found'],
  [
    'Mistral',
    422,
    '',
    '{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required"}]}',
    'unprocessable',
  ],
  // Azure
  [
    'Azure',
    401,
    '401',
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
    'upstream_authentication',
  ],
  [
    'Azure',
    429,
    '429',
    'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-05-01-preview have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 2 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.',
    'upstream_rate_limited',
  ],
  [
    'Azure',
    400,
    'content_filter ResponsibleAIPolicyViolation',
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
    'content_filtered',
  ],
  ['Azure', 404, 'DeploymentNotFound', 'The API deployment for this resource does not exist.', 'upstream_not_found'],
  // vLLM
  [
    'vLLM',
    400,
    'BadRequestError input_tokens, max_tokens 400',
    "This model's maximum context length is 2048 tokens. However, your request has 8 input tokens plus 2045 'max_tokens'. Please reduce one or the other.",
    'context_length_exceeded',
  ],
  ['vLLM', 400, 'BadRequestError 400', 'max_tokens must be at least 1, got -186.', 'context_length_exceeded'],
  [
    'vLLM',
    400,
    'BadRequestError 400',
    'The decoder prompt (length 5000) is longer than the maximum model length of 4096.',
    'context_length_exceeded',
  ],
  ['vLLM', 404, 'NotFoundError', 'The model `foo` does not exist.', 'upstream_not_found'],
  // llama.cpp
  [
    'llama.cpp',
    400,
    'exceed_context_size_error',
    'request (1407 tokens) exceeds the available context size (256 tokens), try increasing it',
    'context_length_exceeded',
  ],
  [
    'llama.cpp',
    500,
    'exceed_context_size_error',
    'the request exceeds the available context size. try increasing the context size or enable context shift',
    'context_length_exceeded',
  ],
  [
    'llama.cpp in a stream',
    undefined,
    'exceed_context_size_error',
    'the request exceeds the available context size. try increasing the context size or enable context shift',
    'context_length_exceeded',
  ],
  ['llama.cpp', 503, 'unavailable_error', 'Loading model', 'upstream_overloaded'],
  // Ollama
  ['Ollama', 404, '', 'model "llama9" not found, try pulling it first', 'upstream_not_found'],
  ['Ollama', 400, '', 'registry.ollama.ai/library/gemma3:4b does not support tools', 'bad_request'],
  ['Ollama', 503, '', 'server busy, please try again.  maximum pending requests exceeded', 'upstream_overloaded'],
  ['Ollama', 500, '', 'model requires more system memory (5.6 GiB) than is available (1.5 GiB)', 'upstream_error'],
  ['Ollama', 400, '', 'the input length exceeds the context length', 'context_length_exceeded'],
  // Others
  ['DeepSeek', 402, '', 'Insufficient Balance', 'upstream_quota'],
  [
    'xAI',
    400,
    'Client specified an invalid argument',
    'Incorrect API key provided: gs***tF. You can obtain an API key from https://console.x.ai.',
    'upstream_authentication',
  ],
  [
    'xAI',
    403,
    '',
    'Your team has either used all available credits or reached its monthly spending limit.',
    'upstream_quota',
  ],
  ['OpenRouter', 400, '', 'foo/bar is not a valid model ID', 'upstream_not_found'],
  [
    'OpenRouter',
    403,
    '',
    'Your chosen model requires moderation and your input was flagged for "violence".',
    'content_filtered',
  ],
  ['LiteLLM', 500, '', 'litellm.RateLimitError: too many requests', 'upstream_rate_limited'],
  ['Cloudflare', 524, '', 'A timeout occurred', 'upstream_timeout'],
  ['Cloudflare', 502, '', 'Bad gateway: invalid api key in an example of the page', 'upstream_error'],
];

describe('upstreamError', () => {
  for (const [provider, status, words, message, code] of ANSWERS) {
    test(`reads ${provider} ${status ?? ''} "${message.slice(0, 60)}" as ${code}`, () => {
      assert.equal(upstreamError({ ...(status !== undefined && { status }), words, message }).code, code);
    });
  }

  test('keeps the message, the status, the wait and the original when the client is meant', () => {
    const original = originalError('ollama', 400, { error: 'no' });
    assert.deepEqual(upstreamError({ status: 400, message: 'no', retryAfterMs: 5, original }), {
      code: 'bad_request',
      message: 'no',
      status: 400,
      retryAfterMs: 5,
      original: { dialect: 'ollama', status: 400, body: { error: 'no' } },
    });
  });

  test('tells clients nothing of our credential', () => {
    const original = originalError('openai-chat', 401, { error: 'sk-secret' });
    const error = upstreamError({ status: 401, message: 'Incorrect API key provided: sk-secret', original });
    assert.equal(error.code, 'upstream_authentication');
    assert.ok(!JSON.stringify(error).includes('sk-secret'));
  });

  test('shortens endless messages', () => {
    assert.equal(upstreamError({ status: 500, message: 'x'.repeat(5_000) }).message, `${'x'.repeat(2_000)}…`);
  });

  test('says so when the upstream said nothing', () => {
    assert.equal(upstreamError({ status: 500, message: ' ' }).message, 'The upstream failed without a message.');
  });
});

describe('foreignError', () => {
  test('reads the text out of an HTML page', () => {
    const page =
      '<html><head><title>502 Bad Gateway</title><style>h1 {color: red}</style></head>\n<body><h1>nginx</h1><script>x()</script></body></html>';
    assert.deepEqual(foreignError(502, {}, page), {
      code: 'upstream_error',
      message: '502 Bad Gateway nginx',
      status: 502,
    });
  });

  test('reads plain text and Retry-After', () => {
    assert.deepEqual(foreignError(429, { 'retry-after': '3' }, 'slow down'), {
      code: 'upstream_rate_limited',
      message: 'slow down',
      status: 429,
      retryAfterMs: 3_000,
    });
  });

  test('names the status of an empty answer', () => {
    const moved = { location: 'https://me:secret@api.test/v1/chat/completions?key=secret' };
    assert.equal(
      foreignError(308, moved, '<h1>Moved</h1>').message,
      'The upstream redirects to https://api.test/v1/chat/completions. Check the url of the account.',
    );
    assert.equal(foreignError(503, {}, '').message, 'The upstream answered with status 503 and no message.');
  });
});

describe('retryAfterMs', () => {
  const CASES: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
    ['nothing', {}, undefined],
    ['seconds', { 'retry-after': '2' }, 2_000],
    ['fractions of a second', { 'retry-after': '0.5' }, 500],
    ['milliseconds before seconds', { 'retry-after-ms': '120', 'retry-after': '2' }, 120],
    ['unreadable milliseconds', { 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    ['negative seconds', { 'retry-after': '-2' }, 0],
    ['empty headers', { 'retry-after-ms': '', 'retry-after': '' }, undefined],
    [
      'a date against the date of the answer',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      30_000,
    ],
    [
      'a date in the past',
      { 'retry-after': 'Wed, 21 Oct 2026 07:27:00 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      0,
    ],
    ['a date without the date of the answer', { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' }, undefined],
    ['rubbish', { 'retry-after': 'later' }, undefined],
  ];
  for (const [name, headers, expected] of CASES) {
    test(`reads ${name}`, () => assert.equal(retryAfterMs(headers), expected));
  }
});

test('a cut stream and garbage have codes of their own', () => {
  assert.equal(cutError().code, 'upstream_cut');
  assert.deepEqual(garbageError('x'.repeat(200)), {
    code: 'upstream_garbage',
    message: `The upstream sent something unreadable: ${'x'.repeat(100)}`,
  });
  assert.equal(garbageError(' \n').message, 'The upstream sent an empty answer.');
});

test('fromUpstreamError keeps what a client needs, and the status 529', () => {
  const original = originalError('anthropic', 529, { type: 'error' });
  const overloaded = fromUpstreamError(
    upstreamError({ status: 529, message: 'Overloaded', retryAfterMs: 7, original }),
  );
  assert.equal(overloaded.code, 'upstream_overloaded');
  assert.equal(overloaded.status, 529);
  assert.equal(overloaded.retryAfterMs, 7);
  assert.equal(overloaded.original, original);
  assert.equal(fromUpstreamError(upstreamError({ status: 500, message: 'no' })).status, 502);
});
