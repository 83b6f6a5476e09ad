// The scenarios' user with Anthropic's SDK.

import Anthropic from '@anthropic-ai/sdk';
import type { Message, MessageCreateParams, MessageParam } from '@anthropic-ai/sdk/resources/messages';
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

export async function askAnthropic(options: AskOptions): Promise<Seen> {
  const client = new Anthropic({
    baseURL: options.baseUrl,
    apiKey: options.apiKey,
    maxRetries: options.maxRetries ?? 0,
    ...(options.headers && { defaultHeaders: options.headers }),
  });
  const params = paramsOf(options);
  const first = await send(client, params, options);
  if (!isTwoTurns(options.scenario)) return first;
  params.messages.push(
    { role: 'assistant', content: first.raw.content },
    {
      role: 'user',
      content: first.toolCalls.map((call) => ({
        type: 'tool_result',
        tool_use_id: call.id,
        content: TOOL_RESULTS[call.name] ?? '',
      })),
    },
  );
  return { ...(await send(client, params, options)), earlier: [first] };
}

function paramsOf({ scenario, model }: AskOptions): MessageCreateParams {
  return {
    model,
    max_tokens: scenario === 'length' ? LENGTH_LIMIT : 8_192,
    messages: messagesOf(scenario),
    ...(scenario === 'text' && { system: SYSTEM_PROMPT, stop_sequences: ['\n\nEND'] }),
    ...(usesTools(scenario) && {
      tools: TOOLS.map((tool) => ({
        name: tool.name,
        description: tool.description,
        input_schema: tool.parameters as any,
      })),
      tool_choice: { type: scenario === 'tools' ? 'any' : 'auto' },
    }),
    ...(usesReasoning(scenario) && { thinking: { type: 'enabled', budget_tokens: 2_048 } }),
    ...(scenario === 'json-schema' && { output_config: { format: { type: 'json_schema', schema: ANSWER_SCHEMA } } }),
  };
}

function messagesOf(scenario: AskOptions['scenario']): MessageParam[] {
  if (scenario === 'text') return TURNS.map((turn) => ({ role: turn.role, content: turn.text }));
  const text = questionOf(scenario);
  if (scenario !== 'image') return [{ role: 'user', content: text }];
  const source = { type: 'base64' as const, media_type: IMAGE.mimeType, data: IMAGE.base64 };
  return [
    {
      role: 'user',
      content: [
        { type: 'image', source },
        { type: 'text', text },
      ],
    },
  ];
}

async function send(client: Anthropic, params: MessageCreateParams, options: AskOptions): Promise<Seen> {
  const requestOptions = options.signal ? { signal: options.signal } : {};
  if (!options.isStream) {
    return seenOf(await client.messages.create({ ...params, stream: false }, requestOptions), []);
  }
  const { stream: _, ...streamed } = params;
  const stream = client.messages.stream(streamed, requestOptions);
  const events: any[] = [];
  stream.on('streamEvent', (event) => events.push(structuredClone(event)));
  return seenOf(await stream.finalMessage(), events);
}

function seenOf(raw: Message, events: any[]): Seen {
  const usage = raw.usage;
  const cached = usage.cache_read_input_tokens ?? 0;
  const written = usage.cache_creation_input_tokens ?? 0;
  return {
    id: raw.id,
    model: raw.model,
    text: raw.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: raw.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    toolCalls: raw.content.flatMap((block) =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, arguments: block.input as any }] : [],
    ),
    finish: FINISHES[raw.stop_reason ?? ''] ?? String(raw.stop_reason),
    refusal: '',
    usage: {
      inputTokens: usage.input_tokens + cached + written,
      cachedInputTokens: cached,
      cacheWriteTokens: written,
      outputTokens: usage.output_tokens,
      reasoningTokens: usage.output_tokens_details?.thinking_tokens ?? 0,
    },
    raw,
    events,
    earlier: [],
  };
}

const FINISHES: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
};
