// The scenarios' user with Ollama's SDK.

import { type ChatRequest, type ChatResponse, type Message, Ollama } from 'ollama';
import {
  ANSWER_SCHEMA,
  IMAGE,
  LENGTH_LIMIT,
  questionOf,
  SYSTEM_PROMPT,
  TOOL_RESULTS,
  TOOLS,
  TURNS,
} from '../prompts.ts';
import { type AskOptions, isTwoTurns, type Seen, usesReasoning, usesTools } from './seen.ts';

export async function askOllama(options: AskOptions): Promise<Seen> {
  const client = new Ollama({
    host: options.baseUrl,
    headers: { Authorization: `Bearer ${options.apiKey}`, ...options.headers },
  });
  options.signal?.addEventListener('abort', () => client.abort());
  const request = requestOf(options);
  const first = await send(client, request, options.isStream);
  if (!isTwoTurns(options.scenario)) return first;
  request.messages.push(
    first.raw.message,
    ...first.toolCalls.map((call) => ({
      role: 'tool',
      tool_name: call.name,
      content: TOOL_RESULTS[call.name] ?? '',
    })),
  );
  return { ...(await send(client, request, options.isStream)), earlier: [first] };
}

function requestOf({ scenario, model }: AskOptions): ChatRequest & { messages: Message[] } {
  return {
    model,
    messages: messagesOf(scenario),
    ...(usesTools(scenario) && { tools: TOOLS.map((tool) => ({ type: 'function', function: tool as any })) }),
    ...(usesReasoning(scenario) && { think: true }),
    ...(scenario === 'json-schema' && { format: ANSWER_SCHEMA }),
    ...(scenario === 'length' && { options: { num_predict: LENGTH_LIMIT } }),
    ...(scenario === 'text' && { options: { temperature: 0, stop: ['\n\nEND'] } }),
  };
}

function messagesOf(scenario: AskOptions['scenario']): Message[] {
  if (scenario === 'text') {
    return [
      { role: 'system', content: SYSTEM_PROMPT },
      ...TURNS.map((turn) => ({ role: turn.role, content: turn.text })),
    ];
  }
  const question = { role: 'user', content: questionOf(scenario) };
  return [scenario === 'image' ? { ...question, images: [IMAGE.base64] } : question];
}

async function send(client: Ollama, request: ChatRequest, isStream: boolean): Promise<Seen> {
  if (!isStream) return seenOf(await client.chat({ ...request, stream: false }), []);
  const events: ChatResponse[] = [];
  for await (const event of await client.chat({ ...request, stream: true })) events.push(event);
  return seenOf(collect(events), events);
}

/** The SDK leaves it to its users to join the lines. */
function collect(events: readonly ChatResponse[]): any {
  const messages = events.map((event) => event.message);
  const join = (texts: (string | undefined)[]) => texts.map((text) => text ?? '').join('');
  const thinking = join(messages.map((message) => message.thinking));
  const calls = messages.flatMap((message) => message.tool_calls ?? []);
  const message = {
    role: 'assistant',
    content: join(messages.map((one) => one.content)),
    ...(thinking !== '' && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return { ...events.at(-1), message };
}

function seenOf(raw: ChatResponse, events: readonly any[]): Seen {
  const calls: any[] = raw.message.tool_calls ?? [];
  return {
    id: '',
    model: raw.model,
    text: raw.message.content,
    reasoning: raw.message.thinking ?? '',
    toolCalls: calls.map((call) => ({
      id: call.id ?? '',
      name: call.function.name,
      arguments: call.function.arguments,
    })),
    finish: raw.done_reason === 'stop' && calls.length > 0 ? 'tool-calls' : raw.done_reason,
    refusal: '',
    usage: {
      inputTokens: raw.prompt_eval_count,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: raw.eval_count,
      reasoningTokens: 0,
    },
    raw,
    events,
    earlier: [],
  };
}
