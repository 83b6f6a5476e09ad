// Input items → messages. Responses splits one assistant turn into items (reasoning, message, calls); every other
// dialect has them in one message, so neighbouring assistant items become one. Items that only OpenAI knows are in no
// message; each message remembers which items it stands for, so that an unchanged one can be sent as it came.

import type { Message, Part, ReasoningPart, TextPart, ToolResultPart } from '../../model/chat.ts';
import { asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { badRequest, definedOnly, requiredObject, requiredString } from '../fields.ts';
import { freeTextArguments } from '../free-text-tool.ts';
import { openSignature } from '../sealed-signature.ts';
import { ClientTools, parseWireName, wireExtensions } from './client-tools.ts';
import { compactionAsk, isCompaction, openedSummary } from './compaction.ts';
import { parseContent, sectionTexts } from './parse-content.ts';
import { readPicture } from './pictures.ts';

interface MessageDraft {
  readonly role: Message['role'];
  readonly parts: Part[];
  readonly firstItem: number;
  itemCount: number;
}

/** @returns messages with `extensions['openai-responses']` = `{firstItem, itemCount}`, a range of the input items */
export function parseItems(items: readonly JsonValue[], tools = new ClientTools({ tools: [] })): Message[] {
  const drafts: MessageDraft[] = [];
  let firstItem = 0;
  items.forEach((value, position) => {
    const parsed = parseItem(requiredObject(value, `input[${position}]`), `input[${position}]`, tools);
    if (!parsed) return;
    const last = drafts.at(-1);
    if (parsed.role === 'assistant' && last?.role === 'assistant') {
      last.parts.push(...parsed.parts);
      last.itemCount = position + 1 - last.firstItem;
    } else {
      drafts.push({ role: parsed.role, parts: [...parsed.parts], firstItem, itemCount: position + 1 - firstItem });
    }
    firstItem = position + 1;
  });
  const last = drafts.at(-1);
  if (last) last.itemCount = items.length - last.firstItem;
  return drafts.map(({ role, parts, firstItem: first, itemCount }) => ({
    role,
    parts,
    extensions: { 'openai-responses': { firstItem: first, itemCount } },
  }));
}

type ParsedItem = Pick<Message, 'role' | 'parts'>;

/** Undefined for items that other dialects cannot say. */
function parseItem(item: JsonObject, param: string, tools: ClientTools): ParsedItem | undefined {
  switch (item.type ?? (item.role === undefined ? undefined : 'message')) {
    case 'message':
      return parseMessage(item, param);
    case 'reasoning': {
      const part = parseReasoning(item);
      return part && { role: 'assistant', parts: [part] };
    }
    case 'image_generation_call': {
      const picture = readPicture(item);
      return picture && { role: 'assistant', parts: [picture] };
    }
    case 'function_call':
      return { role: 'assistant', parts: [parseFunctionCall(item, param, tools)] };
    case 'custom_tool_call': {
      const input = requiredString(item, 'input', `${param}.input`);
      return { role: 'assistant', parts: [toolCall(item, param, freeTextArguments(input), tools)] };
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { role: 'tool', parts: [parseOutput(item, param, tools)] };
    case 'compaction_trigger':
      return { role: 'user', parts: [compactionAsk()] };
    case undefined:
      throw badRequest(`${param}.type`, `'${param}.type' is required.`);
    default: {
      const summary = isCompaction(item) ? openedSummary(item) : undefined;
      return summary && { role: 'user', parts: [summary] };
    }
  }
}

const ROLES: Readonly<Record<string, Message['role']>> = {
  user: 'user',
  assistant: 'assistant',
  system: 'system',
  developer: 'system',
};

function parseMessage(item: JsonObject, param: string): ParsedItem {
  const word = requiredString(item, 'role', `${param}.role`);
  const role = ROLES[word];
  if (!role) {
    throw badRequest(`${param}.role`, `'${param}.role' must be user, assistant, system or developer, not '${word}'.`);
  }
  return { role, parts: parseContent(item.content, `${param}.content`) };
}

/** Undefined where nothing but an id of OpenAI's store is left. */
function parseReasoning(item: JsonObject): ReasoningPart | undefined {
  const content = sectionTexts(item.content);
  const text = (content.length > 0 ? content : sectionTexts(item.summary)).join('\n\n');
  const encrypted = asString(item.encrypted_content) ?? '';
  const opened = openSignature(encrypted);
  const id = asString(item.id);
  if (opened) {
    const redacted = opened.isRedacted ? { isRedacted: true } : {};
    return { type: 'reasoning', text, signature: opened.signature, ...redacted };
  }
  if (encrypted !== '') {
    const signature = { dialect: 'openai-responses', value: encrypted, ...(id !== undefined && { id }) } as const;
    return { type: 'reasoning', text, signature };
  }
  return text === '' ? undefined : { type: 'reasoning', text };
}

function parseFunctionCall(item: JsonObject, param: string, tools: ClientTools): Part {
  const { arguments: value } = item;
  if (value !== undefined && value !== null && typeof value !== 'string') {
    throw badRequest(`${param}.arguments`, `'${param}.arguments' must be a string of JSON text.`);
  }
  return toolCall(item, param, value ? value : '{}', tools);
}

function toolCall(item: JsonObject, param: string, argumentsJson: string, tools: ClientTools): Part {
  const wire = { ...parseWireName(item, param), isCustom: item.type === 'custom_tool_call' };
  const name = tools.flat(wire);
  const isPlain = !wire.isCustom && wire.namespace === undefined && wire.name === name;
  return {
    type: 'tool-call',
    id: requiredString(item, 'call_id', `${param}.call_id`),
    name,
    argumentsJson,
    ...(!isPlain && { extensions: wireExtensions(wire) }),
  };
}

function parseOutput(item: JsonObject, param: string, tools: ClientTools): ToolResultPart {
  const parts = parseContent(item.output, `${param}.output`).flatMap((part) =>
    part.type === 'refusal' ? [{ type: 'text', text: part.text } as TextPart] : [part],
  );
  return definedOnly<ToolResultPart>({
    type: 'tool-result',
    toolCallId: requiredString(item, 'call_id', `${param}.call_id`),
    name: typeof item.name === 'string' ? tools.flat(parseWireName(item, param)) : undefined,
    parts,
    extensions: item.type === 'custom_tool_call_output' ? { 'openai-responses': { type: 'custom' } } : undefined,
  });
}
