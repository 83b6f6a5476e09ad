// Neutral request → chat completion body. A request that came in this dialect is sent as its client wrote it, with only
// what must change replaced.

import type { ChatRequest, OriginalRequest, ResponseFormat, Tool, ToolChoice } from '../../model/chat.ts';
import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget, UpstreamTraits } from '../dialect.ts';
import { shortEndUser } from '../end-user.ts';
import { withJsonWord } from '../json-word.ts';
import { withOneSystemMessage } from '../one-system-message.ts';
import { commonFields, verbosityOf } from '../openai-fields.ts';
import { strictAtOpenAi } from '../openai-strict.ts';
import { effortFor, isOpenaiReasoningModel } from '../reasoning-models.ts';
import { argumentsSchema } from '../tool-schema.ts';
import { toolNameOf } from './parse-tools.ts';
import { patchMessages } from './patch-messages.ts';
import { withPicturesOfUser } from './pictures-back.ts';
import { withReasoningBack } from './reasoning-back.ts';
import { renderMessages } from './render-messages.ts';

export function renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const { original } = request;
  const body =
    original?.dialect === 'openai-chat'
      ? patchOriginal(request, original, target)
      : renderBody(withJsonWord(request), target);
  for (const field of target.traits.refusedFields ?? []) delete body[field];
  return { path: '/chat/completions', body };
}

function patchOriginal(request: ChatRequest, original: OriginalRequest, target: UpstreamTarget): JsonObject {
  const { traits } = target;
  const body: JsonObject = { ...original.body, model: target.model };
  const messages = original.isConversationEdited ? renderMessages(request.messages, traits) : body.messages;
  if (Array.isArray(messages))
    body.messages = soundMessages(patchMessages(toldPictures(messages, traits), traits), traits);
  if (target.isStream || body.stream !== undefined) body.stream = target.isStream;
  patchStreamOptions(body, target);
  patchMaxTokens(body, traits.maxTokensField);
  patchToolChoice(body, request, traits);
  return body;
}

function patchToolChoice(
  body: JsonObject,
  { toolChoice, tools }: ChatRequest,
  { responsesModels }: UpstreamTraits,
): void {
  // Mistral's older word, which its SDK still sends; every server knows the other.
  if (body.tool_choice === 'any') body.tool_choice = 'required';
  // Of OpenAI's own servers; others refuse the choice, and get no more than the tools that may be called.
  if (responsesModels || asObject(body.tool_choice)?.type !== 'allowed_tools') return;
  const allowed = new Set(tools.map(({ name }) => name));
  if (allowed.size === 0) {
    delete body.tools;
    delete body.tool_choice;
    return;
  }
  body.tools = asArray(body.tools).filter((tool) => allowed.has(toolNameOf(tool) ?? ''));
  body.tool_choice = toolChoice?.type ?? 'auto';
}

function toldPictures(messages: JsonValue[], { refusedMessageFields = [] }: UpstreamTraits): JsonValue[] {
  return refusedMessageFields.includes('images') ? withPicturesOfUser(messages) : messages;
}

function soundMessages(messages: JsonValue[], traits: UpstreamTraits): JsonValue[] {
  const reasoned = traits.wantsReasoningBack ? withReasoningBack(messages) : messages;
  return traits.hasOneSystemMessage ? withOneSystemMessage(reasoned) : reasoned;
}

function patchStreamOptions(body: JsonObject, target: UpstreamTarget): void {
  if (target.isStream && target.traits.hasStreamUsage !== false) {
    const asked = isObject(body.stream_options) ? body.stream_options : {};
    body.stream_options = { ...asked, include_usage: true };
  } else if (body.stream_options !== undefined) {
    delete body.stream_options;
  }
}

/** The one bound, under the name this server knows; without a known name it stays as the client sent it. */
function patchMaxTokens(body: JsonObject, field: UpstreamTraits['maxTokensField']): void {
  if (!field) return;
  const value = body.max_completion_tokens ?? body.max_tokens;
  const other = field === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  if (body[other] !== undefined) delete body[other];
  // "Without bound" in the words of local servers, whose field is the other one.
  const isUnbounded = typeof value === 'number' && value < 0 && field === 'max_completion_tokens';
  if (isUnbounded) delete body[field];
  else if (value !== undefined) body[field] = value;
}

function renderBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  const { traits, model } = target;
  const { sampling } = request;
  const isReasoningModel = isOpenaiReasoningModel(model);
  const maxTokensField = traits.maxTokensField ?? (isReasoningModel ? 'max_completion_tokens' : 'max_tokens');
  const fields: JsonObject = {
    model,
    messages: soundMessages(renderMessages(request.messages, traits), traits),
    ...renderTools(request),
    [maxTokensField]: sampling.maxOutputTokens,
    stop: sampling.stop && sampling.stop.length > 0 ? [...sampling.stop] : undefined,
    seed: sampling.seed,
    n: sampling.candidateCount,
    ...(!isReasoningModel && {
      temperature: sampling.temperature,
      top_p: sampling.topP,
      presence_penalty: sampling.presencePenalty,
      frequency_penalty: sampling.frequencyPenalty,
      logprobs: sampling.logprobs,
      top_logprobs: sampling.topLogprobs,
    }),
    response_format: request.responseFormat && renderResponseFormat(request.responseFormat),
    modalities: request.modalities && [...request.modalities],
    reasoning_effort: effortFor(model, request.reasoning),
    ...openaiFields(request, traits),
    stream: target.isStream || undefined,
  };
  patchStreamOptions(fields, target);
  for (const key of Object.keys(fields)) if (fields[key] === undefined) delete fields[key];
  return fields;
}

/** Servers that have the Responses API, too, know what a client of it sends; imitations may refuse it. */
function openaiFields({ endUser, original }: ChatRequest, { responsesModels }: UpstreamTraits): JsonObject {
  const user = shortEndUser(endUser);
  if (!responsesModels) return { user };
  const fields = commonFields(original);
  return {
    user: fields.safety_identifier === endUser ? undefined : user,
    ...fields,
    verbosity: verbosityOf(original),
  };
}

/** Hosted tools of other dialects are unknown here and left out; so is a choice of one of them. */
function renderTools(request: ChatRequest): JsonObject {
  const tools = request.tools.filter((tool) => !tool.isHosted);
  if (tools.length === 0) return {};
  return {
    tools: tools.map(renderTool),
    tool_choice: request.toolChoice && renderToolChoice(request.toolChoice, tools),
    parallel_tool_calls: request.parallelToolCalls,
  };
}

function renderTool(tool: Tool): JsonObject {
  return {
    type: 'function',
    function: {
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      parameters: argumentsSchema(tool.parameters),
      ...(tool.isStrict !== undefined && { strict: strictAtOpenAi(tool.isStrict, argumentsSchema(tool.parameters)) }),
    },
  };
}

function renderToolChoice(choice: ToolChoice, tools: readonly Tool[]): JsonObject | string | undefined {
  if (choice.type !== 'tool') return choice.type;
  if (!tools.some((tool) => tool.name === choice.name)) return undefined;
  return { type: 'function', function: { name: choice.name } };
}

function renderResponseFormat(format: ResponseFormat): JsonObject | undefined {
  switch (format.type) {
    case 'text':
      return undefined;
    case 'json':
      return { type: 'json_object' };
    case 'json-schema':
      return {
        type: 'json_schema',
        json_schema: {
          name: format.name,
          schema: format.schema,
          ...(format.description !== undefined && { description: format.description }),
          ...(format.isStrict !== undefined && { strict: strictAtOpenAi(format.isStrict, format.schema) }),
        },
      };
  }
}
