// The scenarios' user with OpenAI's SDK on the Responses API, stateless as Codex and the AI SDK use it.

import type OpenAI from 'openai';
import type { Response, ResponseCreateParams, ResponseInputItem } from 'openai/resources/responses/responses';
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
import { clientOf } from './openai-chat.ts';
import { type AskOptions, isTwoTurns, type Seen, usesReasoning, usesTools } from './seen.ts';

export async function askResponses(options: AskOptions): Promise<Seen> {
  const client = clientOf(options);
  const input = inputOf(options.scenario);
  const first = await send(client, paramsOf(options, input), options);
  if (!isTwoTurns(options.scenario)) return first;
  // The SDK's users send the output items back as they came.
  input.push(
    ...first.raw.output.map(withoutParsed),
    ...first.toolCalls.map((call) => ({
      type: 'function_call_output' as const,
      call_id: call.id,
      output: TOOL_RESULTS[call.name] ?? '',
    })),
  );
  return { ...(await send(client, paramsOf(options, input), options)), earlier: [first] };
}

function paramsOf({ scenario, model }: AskOptions, input: ResponseInputItem[]): ResponseCreateParams {
  return {
    model,
    input,
    store: false,
    ...(scenario === 'text' && { instructions: SYSTEM_PROMPT, temperature: 0 }),
    ...(usesTools(scenario) && {
      tools: TOOLS.map((tool) => ({ type: 'function' as const, ...tool, strict: false })),
      tool_choice: scenario === 'tools' ? 'required' : 'auto',
    }),
    ...(scenario === 'length' && { max_output_tokens: LENGTH_LIMIT }),
    ...(usesReasoning(scenario) && {
      reasoning: { effort: 'medium', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    }),
    ...(scenario === 'json-schema' && {
      text: { format: { type: 'json_schema', name: ANSWER_SCHEMA_NAME, schema: ANSWER_SCHEMA, strict: true } },
    }),
  };
}

function inputOf(scenario: AskOptions['scenario']): ResponseInputItem[] {
  if (scenario === 'text') return TURNS.map((turn) => ({ role: turn.role, content: turn.text }));
  const text = questionOf(scenario);
  if (scenario !== 'image') return [{ role: 'user', content: text }];
  const image_url = `data:${IMAGE.mimeType};base64,${IMAGE.base64}`;
  return [
    {
      role: 'user',
      content: [
        { type: 'input_text', text },
        { type: 'input_image', image_url, detail: 'auto' },
      ],
    },
  ];
}

async function send(client: OpenAI, params: ResponseCreateParams, options: AskOptions): Promise<Seen> {
  const requestOptions = options.signal ? { signal: options.signal } : {};
  if (!options.isStream) {
    return seenOf(await client.responses.create({ ...params, stream: false }, requestOptions), []);
  }
  const stream = client.responses.stream({ ...params, stream: true } as any, requestOptions);
  const events: any[] = [];
  stream.on('event', (event) => events.push(event));
  return seenOf(await stream.finalResponse(), events);
}

function seenOf(raw: Response, events: any[]): Seen {
  const contents = raw.output.flatMap((item): any[] => (item.type === 'message' ? item.content : []));
  const calls = raw.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
  const summaries = raw.output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []));
  return {
    id: raw.id,
    model: raw.model,
    text: contents.map((part) => part.text ?? '').join(''),
    reasoning: summaries.map((part) => part.text).join(''),
    toolCalls: calls.map((call) => ({ id: call.call_id, name: call.name, arguments: JSON.parse(call.arguments) })),
    finish: finishOf(raw, calls.length > 0),
    refusal: contents.map((part) => part.refusal ?? '').join(''),
    usage: raw.usage && {
      inputTokens: raw.usage.input_tokens,
      cachedInputTokens: raw.usage.input_tokens_details?.cached_tokens ?? 0,
      cacheWriteTokens: raw.usage.input_tokens_details?.cache_write_tokens ?? 0,
      outputTokens: raw.usage.output_tokens,
      reasoningTokens: raw.usage.output_tokens_details?.reasoning_tokens ?? 0,
    },
    raw,
    events,
    earlier: [],
  };
}

function finishOf(raw: Response, isCalling: boolean): string {
  if (raw.status === 'completed') return isCalling ? 'tool-calls' : 'stop';
  const reason = raw.incomplete_details?.reason;
  return { max_output_tokens: 'length', content_filter: 'content-filter' }[reason as string] ?? String(raw.status);
}

/** Without what the SDK's stream collector adds to the wire's items. */
function withoutParsed(item: any): any {
  const { parsed_arguments: _, ...rest } = item;
  if (!Array.isArray(item.content)) return rest;
  return { ...rest, content: item.content.map(({ parsed: __, ...part }: any) => part) };
}
