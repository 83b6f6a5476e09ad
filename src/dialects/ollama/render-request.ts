// ChatRequest → POST /api/chat of an upstream.

import { GatewayError } from '../../errors.ts';
import type {
  ChatRequest,
  MediaPart,
  Message,
  Part,
  ReasoningRequest,
  Tool,
  ToolResultPart,
} from '../../model/chat.ts';
import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { definedOnly } from '../fields.ts';
import { withOneSystemMessage } from '../one-system-message.ts';
import { effortOf } from '../reasoning.ts';
import { argumentsObject } from '../tool-arguments.ts';
import { plainToolCallId, unpackToolCallId } from '../tool-call-id.ts';
import { textOf, toolNames } from '../turns.ts';

const PATH = '/api/chat';

export function renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const { original } = request;
  const body =
    original?.dialect === 'ollama'
      ? {
          ...original.body,
          messages: original.isConversationEdited
            ? withOneSystemMessage(renderMessages(request.messages))
            : withPlainCallIds(original.body.messages),
        }
      : renderBody(request, target);
  const whole: JsonObject = { ...body, model: target.model, stream: target.isStream };
  for (const field of target.traits.refusedFields ?? []) delete whole[field];
  return { path: PATH, body: whole };
}

/** The client's own messages, without the signatures of other providers that ride in the ids of calls. */
function withPlainCallIds(messages: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message) => {
    if (!isObject(message)) return message;
    const { tool_call_id: id, tool_calls: calls } = message;
    const isPlain = asArray(calls).every((call) => !isSigned(asObject(call)?.id)) && !isSigned(id);
    if (isPlain) return message;
    return definedOnly<JsonObject>({
      ...message,
      tool_call_id: typeof id === 'string' ? plainToolCallId(id) : id,
      tool_calls: Array.isArray(calls) ? calls.map(withPlainId) : calls,
    });
  });
}

function withPlainId(call: JsonValue): JsonValue {
  return isObject(call) && typeof call.id === 'string' ? { ...call, id: plainToolCallId(call.id) } : call;
}

function isSigned(id: JsonValue | undefined): boolean {
  return typeof id === 'string' && unpackToolCallId(id).signature !== undefined;
}

function renderBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  if ((request.sampling.candidateCount ?? 1) > 1) {
    throw unsupported('Ollama gives one answer a request: ask for n = 1.');
  }
  const tools = offeredTools(request);
  const options = renderOptions(request);
  return definedOnly<JsonObject>({
    messages: withOneSystemMessage(renderMessages(request.messages)),
    tools: tools.length > 0 ? tools.map(renderTool) : undefined,
    format: renderFormat(request),
    think: request.reasoning && renderThink(request.reasoning, target.model),
    logprobs: request.sampling.logprobs,
    top_logprobs: request.sampling.topLogprobs,
    options: Object.keys(options).length > 0 ? options : undefined,
  });
}

/** Ollama has no tool_choice: `none` and a named tool are said by what is offered; `required` cannot be said. */
function offeredTools({ tools, toolChoice }: ChatRequest): Tool[] {
  if (toolChoice?.type === 'none') return [];
  const callable = tools.filter((tool) => !tool.isHosted);
  return toolChoice?.type === 'tool' ? callable.filter((tool) => tool.name === toolChoice.name) : callable;
}

function renderTool({ name, description, parameters }: Tool): JsonObject {
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}

function renderOptions({ sampling }: ChatRequest): JsonObject {
  return definedOnly<JsonObject>({
    num_predict: sampling.maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    stop: sampling.stop && sampling.stop.length > 0 ? [...sampling.stop] : undefined,
    seed: sampling.seed,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
  });
}

function renderFormat({ responseFormat }: ChatRequest): JsonValue | undefined {
  switch (responseFormat?.type) {
    case 'json':
      return 'json';
    case 'json-schema':
      return responseFormat.schema;
    default:
      return undefined;
  }
}

/** gpt-oss models know only levels and ignore true and false; every other model refuses levels. */
function renderThink(reasoning: ReasoningRequest, model: string): JsonValue | undefined {
  if (reasoning.effort === undefined && reasoning.budgetTokens === undefined) return undefined;
  const effort = effortOf(reasoning);
  if (effort === 'none') return false;
  if (!/gpt-?oss/i.test(model) || effort === undefined) return true;
  if (effort === 'minimal' || effort === 'low') return 'low';
  return effort === 'medium' ? 'medium' : 'high';
}

/** Neighbouring results come in the order of their calls: that, and not an id, is what the model sees. */
function renderMessages(messages: readonly Message[]): JsonValue[] {
  const names = toolNames(messages);
  const positions = new Map([...names.keys()].map((id, position) => [id, position]));
  const positionOf = (result: ToolResultPart): number => positions.get(result.toolCallId) ?? positions.size;
  const rendered: JsonValue[] = [];
  let results: ToolResultPart[] = [];
  const flush = (): void => {
    results.sort((a, b) => positionOf(a) - positionOf(b));
    rendered.push(...results.map((result) => renderToolResult(result, names)));
    results = [];
  };
  for (const message of messages) {
    const found = message.parts.filter((part) => part.type === 'tool-result');
    const rest = message.parts.filter((part) => part.type !== 'tool-result');
    results.push(...found);
    // A message of results alone (Anthropic's user turn) leaves nothing else to say.
    if (rest.length === 0 && found.length > 0) continue;
    flush();
    rendered.push(renderMessage(message.role, rest));
  }
  flush();
  return rendered;
}

function renderToolResult(result: ToolResultPart, names: ReadonlyMap<string, string>): JsonObject {
  const name = result.name ?? names.get(result.toolCallId);
  const images = renderImages(result.parts);
  return {
    role: 'tool',
    content: contentOf(result.parts),
    ...(name !== undefined && { tool_name: name }),
    // Older servers ignore it.
    tool_call_id: plainToolCallId(result.toolCallId),
    ...(images.length > 0 && { images }),
  };
}

function renderMessage(role: Message['role'], parts: readonly Part[]): JsonObject {
  const thinking = parts.flatMap((part) => (part.type === 'reasoning' && part.text !== '' ? [part.text] : []));
  const calls = parts.filter((part) => part.type === 'tool-call');
  const images = renderImages(parts);
  return {
    role: role === 'tool' ? 'user' : role,
    content: contentOf(parts),
    ...(thinking.length > 0 && { thinking: thinking.join('\n\n') }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => ({
        id: plainToolCallId(call.id),
        function: { name: call.name, arguments: argumentsObject(call.argumentsJson) },
      })),
    }),
  };
}

/** Texts, refusals and plain-text documents: all that Ollama has is one string. */
function contentOf(parts: readonly Part[]): string {
  return textOf(
    parts.map((part) => {
      if (part.type === 'refusal') return { type: 'text', text: part.text };
      if (part.type === 'media' && part.source.type === 'text') return { type: 'text', text: part.source.text };
      return part;
    }),
  );
}

function renderImages(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part.type === 'media' && part.source.type !== 'text' ? [renderImage(part)] : []));
}

function renderImage({ kind, source }: MediaPart): string {
  if (kind !== 'image') throw unsupported(`Ollama takes images, not ${kind} content.`);
  if (source.type !== 'base64') {
    throw unsupported('Ollama takes images as base64 only: send the image in a data: URI instead of a URL or file id.');
  }
  return source.data;
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported', message);
}
