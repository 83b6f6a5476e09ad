// Chat completions as OpenAI, Azure, Mistral and vLLM-like servers answer them.

import { type ChatHeard, hearChat } from './openai-chat-request.ts';
import { type Flavour, headersOf } from './openai-errors.ts';
import { pieces, type TokenCounts } from './scenarios.ts';
import {
  type AnswerContext,
  CREATED_AT,
  composeAnswer,
  idText,
  type Phase,
  pieceLogprob,
  type Reply,
  type SpokenAnswer,
  type StreamFrame,
} from './speaker.ts';

export function answerChat(
  body: unknown,
  flavour: Flavour,
  deployment: string | undefined,
  context: AnswerContext,
): Reply {
  const heard = hearChat(body, flavour);
  const answer = composeAnswer(context, heard);
  const speech: Speech = {
    flavour,
    heard,
    answer,
    seed: context.seed,
    envelope: {
      id: flavour === 'mistral' ? idText(context.seed, 32).toLowerCase() : `chatcmpl-${idText(context.seed, 29)}`,
      created: CREATED_AT,
      model: deployment ?? heard.model,
      ...(flavour === 'openai' && { service_tier: 'default', system_fingerprint: 'fp_44709d6fcb' }),
    },
  };
  const headers = headersOf(flavour);
  if (!heard.isStream) return { type: 'whole', status: 200, headers, body: whole(speech) };
  return {
    type: 'stream',
    framing: 'sse',
    headers,
    frames: stream(speech),
    errorFrames: () => [
      {
        phase: 'structure',
        data: JSON.stringify({
          error: {
            message: 'The server had an error processing your request. Sorry about that!',
            type: 'server_error',
            param: null,
            code: null,
          },
        }),
      },
    ],
  };
}

interface Speech {
  readonly flavour: Flavour;
  readonly heard: ChatHeard;
  readonly answer: SpokenAnswer;
  readonly seed: string;
  readonly envelope: object;
}

