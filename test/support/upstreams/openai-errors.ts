// The error bodies of OpenAI and of the servers that speak its format.

import { type FailureFacts, Refused, type Speaker, type WholeReply } from './speaker.ts';
import type { Problem } from './strict.ts';
import { bracketPath } from './strict.ts';

export type Flavour = 'openai' | 'azure' | 'mistral' | 'compatible';

type Failure = ReturnType<Speaker['failure']>;

export function refusedReply(flavour: Flavour, refused: Refused): WholeReply {
  return { type: 'whole', status: refused.status, headers: headersOf(flavour), body: refusedBody(flavour, refused) };
}

function refusedBody(flavour: Flavour, { status, message, param, code }: Refused): object {
  if (flavour === 'mistral') {
    if (status === 401) return { detail: message };
    if (status === 422) return mistralBody({ detail: JSON.parse(message) }, 'invalid_request_error', null, 422);
    return mistralBody(message, code === 'model' ? 'invalid_model' : 'invalid_request_message', code ?? '3230', status);
  }
  if (flavour === 'azure' && (status === 401 || status === 404)) return { error: { code: code ?? '401', message } };
  if (flavour === 'compatible') {
    const type = status === 404 ? 'NotFoundError' : status === 401 ? 'AuthenticationError' : 'BadRequestError';
    return { error: { message, type, param, code: status } };
  }
  return { error: { message, type: 'invalid_request_error', param, code } };
}

