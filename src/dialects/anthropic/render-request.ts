// The neutral request → a call of /v1/messages. A client's own Messages body is sent on with only what must change
// changed; any other conversation is built afresh.

import { GatewayError } from '../../errors.ts';
import type { ChatRequest, OriginalRequest, Sampling } from '../../model/chat.ts';
import { asArray, asObject, type JsonObject } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { limitCacheBreakpoints } from './cache-breakpoints.ts';
import { isThoughtMissing, repairHistory } from './history.ts';
import { generationOf, type ModelGeneration } from './model-generation.ts';
import { continuesThread } from './parse-request.ts';
import { renderConversation } from './render-messages.ts';
import { renderTools } from './render-tools.ts';
import { structuredAnswer } from './structured-answer.ts';
import { planThinking } from './thinking.ts';

/** The version that still takes temperature, top_p and top_k; compatible servers know it, too. */
const VERSION_WITH_SAMPLING = '2023-06-01';
const SAMPLING_FIELDS = ['temperature', 'top_p', 'top_k'];

export function renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const original = request.original?.dialect === 'anthropic' ? request.original : undefined;
  const body = original ? ownBody(request, original, target) : builtBody(request, target);
  for (const field of target.traits.refusedFields ?? []) delete body[field];
  return { path: '/v1/messages', body, headers: wireHeaders(body, original?.headers) };
}

function wireHeaders(body: JsonObject, clientHeaders: OriginalRequest['headers']): Record<string, string> {
  const hasSampling = SAMPLING_FIELDS.some((field) => body[field] !== undefined && body[field] !== null);
  const version = hasSampling ? undefined : clientHeaders?.['anthropic-version'];
  const beta = clientHeaders?.['anthropic-beta'];
  return {
    'anthropic-version': version ?? VERSION_WITH_SAMPLING,
    ...(beta !== undefined && { 'anthropic-beta': beta }),
  };
}

function ownBody(request: ChatRequest, original: OriginalRequest, target: UpstreamTarget): JsonObject {
  const { isClaude, hasSystemTurns } = generationOf(target.model);
  const body: JsonObject = { ...original.body, model: target.model };
  if (target.isStream || body.stream !== undefined) body.stream = target.isStream;
  if (!isClaude) withoutThread(body);
  if (original.isConversationEdited) {
    const { system, messages } = renderConversation(request.messages);
    delete body.system;
    if (system.length > 0) body.system = system;
    body.messages = messages;
    limitCacheBreakpoints(body);
  } else {
    const repair = { isUnsignedThinkingDropped: isClaude, hasSystemTurns };
    body.messages = repairHistory(asArray(body.messages), repair);
  }
  const isChanged = body.messages !== original.body.messages;
  const isManualThinking = asObject(body.thinking)?.type === 'enabled';
  if (isClaude && isChanged && isManualThinking && isThoughtMissing(asArray(body.messages))) delete body.thinking;
  return body;
}

/** Only Anthropic keeps conversations; compatible servers would not even say that the earlier messages are missing. */
function withoutThread(body: JsonObject): void {
  if (continuesThread(body)) {
    throw new GatewayError('unsupported', "This model's server keeps no threads: send the whole conversation.", {
      param: 'thread',
    });
  }
  delete body.thread;
}

function builtBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  if ((request.sampling.candidateCount ?? 1) > 1) {
    throw new GatewayError('unsupported', 'Anthropic models give one answer a request: leave n out or set it to 1.', {
      param: 'n',
    });
  }
  const generation = generationOf(target.model);
  const { system, messages } = renderConversation(request.messages);
  const { schema, words } = structuredAnswer(request.responseFormat, generation);
  if (words !== undefined) system.push({ type: 'text', text: words });
  const plan = planThinking(request, generation, messages, target.traits.defaultMaxOutputTokens);
  const outputConfig = renderOutputConfig(schema, plan.effort);
  const body: JsonObject = {
    ...request.extensions?.anthropic,
    model: target.model,
    max_tokens: plan.maxTokens,
    ...(system.length > 0 && { system }),
    messages,
    ...renderTools(request, messages, generation.isClaude),
    ...renderSampling(request.sampling, generation, plan.isThinking),
    ...(plan.thinking && { thinking: plan.thinking }),
    ...(outputConfig && { output_config: outputConfig }),
    ...(request.endUser !== undefined && { metadata: { user_id: request.endUser } }),
    ...(target.isStream && { stream: true }),
  };
  limitCacheBreakpoints(body);
  return body;
}

function renderOutputConfig(schema: JsonObject | undefined, effort: string | undefined): JsonObject | undefined {
  if (!schema && effort === undefined) return undefined;
  return {
    ...(effort !== undefined && { effort }),
    ...(schema && { format: { type: 'json_schema', schema } }),
  };
}

/**
 * Thinking forbids a temperature, and Claude 4.1 to 4.6 refuse temperature and top_p together, so that the
 * temperature wins. Stop sequences of white space are refused.
 */
function renderSampling(sampling: Sampling, generation: ModelGeneration, isThinking: boolean): JsonObject {
  const { temperature, topP, topK } = sampling;
  const stop = sampling.stop?.filter((sequence) => sequence.trim() !== '') ?? [];
  const body: JsonObject = stop.length > 0 ? { stop_sequences: stop } : {};
  if (isThinking || !generation.hasSampling) return body;
  if (temperature !== undefined) body.temperature = Math.min(1, Math.max(0, temperature));
  if (topP !== undefined && (temperature === undefined || !generation.isClaude)) body.top_p = topP;
  if (topK !== undefined) body.top_k = topK;
  return body;
}
