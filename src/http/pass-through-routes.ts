// OpenAI endpoints that we do not understand and need not: sent on to an OpenAI-compatible target of the chain, with
// only the model renamed; the answer comes back as it is.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { JSON_TYPE, OPAQUE_PATHS, type OpaquePath, type OpaqueRequest } from '../gateway/opaque-request.ts';
import { handlePassThrough } from '../gateway/pass-through.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import { asString } from '../model/json.ts';
import type { ChatEndpointDeps } from './chat-endpoint.ts';
import { ClientWriter } from './client-writer.ts';
import { answerHeaders, exchange } from './exchange.ts';
import { jsonBody } from './json-body.ts';
import { modelFieldOf, withModelField } from './model-field.ts';

/** Where OpenAI's API does not ask for one, and its SDKs' users leave it out. */
const DEFAULT_MODELS: Readonly<Partial<Record<OpaquePath, string>>> = {
  '/moderations': 'omni-moderation-latest',
};

export function passThroughRoutes(server: FastifyInstance, deps: ChatEndpointDeps): void {
  const options = { config: { dialect: 'openai-chat' } } as const;
  for (const path of OPAQUE_PATHS) {
    const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const work = (context: RequestContext): Promise<void> => passThrough(path, request, reply, context, deps);
      return exchange(request, reply, path.slice(1), deps, work, deps.pipeline.peers !== undefined);
    };
    server.post(`/v1${path}`, options, handler);
    // The AzureOpenAI client names the model there, and in the body not at all.
    server.post(`/openai/deployments/:deployment${path}`, options, handler);
  }
}

async function passThrough(
  path: OpaquePath,
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

function parse(path: OpaquePath, request: FastifyRequest): OpaqueRequest {
  const contentType = request.headers['content-type'] ?? 'application/json';
  const { deployment } = request.params as { readonly deployment?: string };
  if (contentType.startsWith('multipart/form-data')) return parseForm(path, contentType, request.body, deployment);
  const { model, ...rest } = jsonBody(request);
  const fields = JSON.stringify(rest).slice(1);
  return {
    model: deployment ?? asString(model) ?? DEFAULT_MODELS[path] ?? '',
    path,
    contentType: JSON_TYPE,
    before: Buffer.from('{"model":'),
    after: Buffer.from(fields === '}' ? fields : `,${fields}`),
  };
}

/** Only the small `model` field of a form is looked for and replaced; files are not parsed. */
function parseForm(path: OpaquePath, contentType: string, sent: unknown, deployment?: string): OpaqueRequest {
  if (!Buffer.isBuffer(sent)) throw new GatewayError('bad_request', 'The form is empty.');
  const body = deployment === undefined ? sent : withModelField(sent, contentType);
  const { start, end } = modelFieldOf(body, contentType);
  return {
    model: deployment ?? body.toString('utf8', start, end),
    path,
    contentType,
    before: body.subarray(0, start),
    after: body.subarray(end),
  };
}