function whole(speech: Speech): object {
  const { flavour, heard, answer } = speech;
  const calls = toolCalls(speech);
  const message = {
    role: 'assistant',
    content: answer.text === '' ? (flavour === 'mistral' ? '' : null) : answer.text,
    ...(isShown(speech) && { reasoning_content: answer.reasoning }),
    ...(flavour !== 'mistral' && { refusal: refusalOf(speech) }),
    ...(flavour === 'openai' && { annotations: [] }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const logprobs = heard.isLogprobsWanted ? logprobsOf(answer.textPieces, heard.topLogprobs) : null;
  return {
    ...speech.envelope,
    object: 'chat.completion',
    choices: Array.from({ length: heard.choiceCount }, (_, index) => ({
      index,
      message,
      ...(flavour !== 'mistral' && { logprobs }),
      finish_reason: finishReason(speech),
      ...(flavour === 'azure' && { content_filter_results: SAFE }),
    })),
    usage: usageOf(answer.usage, flavour),
    ...(flavour === 'azure' && { prompt_filter_results: [{ prompt_index: 0, content_filter_results: SAFE }] }),
  };
}

function stream(speech: Speech): StreamFrame[] {
  const { flavour, heard, answer } = speech;
  const frames: StreamFrame[] = [];
  const chunk = (phase: Phase, choices: object[], more: object = {}) => {
    const usage = flavour !== 'mistral' && heard.isUsageWanted ? { usage: null } : {};
    const obfuscation =
      flavour === 'openai' && choices.length > 0 ? { obfuscation: idText(`${frames.length}`, 5) } : {};
    const value = { ...speech.envelope, object: 'chat.completion.chunk', choices, ...usage, ...obfuscation, ...more };
    frames.push({ phase, data: JSON.stringify(value) });
  };
  const choice = (index: number, delta: object, more: object = {}) => ({
    index,
    delta,
    ...(flavour !== 'mistral' && { logprobs: null }),
    finish_reason: null,
    ...more,
  });

  if (flavour === 'azure') {
    const prompt_filter_results = [{ prompt_index: 0, content_filter_results: SAFE }];
    const data = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results };
    frames.push({ phase: 'structure', data: JSON.stringify(data) });
  }
  const last: Record<number, object> = {};
  for (let index = 0; index < heard.choiceCount; index += 1) {
    const isCalling = answer.toolCalls.length > 0 && flavour !== 'compatible';
    const refusal = flavour === 'openai' || flavour === 'azure' ? { refusal: null } : {};
    const content = isCalling && flavour !== 'mistral' ? null : '';
    chunk('structure', [choice(index, { role: 'assistant', content, ...refusal })]);
    last[index] = { delta: flavour === 'mistral' ? { content: '' } : {}, finish_reason: finishReason(speech) };
  }
  for (let index = 0; index < heard.choiceCount; index += 1) {
    if (isShown(speech)) {
      for (const piece of split(answer.reasoning)) chunk('content', [choice(index, { reasoning_content: piece })]);
    }
    for (const piece of split(refusalOf(speech) ?? '')) chunk('content', [choice(index, { refusal: piece })]);
    for (const piece of answer.textPieces) {
      const logprobs = heard.isLogprobsWanted ? { logprobs: logprobsOf([piece], heard.topLogprobs) } : {};
      const filter = flavour === 'azure' ? { content_filter_results: SAFE } : {};
      chunk('content', [choice(index, { content: piece }, { ...logprobs, ...filter })]);
    }
    for (const delta of callDeltas(speech)) chunk('content', [choice(index, { tool_calls: [delta] })]);
  }
  const usage = usageOf(answer.usage, flavour);
  for (let index = 0; index < heard.choiceCount; index += 1) {
    // Mistral tells the usage beside the reason, without a chunk of its own.
    chunk('finish', [choice(index, {}, last[index])], flavour === 'mistral' ? { usage } : {});
  }
  if (flavour !== 'mistral' && heard.isUsageWanted) chunk('finish', [], { usage });
  frames.push({ phase: 'end', data: '[DONE]' });
  return frames;
}

/** OpenAI: id and name first, then pieces of the arguments, those of parallel calls interleaved. */
function callDeltas(speech: Speech): object[] {
  const calls = toolCalls(speech);
  if (speech.flavour === 'mistral') return calls.map((call, index) => ({ ...call, index }));
  // vLLM-like servers send a call whole, some of them without saying its index.
  if (speech.flavour === 'compatible') return calls;
  const starts = calls.map((call, index) => ({ index, ...call, function: { ...call.function, arguments: '' } }));
  const deltas = calls.map((call, index) =>
    split(call.function.arguments).map((piece) => ({ index, function: { arguments: piece } })),
  );
  return [...starts, ...interleave(deltas)];
}

export function interleave<T>(lists: readonly (readonly T[])[]): T[] {
  const length = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}

function toolCalls({ answer, flavour, seed }: Speech) {
  return answer.toolCalls.map((call, index) => ({
    id: flavour === 'mistral' ? idText(`${seed}/${index}`, 9) : `call_${idText(`${seed}/${index}`, 24)}`,
    ...(flavour !== 'mistral' && { type: 'function' }),
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
}

function refusalOf({ answer, flavour }: Speech): string | null {
  return (flavour === 'openai' && answer.refusal) || null;
}

/** A refusing OpenAI model stops as usual; the others report their content filter. */
function finishReason({ answer, flavour }: Speech): string {
  if (answer.refusal) return flavour === 'openai' ? 'stop' : 'content_filter';
  return { stop: 'stop', length: 'length', 'tool-calls': 'tool_calls', 'content-filter': 'content_filter' }[
    answer.finish
  ];
}

/** OpenAI hides its reasoning; compatible servers show it in a field of their own. */
function isShown({ answer, flavour }: Speech): boolean {
  return flavour === 'compatible' && answer.reasoning !== '';
}

function logprobsOf(textPieces: readonly string[], topLogprobs: number): object {
  return { content: textPieces.map((piece) => pieceLogprob(piece, topLogprobs)), refusal: null };
}

export function usageOf(usage: TokenCounts, flavour: Flavour): object {
  const counts = {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
  if (flavour === 'mistral') return { ...counts, prompt_tokens_details: { cached_tokens: usage.cachedInputTokens } };
  if (flavour === 'compatible') {
    return {
      ...counts,
      prompt_tokens_details: usage.cachedInputTokens > 0 ? { cached_tokens: usage.cachedInputTokens } : null,
      completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    };
  }
  return {
    ...counts,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      audio_tokens: 0,
      ...(usage.cacheWriteTokens > 0 && { cache_write_tokens: usage.cacheWriteTokens }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function split(text: string): string[] {
  return pieces(text, 5);
}

const SAFE = {
  hate: { filtered: false, severity: 'safe' },
  self_harm: { filtered: false, severity: 'safe' },
  sexual: { filtered: false, severity: 'safe' },
  violence: { filtered: false, severity: 'safe' },
};
