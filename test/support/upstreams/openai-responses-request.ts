// Reads a Responses request as strictly as OpenAI does.

import { checkSchema, imageOfUrl, isReasoningModel, parsedArguments } from './openai-chat-request.ts';
import { openaiProblem } from './openai-errors.ts';
import { BODY, functionTool, HOSTED_TOOLS, ITEMS, messageItem } from './openai-responses-shapes.ts';
import type { Heard, ToolCall } from './scenarios.ts';
import { isSigned, Refused } from './speaker.ts';
import { readStrict } from './strict.ts';

export interface ResponsesHeard extends Heard {
  readonly body: any;
  readonly isStream: boolean;
  readonly isReasoningEncrypted: boolean;
  readonly isSummaryWanted: boolean;
  readonly isLogprobsWanted: boolean;
  readonly topLogprobs: number;
}

export function hearResponses(raw: any): ResponsesHeard {
  if (raw.input === undefined) {
    throw new Refused(
      400,
      "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation_id' must be provided.",
      {
        code: 'missing_required_parameter',
      },
    );
  }
  const body = readStrict(BODY, raw, openaiProblem);
  const items: any[] = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input;
  items.forEach(checkItem);
  const calls = checkItems(items, body.store === false);
  checkOptions(body);
  const messages = items.filter((item) => item.role !== undefined);
  const isInstruction = (item: any) => item.role === 'system' || item.role === 'developer';
  const content = messages.flatMap((item) => (Array.isArray(item.content) ? item.content : []));
  return {
    body,
    isStream: body.stream === true,
    isReasoningEncrypted: body.include?.includes('reasoning.encrypted_content') === true,
    isSummaryWanted: (body.reasoning?.summary ?? body.reasoning?.generate_summary) != null,
    isLogprobsWanted: body.include?.includes('message.output_text.logprobs') === true,
    topLogprobs: body.top_logprobs ?? 0,
    system: [body.instructions ?? '', ...messages.filter(isInstruction).map((item) => textOf(item.content))].join('\n'),
    texts: messages
      .filter((item) => !isInstruction(item) && textOf(item.content) !== '')
      .map((item) => ({ role: item.role, text: textOf(item.content) })),
    images: content.filter((part) => part.type === 'input_image').map((part) => imageOfUrl(part.image_url ?? '')),
    tools: (body.tools ?? [])
      .filter((tool) => tool.type === 'function')
      .map((tool) => ({ name: tool.name, schema: tool.parameters })),
    toolResults: items
      .filter((item) => item.type === 'function_call_output')
      .map((item) => ({ call: calls.get(item.call_id) as ToolCall, text: textOf(item.output) })),
    answerSchema: body.text?.format?.type === 'json_schema' ? body.text.format.schema : undefined,
    maxOutputTokens: body.max_output_tokens ?? undefined,
    isReasoningOn: isReasoningModel(body.model) && body.reasoning?.effort !== 'none' && body.reasoning != null,
  };
}

function checkItem(item: any, at: number): void {
  const isMessage = item?.type === 'message' || (item?.type === undefined && item?.role !== undefined);
  const schema = isMessage ? messageItem : ITEMS[item?.type];
  if (!schema) {
    throw new Refused(
      400,
      `Invalid value: '${item?.type}'. Supported values are: 'message', ${Object.keys(ITEMS)
        .map((name) => `'${name}'`)
        .join(', ')}.`,
      { param: `input[${at}]`, code: 'invalid_value' },
    );
  }
  readStrict(schema, item, (problem) => openaiProblem({ ...problem, path: ['input', at, ...problem.path] }));
}

function checkItems(items: any[], isStateless: boolean): Map<string, ToolCall> {
  const calls = new Map<string, ToolCall>();
  const answered = new Set<string>();
  items.forEach((item, at) => {
    if (item.call_id?.length > 64) {
      throw new Refused(
        400,
        `Invalid 'input[${at}].call_id': string too long. Expected a string with maximum length 64, but got a string with length ${item.call_id.length} instead.`,
        { param: `input[${at}].call_id`, code: 'string_above_max_length' },
      );
    }
    if (item.type === 'function_call') {
      calls.set(item.call_id, { name: item.name, arguments: parsedArguments(item.arguments) });
    }
    if (item.type === 'function_call_output') {
      if (!calls.has(item.call_id)) {
        throw new Refused(400, `No tool call found for function call output with call_id ${item.call_id}.`, {
          param: 'input',
        });
      }
      answered.add(item.call_id);
    }
    if (item.type === 'reasoning') checkReasoning(item, items[at + 1], isStateless);
  });
  for (const id of calls.keys()) {
    if (!answered.has(id)) throw new Refused(400, `No tool output found for function call ${id}.`, { param: 'input' });
  }
  return calls;
}

function checkReasoning(item: any, next: any, isStateless: boolean): void {
  if (item.encrypted_content != null && !isSigned('openai', item.encrypted_content)) {
    throw new Refused(400, `The encrypted content for item ${item.id} could not be verified.`, {
      code: 'invalid_encrypted_content',
    });
  }
  if (item.encrypted_content == null && isStateless) {
    const message = `Item with id '${item.id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
    throw new Refused(404, message, { param: 'input' });
  }
  const isFollowed = next?.type === 'function_call' || next?.type === 'reasoning' || next?.role === 'assistant';
  if (!isFollowed) {
    throw new Refused(400, `Item '${item.id}' of type 'reasoning' was provided without its required following item.`, {
      param: 'input',
    });
  }
}

function checkOptions(body: any): void {
  const bound = body.max_output_tokens;
  if (bound != null && bound < 16) {
    throw new Refused(
      400,
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${bound} instead.`,
      { param: 'max_output_tokens', code: 'integer_below_min_value' },
    );
  }
  for (const [at, tool] of (body.tools ?? []).entries()) {
    if (HOSTED_TOOLS.test(String(tool?.type))) continue;
    readStrict(functionTool, tool, (problem) => openaiProblem({ ...problem, path: ['tools', at, ...problem.path] }));
    const facts = { param: `tools[${at}].parameters`, code: 'invalid_function_parameters' };
    if (tool.parameters)
      checkSchema(tool.parameters, `Invalid schema for function '${tool.name}'`, facts, tool.strict === true);
  }
  if (body.tool_choice?.type === 'function' && !body.tools?.some((tool: any) => tool.name === body.tool_choice.name)) {
    throw new Refused(400, "Tool choice 'function' not found in 'tools' parameter.", { param: 'tool_choice' });
  }
  const format = body.text?.format;
  if (format?.type === 'json_schema') {
    const facts = { param: 'text.format.schema', code: 'invalid_json_schema' };
    checkSchema(format.schema, `Invalid schema for response_format '${format.name}'`, facts, format.strict === true);
  }
  const unsupported = (param: string) =>
    new Refused(400, `Unsupported parameter: '${param}' is not supported with this model.`, {
      param,
      code: 'unsupported_parameter',
    });
  if (isReasoningModel(body.model)) {
    for (const param of ['temperature', 'top_p', 'top_logprobs']) if (body[param] != null) throw unsupported(param);
  } else {
    if (body.reasoning?.effort != null) throw unsupported('reasoning.effort');
    if (body.reasoning?.summary != null) throw unsupported('reasoning.summary');
    if (body.include?.includes('reasoning.encrypted_content')) {
      throw new Refused(400, 'Encrypted content is not supported with this model.', { param: 'include' });
    }
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return ((content as any[]) ?? []).map((part) => part.text ?? '').join('');
}
