// ChatRequest → the call to an OpenAI Responses upstream.

import { GatewayError } from '../../errors.ts';
import type {
  ChatRequest,
  Message,
  OriginalRequest,
  ReasoningRequest,
  ResponseFormat,
  Sampling,
  Tool,
  ToolChoice,
} from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { shortEndUser } from '../end-user.ts';
import { definedOnly } from '../fields.ts';
import { withJsonWord } from '../json-word.ts';
import { commonFields, verbosityOf } from '../openai-fields.ts';
import { strictAtOpenAi } from '../openai-strict.ts';
import { effortOf } from '../reasoning.ts';
import { effortFor, isOpenaiReasoningModel, isPlainOpenaiModel } from '../reasoning-models.ts';
import { argumentsSchema } from '../tool-schema.ts';
import { textOf } from '../turns.ts';
import { inputItems } from './items.ts';
import { withoutOwnItems } from './own-items.ts';
import { pairedItems } from './paired-items.ts';
import { renderEditedItems, renderItems } from './render-items.ts';

/** OpenAI refuses a smaller bound. */
const MAX_OUTPUT_TOKENS_MIN = 16;

export function renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const { original } = request;
  const body =
    original?.dialect === 'openai-responses'
      ? carriedBody(request, original, target)
      : translatedBody(withJsonWord(request), target);
  for (const field of target.traits.refusedFields ?? []) delete body[field];
  const beta = original?.dialect === 'openai-responses' ? original.headers?.['openai-beta'] : undefined;
  return { path: '/responses', body, ...(beta !== undefined && { headers: { 'openai-beta': beta } }) };
}

/** The client's own body with only what must change changed. */
function carriedBody(request: ChatRequest, original: OriginalRequest, target: UpstreamTarget): JsonObject {
  const body: JsonObject = { ...original.body, model: target.model, stream: target.isStream };
  if (!target.isStream) delete body.stream_options;
  // Ours, and the conversation it stands for is in the input.
  delete body.previous_response_id;
  // What Codex tells OpenAI about its session; other servers of this API refuse it, and no answer depends on it.
  delete body.client_metadata;
  if (isPlainOpenaiModel(target.model)) withoutReasoning(body);
  if (original.isConversationEdited) {
    const { instructions, messages } = splitInstructions(request.messages);
    delete body.instructions;
    if (instructions !== undefined) body.instructions = instructions;
    body.input = renderEditedItems(messages, inputItems(original.body), target.traits);
  } else if (Array.isArray(body.input)) {
    body.input = withoutOwnItems(body.input);
  }
  return body;
}

/** A client that asked for a chain does not know which model it gets; Codex asks for a summary in any case. */
function withoutReasoning(body: JsonObject): void {
  delete body.reasoning;
  if (!Array.isArray(body.include)) return;
  const include = body.include.filter((wish) => wish !== 'reasoning.encrypted_content');
  if (include.length === 0) delete body.include;
  else body.include = include;
}

/** The message that `instructions` became when it was parsed goes back there. */
function splitInstructions(messages: readonly Message[]) {
  const isInstructions = (message: Message) => message.extensions?.['openai-responses']?.isInstructions === true;
  const instructions = messages.find(isInstructions);
  return {
    instructions: instructions && textOf(instructions.parts),
    messages: messages.filter((message) => message !== instructions),
  };
}

function translatedBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  const { sampling } = request;
  if ((sampling.candidateCount ?? 1) > 1) {
    throw new GatewayError('unsupported', "This model's API gives one answer a request. Ask for n = 1.", {
      param: 'n',
    });
  }
  const first = request.messages.findIndex((message) => message.role !== 'system');
  // A conversation of nothing but system messages: the last one is what to answer.
  const systemCount = first < 0 ? Math.max(0, request.messages.length - 1) : first;
  const instructions = request.messages
    .slice(0, systemCount)
    .map((message) => textOf(message.parts))
    .filter((text) => text !== '')
    .join('\n\n');
  const isReasoningModel = isOpenaiReasoningModel(target.model);
  const reasoning = isPlainOpenaiModel(target.model) ? undefined : request.reasoning;
  const include = includes(reasoning, isReasoningModel ? {} : sampling);
  return definedOnly<JsonObject>({
    model: target.model,
    instructions: instructions === '' ? undefined : instructions,
    input: pairedItems(renderItems(request.messages.slice(systemCount), target.traits)),
    stream: target.isStream,
    // Nobody will ask the upstream for this answer again: the client does not know its id.
    store: false,
    include: include.length === 0 ? undefined : include,
    ...toolFields(request),
    reasoning: reasoning && reasoningField(reasoning, target.model),
    text: textField(request),
    max_output_tokens: sampling.maxOutputTokens && Math.max(sampling.maxOutputTokens, MAX_OUTPUT_TOKENS_MIN),
    ...(!isReasoningModel && {
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_logprobs: sampling.logprobs ? sampling.topLogprobs : undefined,
    }),
    safety_identifier: shortEndUser(request.endUser),
    metadata: request.metadata && { ...request.metadata },
    ...commonFields(request.original),
  });
}

function textField({ responseFormat, original }: ChatRequest): JsonObject | undefined {
  const verbosity = verbosityOf(original);
  if (!responseFormat && verbosity === undefined) return undefined;
  return definedOnly<JsonObject>({ format: responseFormat && renderFormat(responseFormat), verbosity });
}

function includes(reasoning: ReasoningRequest | undefined, sampling: Sampling): string[] {
  const isReasoning = reasoning !== undefined && effortOf(reasoning) !== 'none';
  return [
    ...(isReasoning ? ['reasoning.encrypted_content'] : []),
    ...(sampling.logprobs ? ['message.output_text.logprobs'] : []),
  ];
}

/** OpenAI's models each take some of the words; of other makers' models nobody knows which. */
function reasoningField(reasoning: ReasoningRequest, model: string): JsonObject | undefined {
  const fields = definedOnly<JsonObject>({
    effort: isOpenaiReasoningModel(model) ? effortFor(model, reasoning) : effortOf(reasoning),
    summary: reasoning.isSummaryWanted ? 'auto' : undefined,
  });
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function toolFields(request: ChatRequest): JsonObject {
  const tools = request.tools.flatMap(renderTool);
  if (tools.length === 0) return {};
  return definedOnly<JsonObject>({
    tools,
    tool_choice: request.toolChoice && renderToolChoice(request.toolChoice),
    parallel_tool_calls: request.parallelToolCalls,
  });
}

function renderTool(tool: Tool): JsonObject[] {
  if (tool.isHosted) {
    const own = tool.extensions?.['openai-responses'];
    return own ? [own] : [];
  }
  return [
    definedOnly<JsonObject>({
      type: 'function',
      name: tool.name,
      description: tool.description,
      parameters: argumentsSchema(tool.parameters),
      // Here strict is the default, and it refuses most schemas written for other dialects.
      strict: strictAtOpenAi(tool.isStrict, argumentsSchema(tool.parameters)) ?? false,
    }),
  ];
}

function renderToolChoice(choice: ToolChoice): JsonObject | string {
  return choice.type === 'tool' ? { type: 'function', name: choice.name } : choice.type;
}

function renderFormat(format: ResponseFormat): JsonObject {
  switch (format.type) {
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json-schema':
      return definedOnly<JsonObject>({
        type: 'json_schema',
        name: format.name,
        schema: format.schema,
        description: format.description,
        strict: strictAtOpenAi(format.isStrict, format.schema),
      });
  }
}
