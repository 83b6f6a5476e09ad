// Reads a Messages request as strictly as Anthropic does.

import { z } from 'zod';
import { COUNT_FIELDS, customTool, VERSIONS } from './anthropic-shapes.ts';
import type { Heard, ToolCall } from './scenarios.ts';
import { decodeBase64, isSigned, type RecordedRequest, Refused, sniffImage } from './speaker.ts';
import { type Problem, readStrict } from './strict.ts';

export interface MessagesHeard extends Heard {
  readonly body: any;
  readonly isStream: boolean;
  /** The tool that must be called, when the answer's schema came as its parameters. */
  readonly schemaTool: string | undefined;
  readonly isThinkingShown: boolean;
}

export function hearMessages(request: RecordedRequest, raw: any): MessagesHeard {
  const version = request.headers['anthropic-version'];
  if (version === undefined) throw new Refused(400, 'anthropic-version: header is required');
  const schema = VERSIONS[version];
  if (!schema) throw new Refused(400, `anthropic-version: "${version}" is not a valid version`);
  const body: any = readStrict(schema, raw, anthropicProblem);
  checkOptions(body);
  return { ...hear(body), isStream: body.stream === true };
}

export function hearCount(raw: any): MessagesHeard {
  const body: any = readStrict(z.strictObject(COUNT_FIELDS), raw, anthropicProblem);
  return { ...hear(body), isStream: false };
}

function hear(body: any): Omit<MessagesHeard, 'isStream'> {
  const calls = checkConversation(body);
  checkCache(body);
  for (const [at, tool] of (body.tools ?? []).entries()) checkTool(tool, at);
  const format = body.output_config?.format;
  if (format) checkOutputSchema(format.schema, true);
  const systemTurns = body.messages.filter((message: any) => message.role === 'system');
  const blocks: any[] = body.messages.flatMap((message: any) => blocksOf(message.content));
  const tools = (body.tools ?? []).map((tool: any) => ({ name: tool.name, schema: tool.input_schema }));
  const forced = body.tool_choice?.type === 'tool' ? body.tool_choice.name : undefined;
  const schemaTool = !format && forced ? tools.find((tool: any) => tool.name === forced) : undefined;
  return {
    body,
    schemaTool: schemaTool?.name,
    isThinkingShown: body.thinking?.display !== 'omitted',
    system: [...blocksOf(body.system ?? []), ...systemTurns.flatMap((turn: any) => blocksOf(turn.content))]
      .map((block) => block.text)
      .join('\n'),
    texts: body.messages
      .filter((message: any) => message.role !== 'system')
      .map((message: any) => ({ role: message.role, text: textOf(message.content) }))
      .filter((turn: any) => turn.text !== ''),
    images: blocks.filter((block) => block.type === 'image').map(imageOf),
    tools,
    toolResults: blocks
      .filter((block) => block.type === 'tool_result')
      .map((block) => ({ call: calls.get(block.tool_use_id) as ToolCall, text: textOf(block.content ?? '') })),
    answerSchema: format?.schema ?? schemaTool?.schema,
    maxOutputTokens: body.max_tokens,
    isReasoningOn: body.thinking?.type === 'enabled' || body.thinking?.type === 'adaptive',
  };
}

function anthropicProblem(problem: Problem): Refused {
  const path = problem.path.join('.');
  switch (problem.kind) {
    case 'missing':
      return new Refused(400, `${path}: Field required`);
    case 'unknown':
      return new Refused(400, `${path}: Extra inputs are not permitted`);
    case 'type':
      return new Refused(400, `${path}: Input should be a valid ${problem.expected}`);
    case 'value':
      return new Refused(400, `${path}: ${problem.expected}`);
  }
}

