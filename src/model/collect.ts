// A stream collected into a whole answer, and a whole answer told as a stream: inverses of each other.

import type { Annotation, ChatResponse, Choice, Extensions, FinishReason, Part, TokenLogprob, Usage } from './chat.ts';
import type { Frame, StreamEvent } from './stream.ts';

interface ChoiceDraft {
  parts: Part[];
  finishReason: FinishReason | undefined;
  logprobs: TokenLogprob[];
  toolCalls: Map<number, ToolCallDraft>;
}

interface ToolCallDraft {
  readonly position: number;
  readonly id: string;
  readonly name: string;
  readonly extensions?: Extensions;
  argumentsJson: string;
}

/** Gathers frames into a ChatResponse. Feed it with `add`, read `response()` when the stream has ended. */
export class ResponseCollector {
  #id = '';
  #model = '';
  #createdAt: number | undefined;
  #usage: Usage | undefined;
  #frameCount = 0;
  #whole: Frame['original'];
  readonly #choices = new Map<number, ChoiceDraft>();

  add(frame: Frame): void {
    this.#frameCount += 1;
    this.#whole = frame.original?.isWhole ? frame.original : undefined;
    for (const event of frame.events) this.#addEvent(event);
  }

  get usage(): Usage | undefined {
    return this.#usage;
  }

