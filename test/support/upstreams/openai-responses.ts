// The Responses API as OpenAI answers it: items, and the events that build them up.

import { interleave } from './openai-chat.ts';
import { headersOf } from './openai-errors.ts';
import { hearResponses, type ResponsesHeard } from './openai-responses-request.ts';
import { pieces, type TokenCounts } from './scenarios.ts';
import {
  type AnswerContext,
  CREATED_AT,
  composeAnswer,
  hexText,
  idText,
  type Phase,
  pieceLogprob,
  type Reply,
  type SpokenAnswer,
  type StreamFrame,
  sign,
} from './speaker.ts';

export function answerResponses(body: unknown, context: AnswerContext): Reply {
  const heard = hearResponses(body);
  const answer = composeAnswer(context, heard);
  const output = outputOf(answer, heard, context.seed);
  const isCut = answer.finish === 'length';
  const end = { status: isCut ? 'incomplete' : 'completed', output, usage: usage(answer.usage) };
  const envelope = envelopeOf(heard, context.seed);
  const final = {
    ...envelope,
    ...end,
    completed_at: isCut ? null : CREATED_AT + 2,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
  };
  const headers = headersOf('openai');
  if (!heard.isStream) return { type: 'whole', status: 200, headers, body: final };

  const frames: StreamFrame[] = [];
  const emit = (phase: Phase, type: string, fields: object) =>
    frames.push({ phase, ...frame(type, frames.length, fields) });
  const started = { ...envelope, status: 'in_progress', output: [], usage: null };
  emit('structure', 'response.created', { response: started });
  emit('structure', 'response.in_progress', { response: started });
  streamOutput(output, answer, heard, emit);
  emit('end', isCut ? 'response.incomplete' : 'response.completed', { response: final });
  const problem = { code: 'server_error', message: 'The server had an error processing your request.' };
  return {
    type: 'stream',
    framing: 'sse',
    headers,
    frames,
    errorFrames: (sent) => [{ phase: 'structure', ...frame('error', sent, { ...problem, param: null }) }],
    failedFrames: (sent) => {
      const response = { ...started, status: 'failed', error: problem };
      return [{ phase: 'structure', ...frame('response.failed', sent, { response }) }];
    },
  };
}

type Emit = (phase: Phase, type: string, fields: object) => void;

function frame(type: string, sequence_number: number, fields: object): { event: string; data: string } {
  return { event: type, data: JSON.stringify({ type, sequence_number, ...fields }) };
}

function outputOf(answer: SpokenAnswer, heard: ResponsesHeard, seed: string): any[] {
  const items: any[] = [];
  if (answer.reasoning !== '') {
    items.push({
      id: `rs_${hexText(`${seed}/rs`, 48)}`,
      type: 'reasoning',
      summary: heard.isSummaryWanted ? [{ type: 'summary_text', text: answer.reasoning }] : [],
      ...(heard.isReasoningEncrypted && { encrypted_content: sign('openai', answer.reasoning) }),
    });
  }
  if (answer.text !== '' || answer.refusal !== '') {
    const logprobs = heard.isLogprobsWanted
      ? answer.textPieces.map((piece) => pieceLogprob(piece, heard.topLogprobs))
      : [];
    const text = { type: 'output_text', annotations: [], logprobs, text: answer.text };
    items.push({
      id: `msg_${hexText(`${seed}/msg`, 48)}`,
      type: 'message',
      status: answer.finish === 'length' ? 'incomplete' : 'completed',
      content: [answer.refusal === '' ? text : { type: 'refusal', refusal: answer.refusal }],
      role: 'assistant',
    });
  }
  answer.toolCalls.forEach((call, index) => {
    items.push({
      id: `fc_${hexText(`${seed}/fc${index}`, 48)}`,
      type: 'function_call',
      status: 'completed',
      arguments: JSON.stringify(call.arguments),
      call_id: `call_${idText(`${seed}/${index}`, 24)}`,
      name: call.name,
    });
  });
  return items;
}

