// ChatResponse → a Response object, and the object's fields around the output, which echo the request.

import type { ChatRequest, ChatResponse, FinishReason, Usage } from '../../model/chat.ts';
import { responseEvents } from '../../model/collect.ts';
import { asBoolean, type JsonObject, type JsonValue } from '../../model/json.ts';
import { ClientTools } from './client-tools.ts';
import { asksForCompaction } from './compaction.ts';
import { inputItems } from './items.ts';
import { OutputWriter } from './output-writer.ts';
import { renderUsage } from './usage.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest): string {
  if (response.original?.dialect === 'openai-responses') return response.original.text;
  const first = response.choices.slice(0, 1);
  const finishReason = first[0]?.finishReason ?? { unified: 'other', raw: '' };
  const writer = writerFor(request, response.id);
  for (const event of responseEvents({ ...response, choices: first })) writer.write(event);
  writer.close(incompleteReason(finishReason) !== null);
  const head = { id: responseId(response.id), model: response.model, createdAt: response.createdAt ?? 0 };
  return JSON.stringify(endedBody(responseFrame(request, head), finishReason, writer.output, response.usage));
}

/** @param id the answer's */
export function writerFor(request: ChatRequest, id: string): OutputWriter {
  const items = request.original?.dialect === 'openai-responses' ? inputItems(request.original.body) : [];
  return new OutputWriter(identityOf(id), new ClientTools(request), asksForCompaction(items));
}

interface ResponseHead {
  readonly id: string;
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/** The upstream's id in this wire's form. */
export function responseId(id: string): string {
  return id.startsWith('resp_') ? id : `resp_${id.replace(/[^A-Za-z0-9_-]/g, '')}`;
}

/** What item ids are made of. */
export function identityOf(id: string): string {
  return id.replace(/^resp_/, '').replace(/[^A-Za-z0-9]/g, '');
}

/** A Response that has just begun: no output, no usage. */
export function responseFrame(request: ChatRequest, head: ResponseHead): JsonObject {
  const body: JsonObject = request.original?.dialect === 'openai-responses' ? request.original.body : {};
  const echo = (field: string, fallback: JsonValue): JsonValue => body[field] ?? fallback;
  return {
    id: head.id,
    object: 'response',
    created_at: head.createdAt,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: echo('instructions', null),
    max_output_tokens: echo('max_output_tokens', null),
    max_tool_calls: echo('max_tool_calls', null),
    model: head.model === '' ? request.model : head.model,
    output: [],
    parallel_tool_calls: asBoolean(body.parallel_tool_calls) ?? true,
    previous_response_id: echo('previous_response_id', null),
    prompt_cache_key: echo('prompt_cache_key', null),
    reasoning: echo('reasoning', { effort: null, summary: null }),
    safety_identifier: echo('safety_identifier', null),
    service_tier: 'default',
    store: asBoolean(body.store) ?? true,
    temperature: echo('temperature', 1),
    text: echo('text', { format: { type: 'text' } }),
    tool_choice: echo('tool_choice', 'auto'),
    tools: echo('tools', []),
    top_logprobs: echo('top_logprobs', 0),
    top_p: echo('top_p', 1),
    truncation: echo('truncation', 'disabled'),
    usage: null,
    user: echo('user', null),
    metadata: echo('metadata', {}),
  };
}

export function endedBody(
  frame: JsonObject,
  finishReason: FinishReason,
  output: JsonObject[],
  usage: Usage | undefined,
): JsonObject {
  const reason = incompleteReason(finishReason);
  return {
    ...frame,
    status: reason === null ? 'completed' : 'incomplete',
    incomplete_details: reason === null ? null : { reason },
    output,
    usage: renderUsage(usage),
  };
}

/** Null for an answer that is complete. */
export function incompleteReason(finishReason: FinishReason): string | null {
  switch (finishReason.unified) {
    case 'length':
      return 'max_output_tokens';
    case 'content-filter':
      return 'content_filter';
    case 'stop':
    case 'tool-calls':
    case 'other':
      return null;
  }
}