/** How OpenAI tells of a wrong body. */
export function openaiProblem(problem: Problem): Refused {
  const param = bracketPath(problem.path);
  switch (problem.kind) {
    case 'missing':
      return new Refused(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
    case 'unknown':
      return new Refused(400, `Unknown parameter: '${param}'.`, { param, code: 'unknown_parameter' });
    case 'type':
      return new Refused(
        400,
        `Invalid type for '${param}': expected a ${problem.expected}, but got ${typeWord(problem.input)} instead.`,
        { param, code: 'invalid_type' },
      );
    case 'value':
      return new Refused(
        400,
        `Invalid value: '${JSON.stringify(problem.input)}'. Supported values are: ${problem.expected}.`,
        { param, code: 'invalid_value' },
      );
  }
}

/** How Mistral (pydantic) tells of a wrong body. */
export function mistralProblem(problem: Problem): Refused {
  const detail = {
    unknown: { type: 'extra_forbidden', msg: 'Extra inputs are not permitted' },
    missing: { type: 'missing', msg: 'Field required' },
    type: { type: `${problem.expected}_type`, msg: `Input should be a valid ${problem.expected}` },
    value: { type: 'value_error', msg: `Input should be ${problem.expected}` },
  }[problem.kind];
  return new Refused(
    422,
    JSON.stringify([{ ...detail, loc: ['body', ...problem.path], input: problem.input ?? null }]),
  );
}

export function failureOf(flavour: Flavour, facts: FailureFacts): Failure {
  const headers = headersOf(flavour);
  if (flavour === 'mistral') return { body: mistralFailure(facts), headers };
  if (flavour === 'azure') return { body: azureFailure(facts) ?? openaiFailure(facts), headers };
  return { body: openaiFailure(facts), headers };
}

function openaiFailure({ status, reason, model }: FailureFacts): object {
  const error = (message: string, type: string, code: string | null, param: string | null = null) => ({
    error: { message, type, param, code },
  });
  const invalid = 'invalid_request_error';
  if (reason === 'quota') return error(QUOTA, 'insufficient_quota', 'insufficient_quota');
  if (reason === 'context-length') {
    const message =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 130214 tokens. " +
      'Please reduce the length of the messages.';
    return error(message, invalid, 'context_length_exceeded', 'messages');
  }
  if (reason === 'content-filter') {
    const message = 'Your request was rejected as a result of our safety system.';
    return error(message, invalid, 'content_policy_violation');
  }
  switch (status) {
    case 400:
      return error(
        "Invalid 'temperature': decimal above maximum value.",
        invalid,
        'decimal_above_max_value',
        'temperature',
      );
    case 401:
      return error(INCORRECT_KEY, invalid, 'invalid_api_key');
    case 402:
      return error(QUOTA, 'insufficient_quota', 'insufficient_quota');
    case 403:
      return error(
        'Country, region, or territory not supported',
        'request_forbidden',
        'unsupported_country_region_territory',
      );
    case 404:
      return error(unknownModel(model), invalid, 'model_not_found');
    case 413:
      return error('Maximum content size limit (26214400) exceeded (26214401 bytes read)', 'server_error', null);
    case 422:
      return error('Unprocessable Entity: the request could not be followed.', invalid, null);
    case 429: {
      const message = `Rate limit reached for ${model} in organization org-8fJ2 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.`;
      return error(message, 'requests', 'rate_limit_exceeded');
    }
    case 503:
    case 529:
      return error('The engine is currently overloaded, please try again later', 'server_error', null);
    default:
      return error('The server had an error while processing your request. Sorry about that!', 'server_error', null);
  }
}

function azureFailure({ status, reason }: FailureFacts): object | undefined {
  if (reason === 'content-filter') {
    const safe = { filtered: false, severity: 'safe' };
    return {
      error: {
        message:
          "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
        innererror: {
          code: 'ResponsibleAIPolicyViolation',
          content_filter_result: {
            hate: safe,
            self_harm: safe,
            sexual: safe,
            violence: { filtered: true, severity: 'medium' },
          },
        },
      },
    };
  }
  if (reason !== undefined) return undefined;
  const code = (name: string, message: string) => ({ error: { code: name, message } });
  if (status === 401) return code('401', AZURE_DENIED);
  if (status === 404) return code('DeploymentNotFound', AZURE_NO_DEPLOYMENT);
  if (status === 429) {
    return code(
      '429',
      'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 12 seconds.',
    );
  }
  return undefined;
}

function mistralFailure({ status, reason, model }: FailureFacts): object {
  if (reason === 'context-length') {
    const message =
      'Prompt contains 33001 tokens and 0 draft tokens, too large for model with 32768 maximum context length';
    return mistralBody(message, 'invalid_request_prompt', '3051', 400);
  }
  switch (status) {
    case 401:
      return { detail: 'Unauthorized' };
    case 404:
      return mistralBody(`Invalid model: ${model}`, 'invalid_model', '1500', 404);
    case 422:
      return mistralBody(
        { detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required', input: {} }] },
        'invalid_request_error',
        null,
        422,
      );
    case 429:
      return mistralBody('Requests rate limit exceeded', 'rate_limited', '1300', 429);
    default:
      return mistralBody(
        status < 500 ? 'Invalid request' : 'Internal server error',
        status < 500 ? 'invalid_request_error' : 'internal_server_error',
        status < 500 ? '3000' : '1000',
        status,
      );
  }
}

function mistralBody(message: string | object, type: string, code: string | null, status: number): object {
  return { object: 'error', message, type, param: null, code, raw_status_code: status };
}

export function headersOf(flavour: Flavour): Record<string, string> {
  if (flavour === 'mistral') return { 'mistral-correlation-id': '0197f0aa-7cc1-7e2c-9d7a-0f6d5b0a4b11' };
  if (flavour === 'compatible') return { server: 'uvicorn' };
  if (flavour === 'azure')
    return { 'apim-request-id': 'b2d3a0de-9f0c-4a0e-8a48-7e1b2f7a6c55', 'x-ms-region': 'Sweden Central' };
  return {
    'x-request-id': 'req_5f1c0f3d8a4e4b6f9a7d2c1b0e9f8a7b',
    'openai-organization': 'acme',
    'openai-processing-ms': '412',
    'openai-version': '2020-10-01',
  };
}

export function unknownModel(model: string): string {
  return `The model \`${model}\` does not exist or you do not have access to it.`;
}

export const INCORRECT_KEY =
  'Incorrect API key provided: sk-wrong. You can find your API key at https://platform.openai.com/account/api-keys.';
export const NO_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
export const AZURE_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';
export const AZURE_NO_DEPLOYMENT =
  'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.';
const QUOTA =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.';

function typeWord(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
