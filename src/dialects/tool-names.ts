// Tool names that every upstream takes. MCP servers and other clients use dots, slashes and lengths that some wires
// refuse; such a name is rewritten with a hash of itself, and given back in the answer. Nothing is remembered: the same
// name always becomes the same one, and the way back is found from the request's own tools.

import type { ChatRequest, Message, Part, Tool, ToolChoice } from '../model/chat.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import { shortHash } from './short-hash.ts';

/** Which names a wire takes as they are. It must take every `[A-Za-z_][A-Za-z0-9_-]*` of up to `lengthMax`. */
export interface ToolNameRule {
  readonly pattern: RegExp;
  readonly lengthMax: number;
}

/** A name that the wire takes: the very same where it can be. Different names stay different. */
export function fittedToolName(name: string, { pattern, lengthMax }: ToolNameRule): string {
  if (name.length <= lengthMax && pattern.test(name)) return name;
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^(?![A-Za-z_])/, '_');
  const hash = shortHash(name);
  return `${plain.slice(0, lengthMax - hash.length - 1)}_${hash}`;
}

/** The client's own name by the fitted one; empty where every name fits, as nearly always. */
export type FittedNames = ReadonlyMap<string, string>;

/** Of the tools that are offered and of those that the history calls. */
export function fittedNames(request: ChatRequest, rule: ToolNameRule): FittedNames {
  const names = new Map<string, string>();
  const add = (name: string): void => {
    const fitted = fittedToolName(name, rule);
    if (fitted !== name) names.set(fitted, name);
  };
  for (const tool of request.tools) if (!tool.isHosted) add(tool.name);
  for (const message of request.messages) {
    for (const part of message.parts) if (part.type === 'tool-call') add(part.name);
  }
  return names;
}

/** The request under names that fit. */
export function withFittedNames(request: ChatRequest, rule: ToolNameRule): ChatRequest {
  const { toolChoice } = request;
  return {
    ...request,
    messages: request.messages.map((message) => fittedMessage(message, rule)),
    tools: request.tools.map((tool) => (tool.isHosted ? tool : renamed(tool, rule))),
    ...(toolChoice && { toolChoice: fittedChoice(toolChoice, rule) }),
  };
}

function fittedMessage(message: Message, rule: ToolNameRule): Message {
  const hasNames = message.parts.some((part) => part.type === 'tool-call' || part.type === 'tool-result');
  return hasNames ? { ...message, parts: message.parts.map((part) => fittedPart(part, rule)) } : message;
}

function fittedPart(part: Part, rule: ToolNameRule): Part {
  if (part.type === 'tool-call') return renamed(part, rule);
  if (part.type !== 'tool-result' || part.name === undefined) return part;
  return { ...part, name: fittedToolName(part.name, rule) };
}

function renamed<Named extends Tool | Extract<Part, { type: 'tool-call' }>>(named: Named, rule: ToolNameRule): Named {
  return { ...named, name: fittedToolName(named.name, rule) };
}

function fittedChoice(choice: ToolChoice, rule: ToolNameRule): ToolChoice {
  return choice.type === 'tool' ? { type: 'tool', name: fittedToolName(choice.name, rule) } : choice;
}

/** The answer's frame with the client's own names. Its original is of another dialect than the client's: nobody reads it. */
export function withClientNames(frame: Frame, names: FittedNames): Frame {
  const isCalling = frame.events.some((event) => event.type === 'tool-call-start');
  return isCalling ? { ...frame, events: frame.events.map((event) => withClientName(event, names)) } : frame;
}

function withClientName(event: StreamEvent, names: FittedNames): StreamEvent {
  if (event.type !== 'tool-call-start') return event;
  return { ...event, name: names.get(event.name) ?? event.name };
}
