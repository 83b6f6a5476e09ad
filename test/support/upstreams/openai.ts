// OpenAI, Azure, Mistral and vLLM-like servers: which path answers what, and who may enter.

import { answerChat } from './openai-chat.ts';
import {
  AZURE_DENIED,
  AZURE_NO_DEPLOYMENT,
  type Flavour,
  failureOf,
  INCORRECT_KEY,
  NO_KEY,
  refusedReply,
  unknownModel,
} from './openai-errors.ts';
import {
  answerCompletion,
  answerEmbedding,
  answerImages,
  answerInputTokens,
  answerModels,
  answerModeration,
  answerSpeech,
  answerTranscription,
} from './openai-other.ts';
import { answerResponses } from './openai-responses.ts';
import { type AnswerContext, jsonOf, type RecordedRequest, Refused, type Reply, type Speaker } from './speaker.ts';

const OPENAI_MODELS = [
  'gpt-4.1-mini',
  'gpt-5-mini',
  'gpt-3.5-turbo-instruct',
  'text-embedding-3-small',
  'gpt-4o-mini-transcribe',
  'gpt-4o-mini-tts',
  'gpt-image-1',
  'omni-moderation-latest',
];

export const openai = speakerOf('openai', '/v1', OPENAI_MODELS);
/** Models are the names of deployments. */
export const azure = speakerOf('azure', '/openai', OPENAI_MODELS);
export const mistral = speakerOf('mistral', '/v1', ['mistral-small-latest', 'mistral-embed']);
export const compatible = speakerOf('compatible', '/v1', ['Qwen/Qwen3-8B', 'BAAI/bge-m3']);

function speakerOf(flavour: Flavour, sdkPath: string, defaultModels: readonly string[]): Speaker {
  return {
    name: flavour,
    sdkPath,
    defaultModels,
    lineEnding: '\n',
    hasKeys: true,
    async answer(request, context) {
      try {
        authorize(request, flavour, context.keys);
        return await route(request, flavour, context);
      } catch (error) {
        if (error instanceof Refused) return refusedReply(flavour, error);
        throw error;
      }
    },
    failure: (facts) => failureOf(flavour, facts),
  };
}

function authorize(request: RecordedRequest, flavour: Flavour, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const key = flavour === 'azure' ? request.headers['api-key'] : bearer;
  if (key !== undefined && keys.includes(key)) return;
  if (flavour === 'azure') throw new Refused(401, AZURE_DENIED, { code: '401' });
  if (flavour === 'mistral') throw new Refused(401, 'Unauthorized');
  throw key === undefined ? new Refused(401, NO_KEY) : new Refused(401, INCORRECT_KEY, { code: 'invalid_api_key' });
}

function route(request: RecordedRequest, flavour: Flavour, context: AnswerContext): Reply | Promise<Reply> {
  const { endpoint, deployment } = locate(request, flavour);
  const isGet = request.method === 'GET';
  if (isGet && /^\/models(\/|$)/.test(endpoint)) return answerModels(endpoint, flavour, context.models);
  if (isGet) throw notFound(request);
  if (endpoint === '/audio/transcriptions' || endpoint === '/audio/translations')
    return answerTranscription(request, flavour);
  const body = jsonOf(request, (problem) =>
    problem === 'type'
      ? new Refused(415, `Unsupported content type: '${request.headers['content-type']}'.`)
      : new Refused(
          400,
          'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
        ),
  );
  checkModel(deployment ?? body.model, flavour, context.models);
  switch (endpoint) {
    case '/chat/completions':
      return answerChat(body, flavour, deployment, context);
    case '/embeddings':
      return answerEmbedding(body, flavour);
    case '/completions':
      return answerCompletion(body, flavour, context);
  }
  if (flavour === 'openai' || flavour === 'azure') {
    switch (endpoint) {
      case '/responses':
        return answerResponses(body, context);
      case '/responses/input_tokens':
        return answerInputTokens(body, context);
      case '/audio/speech':
        return answerSpeech(body, flavour);
      case '/images/generations':
        return answerImages(body, flavour);
      case '/moderations':
        return answerModeration(body, flavour, context.seed);
    }
  }
  throw notFound(request);
}

function locate(request: RecordedRequest, flavour: Flavour): { endpoint: string; deployment?: string } {
  if (flavour !== 'azure') {
    const match = /^\/v1(\/.*)$/.exec(request.path);
    if (!match?.[1]) throw notFound(request);
    return { endpoint: match[1] };
  }
  const path = /^\/openai(?:\/deployments\/([^/]+))?(\/.*)$/.exec(request.path);
  const isVersioned = request.query['api-version'] !== undefined;
  if (!path?.[2] || !isVersioned) throw new Refused(404, 'Resource not found', { code: '404' });
  return path[1] === undefined ? { endpoint: path[2] } : { endpoint: path[2], deployment: decodeURIComponent(path[1]) };
}

function checkModel(model: unknown, flavour: Flavour, models: readonly string[]): void {
  if (typeof model !== 'string') {
    // The body's own check says what is wrong; only endpoints with a default model get past it.
    return;
  }
  if (models.includes(model)) return;
  if (flavour === 'azure') throw new Refused(404, AZURE_NO_DEPLOYMENT, { code: 'DeploymentNotFound' });
  if (flavour === 'mistral') throw new Refused(400, `Invalid model: ${model}`, { code: 'model' });
  throw new Refused(404, unknownModel(model), { code: 'model_not_found' });
}

function notFound(request: RecordedRequest): Refused {
  return new Refused(404, `Invalid URL (${request.method} ${request.path})`);
}
