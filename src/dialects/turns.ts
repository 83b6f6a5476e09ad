// Conversation shapes: what strict upstreams (Anthropic, Gemini) demand and loose clients (OpenAI) do not give.

import type { Message, Part, ToolResultPart } from '../model/chat.ts';

export interface Turns {
  /** System texts that stood before the first other message, in order. */
  readonly system: readonly Message[];
  /** Alternating user and assistant turns; tool messages became user turns, tool results stand first in them. */
  readonly turns: readonly Turn[];
}

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly Part[];
}

/**
 * Hoists leading system messages; a later one keeps its place as user text in `<system>` tags, because these dialects
 * have no such role in mid-conversation and moving it up would change what it refers to. Merges neighbours of one role.
 * Tool calls without a result get an error result saying so, orphan results become text: both are refused upstream, as
 * are blank texts, which are dropped, and a conversation that the assistant opens, which gets a user turn before it.
 */
export function alternatingTurns(messages: readonly Message[]): Turns {
  const firstOther = messages.findIndex((message) => message.role !== 'system');
  // A conversation of nothing but system messages: the last one is what to answer.
  const systemCount = firstOther < 0 ? messages.length - 1 : firstOther;
  const system = messages.slice(0, Math.max(0, systemCount));
  const turns: { role: 'user' | 'assistant'; parts: Part[] }[] = [];
  for (const message of messages.slice(system.length)) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const isLateSystem = message.role === 'system' && firstOther >= 0;
    const parts = (isLateSystem ? message.parts.map(asSystemText) : message.parts).filter((part) => !isBlank(part));
    if (parts.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else turns.push({ role, parts: [...parts] });
  }
  if (turns[0]?.role === 'assistant') turns.unshift({ role: 'user', parts: [{ type: 'text', text: OPENING }] });
  return { system, turns: pairToolCalls(turns) };
}

/** What stands for the result of a call that nobody answered. */
export const NO_RESULT = 'No result: the call was not answered.';
/** What stands before a result whose call is not in the conversation. */
export const EARLIER_RESULT = 'Result of an earlier tool call:';
const OPENING = '(The conversation begins with the assistant.)';

/** A text with extensions may carry something else, such as Gemini's signature on an empty text. */
function isBlank(part: Part): boolean {
  return part.type === 'text' && part.text.trim() === '' && !part.extensions;
}

function asSystemText(part: Part): Part {
  return part.type === 'text' ? { ...part, text: taggedSystemText(part.text) } : part;
}

/** A system message as text of a user, for upstreams that take none in mid-conversation. */
export function taggedSystemText(text: string): string {
  return `<system>\n${text}\n</system>`;
}

function pairToolCalls(turns: { role: 'user' | 'assistant'; parts: Part[] }[]): Turn[] {
  const paired: Turn[] = [];
  for (let i = 0; i < turns.length; i += 1) {
    const turn = turns[i];
    if (!turn) continue;
    if (turn.role === 'user') {
      const previous = paired.at(-1);
      const wanted = previous?.role === 'assistant' ? callIds(previous.parts) : [];
      paired.push({ role: 'user', parts: userParts(turn.parts, wanted) });
      continue;
    }
    paired.push(turn);
    const wanted = callIds(turn.parts);
    const isLast = i === turns.length - 1;
    if (wanted.length > 0 && isLast) paired.push({ role: 'user', parts: userParts([], wanted) });
  }
  return paired;
}

function callIds(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []));
}

/** Results first, one for each wanted call and in the calls' order; then everything else. */
function userParts(parts: readonly Part[], wanted: readonly string[]): Part[] {
  const results: (ToolResultPart | undefined)[] = wanted.map(() => undefined);
  const rest: Part[] = [];
  for (const part of parts) {
    if (part.type !== 'tool-result') {
      rest.push(part);
      continue;
    }
    // Equal ids in one turn, as careless clients make them, are answered in order.
    const position = wanted.findIndex((id, i) => id === part.toolCallId && !results[i]);
    if (position >= 0) results[position] = part;
    else rest.push({ type: 'text', text: EARLIER_RESULT }, ...part.parts);
  }
  return [...wanted.map((id, i) => results[i] ?? missingResult(id)), ...rest];
}

function missingResult(toolCallId: string): ToolResultPart {
  return { type: 'tool-result', toolCallId, parts: [{ type: 'text', text: NO_RESULT }], isError: true };
}

/** Tool names by call id, for wires whose results are matched by name. */
export function toolNames(messages: readonly Message[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const message of messages) {
    for (const part of message.parts) if (part.type === 'tool-call') names.set(part.id, part.name);
  }
  return names;
}

/** All text of the parts, joined by blank lines where they were separate. */
export function textOf(parts: readonly Part[], separator = '\n\n'): string {
  return parts.flatMap((part) => (part.type === 'text' && part.text !== '' ? [part.text] : [])).join(separator);
}