function checkConversation(body: any): Map<string, ToolCall> {
  const { messages } = body;
  const calls = new Map<string, ToolCall>();
  let open: string[] = [];
  if (messages[0].role === 'assistant') throw new Refused(400, 'messages: first message must use the "user" role');
  messages.forEach((message: any, at: number) => {
    if (at > 0 && messages[at - 1].role === message.role) {
      const found = `messages: roles must alternate between "user" and "assistant", but found multiple "${message.role}" roles in a row`;
      throw new Refused(400, found);
    }
    if (message.role === 'system') {
      checkSystemTurn(body, at);
      return;
    }
    const blocks = blocksOf(message.content);
    const isLast = at === messages.length - 1;
    checkText(message, blocks, at, isLast);
    if (message.role === 'user') checkResults(blocks, open, at);
    open = blocks.filter((block) => block.type === 'tool_use').map((block) => block.id);
    if (new Set(open).size !== open.length) throw new Refused(400, `messages.${at}: \`tool_use\` ids must be unique`);
    for (const block of blocks) {
      if (block.type === 'tool_use') calls.set(block.id, { name: block.name, arguments: block.input });
      if (block.type === 'thinking' && !isSigned('anthropic', block.signature, block.thinking)) {
        throw new Refused(
          400,
          `messages.${at}.content.${blocks.indexOf(block)}: Invalid \`signature\` in \`thinking\` block`,
        );
      }
    }
    checkThinkingFirst(body, message, blocks, at);
  });
  if (open.length > 0) throw new Refused(400, unanswered(messages.length - 1, open));
  return calls;
}

/** System messages between the turns came with Opus 4.8. */
function checkSystemTurn({ model, messages }: any, at: number): void {
  if (!/opus-(4-[89]|[5-9])|(sonnet|haiku)-[5-9]/.test(model)) {
    throw new Refused(400, `messages.${at}.role: Input should be 'user' or 'assistant'`);
  }
  const next = messages[at + 1];
  if (messages[at - 1]?.role !== 'user' || (next && next.role !== 'assistant')) {
    throw new Refused(400, `messages.${at}: role 'system' must follow a user message and precede an assistant message`);
  }
}

