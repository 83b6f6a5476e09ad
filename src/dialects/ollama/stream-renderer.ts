// Frames → NDJSON lines for a client.

import type { GatewayError } from '../../errors.ts';
import type { ChatRequest, FinishReason, TokenLogprob, Usage } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Frame, OriginalFrame, StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { type AnswerShape, CHAT_SHAPE } from './answer-shape.ts';
import { renderError } from './errors.ts';
import { doneFields, isoTime, renderToolCall } from './render-response.ts';
import { doneReasonOf, renderLogprobs } from './wire.ts';

/** What one line says. */
interface LineDraft {
  thinking: string;
  content: string;
  logprobs: TokenLogprob[];
}

interface ToolCallDraft {
  readonly id: string;
  readonly name: string;
  argumentsJson: string;
}

export class OllamaStreamRenderer implements StreamRenderer {
  /** White space before a line is part of its JSON, while an empty line makes Python's client raise. */
  readonly keepAlive = ' ';
  readonly #shape: AnswerShape;
  #model: string;
  #createdAt: number;
  #finishReason: FinishReason | undefined;
  #usage: Usage | undefined;
  /** By index. Held back until they are complete, because Ollama sends arguments as an object. */
  readonly #toolCalls = new Map<number, ToolCallDraft>();

  constructor(request: ChatRequest, answer: AnswerIdentity, shape: AnswerShape = CHAT_SHAPE) {
    this.#shape = shape;
    this.#model = request.model;
    this.#createdAt = answer.createdAt;
  }

  render(frame: Frame): string {
    const original = frame.original?.dialect === 'ollama' ? frame.original : undefined;
    let text = '';
    const draft: LineDraft = { thinking: '', content: '', logprobs: [] };
    for (const event of frame.events) {
      // What failed is told by fail(), in the gateway's words.
      if (event.type === 'error') return '';
      this.#track(event, draft, original !== undefined);
      if (original) continue;
      if (event.type === 'finish' || event.type === 'response-end') {
        text += this.#contentLine(draft) + this.#toolCallLine();
      }
      if (event.type === 'response-end') text += this.#doneLine();
    }
    return original ? this.#own(original) : text + this.#contentLine(draft);
  }

  fail(error: GatewayError): string {
    return line(renderError(error));
  }

  #track(event: StreamEvent, draft: LineDraft, isVerbatim: boolean): void {
    if ('choice' in event && event.choice !== 0) return;
    switch (event.type) {
      case 'response-start':
        if (event.model !== '') this.#model = event.model;
        this.#createdAt = event.createdAt ?? this.#createdAt;
        this.#usage = event.usage ?? this.#usage;
        return;
      case 'usage':
        this.#usage = event.usage;
        return;
      case 'text-delta':
      case 'refusal-delta':
        draft.content += event.text;
        return;
      case 'reasoning-delta':
        draft.thinking += event.text;
        return;
      case 'finish':
        this.#finishReason = event.finishReason;
        return;
      case 'logprobs-add':
        draft.logprobs.push(...event.logprobs);
        return;
      case 'tool-call-start':
        if (!isVerbatim) this.#toolCalls.set(event.index, { id: event.id, name: event.name, argumentsJson: '' });
        return;
      case 'tool-call-delta': {
        const call = this.#toolCalls.get(event.index);
        if (call) call.argumentsJson += event.argumentsDelta;
        return;
      }
      // Ollama's wire has no place for the rest.
      default:
        return;
    }
  }

  /** Empties the draft. */
  #contentLine(draft: LineDraft): string {
    const { thinking, content, logprobs } = draft;
    if (thinking === '' && content === '' && logprobs.length === 0) return '';
    draft.thinking = '';
    draft.content = '';
    draft.logprobs = [];
    return line({
      ...this.#head(),
      ...this.#shape.said({ role: 'assistant', content, ...(thinking !== '' && { thinking }) }),
      ...(logprobs.length > 0 && { logprobs: renderLogprobs(logprobs) }),
      done: false,
    });
  }

  /** Every call so far in one line. */
  #toolCallLine(): string {
    if (this.#toolCalls.size === 0) return '';
    const calls = [...this.#toolCalls].map(([index, call]) => renderToolCall(call, index));
    this.#toolCalls.clear();
    const said = this.#shape.said({ role: 'assistant', content: '', tool_calls: calls });
    return line({ ...this.#head(), ...said, done: false });
  }

  #doneLine(): string {
    return line({
      ...this.#head(),
      ...this.#shape.said({ role: 'assistant', content: '' }),
      ...doneFields(doneReasonOf(this.#finishReason), this.#usage),
    });
  }

  /** A whole body may be spread over several lines. */
  #own({ data, isWhole, value }: OriginalFrame): string {
    const text = isWhole && value ? JSON.stringify(value) : data;
    return `${this.#shape.own(text, value)}\n`;
  }

  #head(): JsonObject {
    return { model: this.#model, created_at: isoTime(this.#createdAt) };
  }
}

function line(value: JsonObject): string {
  return `${JSON.stringify(value)}\n`;
}