  response(): ChatResponse {
    const choices = [...this.#choices.entries()]
      .sort(([a], [b]) => a - b)
      .map(([index, draft]) => finished(index, draft));
    return {
      id: this.#id,
      model: this.#model,
      choices,
      ...(this.#createdAt !== undefined && { createdAt: this.#createdAt }),
      ...(this.#usage && { usage: this.#usage }),
      ...(this.#whole &&
        this.#frameCount === 1 && { original: { dialect: this.#whole.dialect, text: this.#whole.data } }),
    };
  }

  #addEvent(event: StreamEvent): void {
    switch (event.type) {
      case 'response-start':
        this.#id = event.id;
        this.#model = event.model;
        this.#createdAt = event.createdAt ?? this.#createdAt;
        this.#usage = event.usage ?? this.#usage;
        return;
      case 'usage':
        this.#usage = event.usage;
        return;
      case 'text-delta':
        appendText(this.#choice(event.choice), 'text', event.text);
        return;
      case 'refusal-delta':
        appendText(this.#choice(event.choice), 'refusal', event.text);
        return;
      case 'reasoning-delta':
        appendReasoning(this.#choice(event.choice), event.text);
        return;
      case 'reasoning-signature':
        closeReasoning(this.#choice(event.choice), event);
        return;
      case 'annotation-add':
        annotate(this.#choice(event.choice), event.annotation);
        return;
      case 'tool-call-start':
        startToolCall(this.#choice(event.choice), event);
        return;
      case 'tool-call-delta': {
        const call = this.#choice(event.choice).toolCalls.get(event.index);
        if (call) call.argumentsJson += event.argumentsDelta;
        return;
      }
      case 'media-add':
        this.#choice(event.choice).parts.push(event.media);
        return;
      case 'logprobs-add':
        this.#choice(event.choice).logprobs.push(...event.logprobs);
        return;
      case 'finish':
        this.#choice(event.choice).finishReason = event.finishReason;
        return;
      case 'opaque-delta':
      case 'error':
      case 'response-end':
        return;
    }
  }

  #choice(index: number): ChoiceDraft {
    let draft = this.#choices.get(index);
    if (!draft) {
      draft = { parts: [], finishReason: undefined, logprobs: [], toolCalls: new Map() };
      this.#choices.set(index, draft);
    }
    return draft;
  }
}

function finished(index: number, draft: ChoiceDraft): Choice {
  const parts = [...draft.parts];
  for (const call of draft.toolCalls.values()) {
    parts[call.position] = {
      type: 'tool-call',
      id: call.id,
      name: call.name,
      argumentsJson: call.argumentsJson === '' ? '{}' : call.argumentsJson,
      ...(call.extensions && { extensions: call.extensions }),
    };
  }
  return {
    index,
    parts,
    finishReason: draft.finishReason ?? { unified: 'other', raw: '' },
    ...(draft.logprobs.length > 0 && { logprobs: draft.logprobs }),
  };
}

/** Streams begin with empty deltas; an empty part of them would be content that nobody wrote. */
function appendText(draft: ChoiceDraft, type: 'text' | 'refusal', text: string): void {
  if (text === '') return;
  const last = draft.parts.at(-1);
  if (last?.type === type) draft.parts[draft.parts.length - 1] = { ...last, text: last.text + text };
  else draft.parts.push({ type, text });
}

function appendReasoning(draft: ChoiceDraft, text: string): void {
  if (text === '') return;
  const last = draft.parts.at(-1);
  if (last?.type === 'reasoning' && !last.signature) {
    draft.parts[draft.parts.length - 1] = { ...last, text: last.text + text };
  } else {
    draft.parts.push({ type: 'reasoning', text });
  }
}

function closeReasoning(draft: ChoiceDraft, event: Extract<StreamEvent, { type: 'reasoning-signature' }>): void {
  const last = draft.parts.at(-1);
  if (last?.type === 'reasoning' && !last.signature && !event.isRedacted) {
    draft.parts[draft.parts.length - 1] = { ...last, signature: event.signature };
  } else {
    const redacted = event.isRedacted ? { isRedacted: true } : {};
    draft.parts.push({ type: 'reasoning', text: '', signature: event.signature, ...redacted });
  }
}

function annotate(draft: ChoiceDraft, annotation: Annotation): void {
  const position = draft.parts.findLastIndex((part) => part.type === 'text');
  const part = draft.parts[position];
  if (part?.type === 'text') {
    draft.parts[position] = { ...part, annotations: [...(part.annotations ?? []), annotation] };
  } else {
    draft.parts.push({ type: 'text', text: '', annotations: [annotation] });
  }
}

function startToolCall(draft: ChoiceDraft, event: Extract<StreamEvent, { type: 'tool-call-start' }>): void {
  const call: ToolCallDraft = {
    position: draft.parts.length,
    id: event.id,
    name: event.name,
    argumentsJson: '',
    ...(event.extensions && { extensions: event.extensions }),
  };
  draft.toolCalls.set(event.index, call);
  draft.parts.push({ type: 'tool-call', id: event.id, name: event.name, argumentsJson: '{}' });
}

/** Tells a whole answer as events, ending with `response-end`. */
export function responseEvents(response: ChatResponse): StreamEvent[] {
  const events: StreamEvent[] = [
    {
      type: 'response-start',
      id: response.id,
      model: response.model,
      ...(response.createdAt !== undefined && { createdAt: response.createdAt }),
    },
  ];
  for (const choice of response.choices) {
    let toolCallCount = 0;
    for (const part of choice.parts) {
      events.push(...partEvents(part, choice.index, toolCallCount));
      if (part.type === 'tool-call') toolCallCount += 1;
    }
    if (choice.logprobs) events.push({ type: 'logprobs-add', choice: choice.index, logprobs: choice.logprobs });
    events.push({ type: 'finish', choice: choice.index, finishReason: choice.finishReason });
  }
  if (response.usage) events.push({ type: 'usage', usage: response.usage });
  events.push({ type: 'response-end' });
  return events;
}

function partEvents(part: Part, choice: number, index: number): StreamEvent[] {
  switch (part.type) {
    case 'text':
      return [
        { type: 'text-delta', choice, text: part.text },
        ...(part.annotations ?? []).map((annotation) => ({ type: 'annotation-add', choice, annotation }) as const),
      ];
    case 'refusal':
      return [{ type: 'refusal-delta', choice, text: part.text }];
    case 'reasoning': {
      const events: StreamEvent[] = part.text === '' ? [] : [{ type: 'reasoning-delta', choice, text: part.text }];
      if (part.signature) {
        const redacted = part.isRedacted ? { isRedacted: true } : {};
        events.push({ type: 'reasoning-signature', choice, signature: part.signature, ...redacted });
      }
      return events;
    }
    case 'tool-call':
      return [
        {
          type: 'tool-call-start',
          choice,
          index,
          id: part.id,
          name: part.name,
          ...(part.extensions && { extensions: part.extensions }),
        },
        { type: 'tool-call-delta', choice, index, argumentsDelta: part.argumentsJson },
      ];
    case 'media':
      return [{ type: 'media-add', choice, media: part }];
    // No answer holds the result of a tool.
    case 'tool-result':
      return [{ type: 'opaque-delta' }];
  }
}