function checkText(message: any, blocks: any[], at: number, isLast: boolean): void {
  const isPrefill = isLast && message.role === 'assistant';
  if (blocks.length === 0 || (message.content === '' && !isPrefill)) {
    throw new Refused(
      400,
      `messages.${at}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  const results = blocks.flatMap((block) => (Array.isArray(block.content) ? block.content : []));
  for (const block of [...blocks, ...results]) {
    if (block.type !== 'text' || typeof message.content === 'string') continue;
    if (block.text === '') throw new Refused(400, 'messages: text content blocks must be non-empty');
    if (block.text.trim() === '')
      throw new Refused(400, 'messages: text content blocks must contain non-whitespace text');
  }
  const last = blocks.at(-1);
  if (isPrefill && last?.type === 'text' && /\s$/.test(last.text)) {
    throw new Refused(400, 'messages: final assistant content cannot end with trailing whitespace');
  }
}

function checkResults(blocks: any[], open: string[], at: number): void {
  const results = blocks.filter((block) => block.type === 'tool_result');
  for (const block of results) {
    if (!open.includes(block.tool_use_id)) {
      throw new Refused(
        400,
        `messages.${at}.content.${blocks.indexOf(block)}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
  }
  const missing = open.filter((id) => !results.some((block) => block.tool_use_id === id));
  const isLate = results.length > 0 && blocks.slice(0, results.length).some((block) => block.type !== 'tool_result');
  if (missing.length > 0) throw new Refused(400, unanswered(at - 1, missing));
  if (isLate) throw new Refused(400, unanswered(at - 1, open));
}

function unanswered(at: number, ids: readonly string[]): string {
  return `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

/** With a thinking budget, the turn that called the tools must begin with its thinking. */
function checkThinkingFirst(body: any, message: any, blocks: any[], at: number): void {
  const isCurrentTurn = at === body.messages.length - 2;
  const isCalling = blocks.some((block) => block.type === 'tool_use');
  if (body.thinking?.type !== 'enabled' || message.role !== 'assistant' || !isCurrentTurn || !isCalling) return;
  if (/^(redacted_)?thinking$/.test(blocks[0].type)) return;
  throw new Refused(
    400,
    `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${blocks[0].type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
  );
}

function checkCache(body: any): void {
  const text = JSON.stringify([body.system, body.messages, body.tools]);
  const found = text.match(/"cache_control":\{/g)?.length ?? 0;
  if (found > 4) throw new Refused(400, `A maximum of 4 blocks with cache_control may be provided. Found ${found}.`);
  for (const block of blocksOf(body.system ?? [])) {
    if (block.text === '') throw new Refused(400, 'system: text content blocks must be non-empty');
  }
}

function checkTool(tool: any, at: number): void {
  if (tool?.type && tool.type !== 'custom') return;
  const where = ['tools', at, 'custom'];
  readStrict(customTool, tool, (problem) => anthropicProblem({ ...problem, path: [...where, ...problem.path] }));
  for (const word of ['oneOf', 'allOf', 'anyOf']) {
    if (tool.input_schema[word]) {
      throw new Refused(
        400,
        `${where.join('.')}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level`,
      );
    }
  }
}

function checkOutputSchema(schema: any, isRoot = false): void {
  const where = 'output_config.format.schema';
  if (isRoot && schema.type !== 'object') throw new Refused(400, `${where}: Schema type must be 'object'`);
  if (schema.type === 'object' && schema.additionalProperties !== false) {
    throw new Refused(400, `${where}: For 'object' type, 'additionalProperties' must be explicitly set to false`);
  }
  for (const word of [
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'multipleOf',
    'minLength',
    'maxLength',
    'maxItems',
    'uniqueItems',
  ]) {
    if (schema[word] !== undefined)
      throw new Refused(400, `${where}: For '${schema.type}' type, property '${word}' is not supported`);
  }
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...Object.values(schema.$defs ?? {}),
    ...(schema.anyOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
  for (const one of inner) checkOutputSchema(one);
}

function checkOptions(body: any): void {
  const budget = body.thinking?.budget_tokens;
  if (budget !== undefined && body.max_tokens <= budget) {
    throw new Refused(
      400,
      '`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size',
    );
  }
  if (body.thinking?.type === 'enabled' || body.thinking?.type === 'adaptive') {
    if (body.temperature !== undefined && body.temperature !== 1) {
      throw new Refused(400, '`temperature` may only be set to 1 when thinking is enabled.');
    }
    if (body.top_k !== undefined) throw new Refused(400, '`top_k` must be unset when thinking is enabled.');
    if (body.tool_choice?.type === 'any' || body.tool_choice?.type === 'tool') {
      throw new Refused(400, 'Thinking may not be enabled when tool_choice forces tool use.');
    }
  }
  if (body.stop_sequences?.some((stop: string) => stop.trim() === '')) {
    throw new Refused(400, 'stop_sequences: each stop sequence must contain non-whitespace');
  }
  if (body.tool_choice && !body.tools?.length)
    throw new Refused(400, 'tool_choice: tool_choice may only be specified while providing tools');
  const wanted = body.tool_choice?.name;
  if (wanted && !body.tools.some((tool: any) => tool.name === wanted)) {
    throw new Refused(400, `Tool '${wanted}' not found in provided tools`);
  }
}

function imageOf(block: any): { mimeType: string; byteLength: number } {
  if (block.source.type !== 'base64') return { mimeType: block.source.type, byteLength: 0 };
  const bytes = decodeBase64(block.source.data);
  if (!bytes) throw new Refused(400, 'messages.0.content.0.image.source.base64.data: Invalid base64 data');
  const actual = sniffImage(bytes);
  if (actual !== block.source.media_type) {
    throw new Refused(
      400,
      `messages.0.content.0.image.source.base64: The image was specified using the ${block.source.media_type} media type, but does not appear to be a valid image of it`,
    );
  }
  return { mimeType: block.source.media_type, byteLength: bytes.byteLength };
}

function blocksOf(content: unknown): any[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content as any[];
}

function textOf(content: unknown): string {
  return blocksOf(content)
    .filter((block) => block.type === 'text')
    .map((block) => block.text)
    .join('');
}
