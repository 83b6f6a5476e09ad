// The scenarios' user with OpenAI's SDK on chat completions.

import OpenAI, { AzureOpenAI } from 'openai';
import type {
  ChatCompletion,
  ChatCompletionCreateParams,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import {
  ANSWER_SCHEMA,
  ANSWER_SCHEMA_NAME,
  IMAGE,
  LENGTH_LIMIT,
  questionOf,
  SYSTEM_PROMPT,
  TOOL_RESULTS,
  TOOLS,
  TURNS,
} from '../prompts.ts';
import { type AskOptions, isTwoTurns, type Seen, usesReasoning, usesTools } from './seen.ts';

export async function askChat(options: AskOptions): Promise<Seen> {
  const client = clientOf(options);
  const params = paramsOf(options);
  const first = await send(client, params, options);
  if (!isTwoTurns(options.scenario)) return first;
  params.messages.push(
    {
      role: 'assistant',
      content: first.raw.choices[0].message.content,
      tool_calls: first.raw.choices[0].message.tool_calls,
    },
    ...first.toolCalls.map((call) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: TOOL_RESULTS[call.name] ?? '',
    })),
  );
  return { ...(await send(client, params, options)), earlier: [first] };
}

export function clientOf(options: AskOptions): OpenAI {
  const shared = {
    apiKey: options.apiKey,
    maxRetries: options.maxRetries ?? 0,
    ...(options.headers && { defaultHeaders: options.headers }),
  };
  if (options.azureApiVersion !== undefined) {
    return new AzureOpenAI({ ...shared, baseURL: options.baseUrl, apiVersion: options.azureApiVersion });
  }
  return new OpenAI({ ...shared, baseURL: options.baseUrl });
}

function paramsOf({ scenario, model }: AskOptions): ChatCompletionCreateParams {
  return {
    model,
    messages: messagesOf(scenario),
    ...(usesTools(scenario) && {
      tools: TOOLS.map((tool) => ({ type: 'function' as const, function: tool as any })),
      tool_choice: scenario === 'tools' ? 'required' : 'auto',
    }),
    ...(scenario === 'text' && { temperature: 0, stop: ['\n\nEND'] }),
    ...(scenario === 'length' && { max_completion_tokens: LENGTH_LIMIT }),
    ...(usesReasoning(scenario) && { reasoning_effort: 'medium' }),
    ...(scenario === 'json-schema' && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: ANSWER_SCHEMA_NAME, schema: ANSWER_SCHEMA, strict: true },
      },
    }),
  };
}

function messagesOf(scenario: AskOptions['scenario']): ChatCompletionMessageParam[] {
  const system = { role: 'system' as const, content: SYSTEM_PROMPT };
  if (scenario === 'text') return [system, ...TURNS.map((turn) => ({ role: turn.role, content: turn.text }))];
  const text = questionOf(scenario);
  if (scenario !== 'image') return [{ role: 'user', content: text }];
  const url = `data:${IMAGE.mimeType};base64,${IMAGE.base64}`;
  return [
    {
      role: 'user',
      content: [
        { type: 'text', text },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ];
}

async function send(client: OpenAI, params: ChatCompletionCreateParams, options: AskOptions): Promise<Seen> {
  const requestOptions = options.signal ? { signal: options.signal } : {};
  if (!options.isStream) {
    return seenOf(await client.chat.completions.create({ ...params, stream: false }, requestOptions), []);
  }
  const stream = client.chat.completions.stream(
    {
      ...params,
      stream: true,
      ...(options.isUsageWanted !== false && { stream_options: { include_usage: true } }),
    },
    requestOptions,
  );
  const events: any[] = [];
  stream.on('chunk', (chunk) => events.push(chunk));
  return seenOf(await stream.finalChatCompletion(), events);
}

function seenOf(raw: ChatCompletion, events: any[]): Seen {
  const [choice] = raw.choices;
  if (!choice) throw new Error('The completion has no choice.');
  const message: any = choice.message;
  return {
    id: raw.id,
    model: raw.model,
    text: message.content ?? '',
    reasoning: events.length > 0 ? streamedReasoning(events) : (message.reasoning_content ?? message.reasoning ?? ''),
    toolCalls: (message.tool_calls ?? []).map((call: any) => ({
      id: call.id,
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments),
    })),
    finish:
      { tool_calls: 'tool-calls', content_filter: 'content-filter' }[choice.finish_reason as string] ??
      choice.finish_reason,
    refusal: message.refusal ?? '',
    usage: raw.usage && {
      inputTokens: raw.usage.prompt_tokens,
      cachedInputTokens: raw.usage.prompt_tokens_details?.cached_tokens ?? 0,
      cacheWriteTokens: raw.usage.prompt_tokens_details?.cache_write_tokens ?? 0,
      outputTokens: raw.usage.completion_tokens,
      reasoningTokens: raw.usage.completion_tokens_details?.reasoning_tokens ?? 0,
    },
    raw,
    events,
    earlier: [],
  };
}

/** The SDK knows no reasoning in chat completions; its users read the deltas themselves. */
function streamedReasoning(events: any[]): string {
  const deltas = events.map((chunk) => chunk.choices[0]?.delta);
  return deltas.map((delta) => delta?.reasoning_content ?? delta?.reasoning ?? '').join('');
}
