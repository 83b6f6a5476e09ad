// OpenAI endpoints that we do not understand and need not: sent on to an OpenAI-compatible target of the chain, with
// only the model renamed; the answer comes back as it is.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { handlePassThrough, type PassThroughRequest } from '../gateway/pass-through.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import { asString } from '../model/json.ts';
import type { ChatEndpointDeps } from './chat-endpoint.ts';
import { ClientWriter } from './client-writer.ts';
import { answerHeaders, exchange } from './exchange.ts';
import { jsonBody } from './json-body.ts';
import { modelFieldOf, withModelField } from './model-field.ts';

const PATHS = [
  '/audio/speech',
  '/audio/transcriptions',
  '/audio/translations',
  '/images/generations',
  '/images/edits',
  '/images/variations',
  '/moderations',
  '/rerank',
] as const;

/** Where OpenAI's API does not ask for one, and its SDKs' users leave it out. */
const DEFAULT_MODELS: Readonly<Record<string, string>> = {
  '/moderations': 'omni-moderation-latest',
};

export function passThroughRoutes(server: FastifyInstance, deps: ChatEndpointDeps): void {
  for (const path of PATHS) {
    const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      exchange(request, reply, path.slice(1), deps, (context) => passThrough(path, request, reply, context, deps));
    const options = { config: { dialect: 'openai-chat' } } as const;
    server.post(`/v1${path}`, options, handler);
    // The AzureOpenAI client names the model there, and in the body not at all.
    server.post(`/openai/deployments/:deployment${path}`, options, handler);
  }
}

async function passThrough(
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
  context: RequestContext,
  deps: ChatEndpointDeps,
): Promise<void> {
  const answer = await handlePassThrough(parse(path, request), context, deps.pipeline);
  try {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(answer.status, { ...keptHeaders(answer.headers), ...answerHeaders(context.trace) });
    const writer = new ClientWriter(raw, deps.clock);
    for (let bytes = await answer.next(); bytes; bytes = await answer.next()) {
      const room = writer.write(bytes);
      if (room) await room;
      if (context.signal.aborted) throw context.signal.reason;
    }
    raw.end();
  } finally {
    answer.cancel();
  }
}

function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['content-type', 'content-length', 'content-disposition']) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function parse(path: string, request: FastifyRequest): PassThroughRequest {
  const contentType = request.headers['content-type'] ?? 'application/json';
  const { deployment } = request.params as { readonly deployment?: string };
  if (contentType.startsWith('multipart/form-data')) return parseForm(path, contentType, request.body, deployment);
  const body = jsonBody(request);
  const model = deployment ?? asString(body.model) ?? DEFAULT_MODELS[path] ?? '';
  return {
    model,
    path,
    contentType: 'application/json',
    bodyFor: (name) => JSON.stringify({ ...body, model: name }),
  };
}

/** Only the small `model` field of a form is looked for and replaced; files are not parsed. */
function parseForm(path: string, contentType: string, sent: unknown, deployment?: string): PassThroughRequest {
  if (!Buffer.isBuffer(sent)) throw new GatewayError('bad_request', 'The form is empty.');
  const body = deployment === undefined ? sent : withModelField(sent, contentType);
  const { start, end } = modelFieldOf(body, contentType);
  return {
    model: deployment ?? body.toString('utf8', start, end),
    path,
    contentType,
    bodyFor: (name) => Buffer.concat([body.subarray(0, start), Buffer.from(name), body.subarray(end)]),
  };
}