function streamOutput(output: any[], answer: SpokenAnswer, heard: ResponsesHeard, emit: Emit): void {
  const calls: { item: any; output_index: number }[] = [];
  output.forEach((item, output_index) => {
    if (item.type === 'reasoning') streamReasoning(item, output_index, emit);
    if (item.type === 'message') streamMessage(item, output_index, answer, heard, emit);
    if (item.type === 'function_call') calls.push({ item, output_index });
  });
  // All calls open before any closes, so that a reader that counts on order is found out.
  for (const { item, output_index } of calls) {
    const added = { ...item, status: 'in_progress', arguments: '' };
    emit('content', 'response.output_item.added', { output_index, item: added });
  }
  const deltas = calls.map(({ item, output_index }) =>
    pieces(item.arguments, 5).map((delta) => ({ item_id: item.id, output_index, delta })),
  );
  for (const delta of interleave(deltas)) emit('content', 'response.function_call_arguments.delta', delta);
  for (const { item, output_index } of calls) {
    const done = { item_id: item.id, output_index, arguments: item.arguments };
    emit('structure', 'response.function_call_arguments.done', done);
    emit('structure', 'response.output_item.done', { output_index, item });
  }
}

function streamReasoning(item: any, output_index: number, emit: Emit): void {
  // The encrypted content is there from the start, but worthless until the item is done.
  emit('structure', 'response.output_item.added', { output_index, item: { ...item, summary: [] } });
  const at = { item_id: item.id, output_index, summary_index: 0 };
  for (const part of item.summary) {
    emit('structure', 'response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } });
    for (const delta of pieces(part.text)) emit('content', 'response.reasoning_summary_text.delta', { ...at, delta });
    emit('structure', 'response.reasoning_summary_text.done', { ...at, text: part.text });
    emit('structure', 'response.reasoning_summary_part.done', { ...at, part });
  }
  emit('structure', 'response.output_item.done', { output_index, item });
}

function streamMessage(item: any, output_index: number, answer: SpokenAnswer, heard: ResponsesHeard, emit: Emit): void {
  emit('structure', 'response.output_item.added', {
    output_index,
    item: { ...item, status: 'in_progress', content: [] },
  });
  const at = { item_id: item.id, output_index, content_index: 0 };
  const [part] = item.content;
  if (part.type === 'refusal') {
    emit('structure', 'response.content_part.added', { ...at, part: { type: 'refusal', refusal: '' } });
    for (const delta of pieces(answer.refusal)) emit('content', 'response.refusal.delta', { ...at, delta });
    emit('structure', 'response.refusal.done', { ...at, refusal: answer.refusal });
  } else {
    emit('structure', 'response.content_part.added', { ...at, part: { ...part, text: '', logprobs: [] } });
    for (const delta of answer.textPieces) {
      const logprobs = heard.isLogprobsWanted ? [pieceLogprob(delta, heard.topLogprobs)] : [];
      emit('content', 'response.output_text.delta', { ...at, delta, logprobs });
    }
    emit('structure', 'response.output_text.done', { ...at, text: answer.text, logprobs: part.logprobs });
  }
  emit('structure', 'response.content_part.done', { ...at, part });
  emit('structure', 'response.output_item.done', { output_index, item });
}

function envelopeOf({ body }: ResponsesHeard, seed: string): object {
  return {
    id: `resp_${hexText(seed, 48)}`,
    object: 'response',
    created_at: CREATED_AT,
    status: 'in_progress',
    background: false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    safety_identifier: null,
    service_tier: 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: 'text' }, verbosity: body.text?.verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

function usage(counts: TokenCounts): object {
  return {
    input_tokens: counts.inputTokens,
    input_tokens_details: { cached_tokens: counts.cachedInputTokens, cache_write_tokens: counts.cacheWriteTokens },
    output_tokens: counts.outputTokens,
    output_tokens_details: { reasoning_tokens: counts.reasoningTokens },
    total_tokens: counts.inputTokens + counts.outputTokens,
  };
}
