// Frames → the server-sent events of a streamed chat completion.

import type { GatewayError } from '../../errors.ts';
import type { ChatRequest, FinishReason, Usage } from '../../model/chat.ts';
import { asArray, asObject, type JsonObject } from '../../model/json.ts';
import type { Frame, OriginalFrame, StreamEvent } from '../../model/stream.ts';
import type { AnswerIdentity, StreamRenderer } from '../dialect.ts';
import { sseData } from '../sse-text.ts';
import { renderUsage } from './answer-fields.ts';
import { ChoiceRenderer } from './choice-renderer.ts';
import { renderError } from './errors.ts';
import { wantsLegacyCalls } from './render-response.ts';
import { customToolNames } from './tool-call.ts';

export class ChatStreamRenderer implements StreamRenderer {
  readonly keepAlive = ': keep-alive\n\n';
  readonly #isUsageWanted: boolean;
  readonly #hasLegacyCalls: boolean;
  readonly #customTools: ReadonlySet<string>;
  readonly #choices = new Map<number, ChoiceRenderer>();
  #id: string;
  #model: string;
  #createdAt: number;
  #usage: Usage | undefined;
  #isUsageWritten = false;
  #isEnded = false;

  constructor(request: ChatRequest, answer: AnswerIdentity) {
    this.#isUsageWanted = request.isUsageWanted === true;
    this.#hasLegacyCalls = wantsLegacyCalls(request);
    this.#customTools = customToolNames(request);
    this.#id = `chatcmpl-${answer.id}`;
    this.#model = request.model;
    this.#createdAt = answer.createdAt;
  }

  /** An `error` event says nothing here: `fail` tells the client. */
  render(frame: Frame): string {
    if (this.#isEnded) return '';
    const { original } = frame;
    const isVerbatim = original?.dialect === 'openai-chat' && !original.isWhole;
    let text = '';
    for (const event of frame.events) text += this.#renderEvent(event, isVerbatim);
    if (!isVerbatim) return text;
    // Only the end adds something of our own, the usage, which comes before the terminal mark.
    return text + this.#verbatim(original);
  }

  fail(error: GatewayError): string {
    if (this.#isEnded) return '';
    this.#isEnded = true;
    return sseData(JSON.stringify(renderError(error)));
  }

  #verbatim(original: OriginalFrame): string {
    const value = asObject(original.value);
    if (!value) return sseData(original.data);
    const isUsage = asObject(value.usage) !== undefined;
    if (this.#isUsageWanted || !('usage' in value)) {
      this.#isUsageWritten ||= isUsage;
      return sseData(original.data);
    }
    if (isUsage) return asArray(value.choices).length === 0 ? '' : sseData(original.data);
    return sseData(withoutNullUsage(original.data, value));
  }

  /** For a verbatim frame the event is followed, so that frames built later fit, but nothing is written. */
  #renderEvent(event: StreamEvent, isVerbatim: boolean): string {
    switch (event.type) {
      case 'response-start':
        return this.#start(event, isVerbatim);
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'response-end':
        return this.#end(isVerbatim);
      case 'finish':
        return this.#renderFinish(event.choice, event.finishReason, isVerbatim);
      case 'opaque-delta':
      case 'error':
        return '';
      default: {
        const choice = this.#choice(event.choice);
        if (isVerbatim) {
          choice.follow(event);
          return '';
        }
        return choice
          .render(event)
          .map((fields) => this.#chunk(event.choice, fields))
          .join('');
      }
    }
  }

  #start(event: Extract<StreamEvent, { type: 'response-start' }>, isVerbatim: boolean): string {
    this.#usage = event.usage ?? this.#usage;
    // A second start is another target going on with the answer: the client has one answer with one name.
    if (this.#choices.size > 0) return '';
    if (event.model !== '') this.#model = event.model;
    if (event.createdAt !== undefined) this.#createdAt = event.createdAt;
    if (event.id !== '' && (isVerbatim || event.id.startsWith('chatcmpl-'))) this.#id = event.id;
    const choice = this.#choice(0);
    return isVerbatim
      ? ''
      : choice
          .open()
          .map((fields) => this.#chunk(0, fields))
          .join('');
  }

  #renderFinish(index: number, reason: FinishReason, isVerbatim: boolean): string {
    const choice = this.#choice(index);
    return isVerbatim
      ? ''
      : choice
          .finish(reason)
          .map((fields) => this.#chunk(index, fields))
          .join('');
  }

  #end(isVerbatim: boolean): string {
    this.#isEnded = true;
    const isUsageDue = this.#isUsageWanted && this.#usage && !this.#isUsageWritten;
    const usage = isUsageDue && this.#usage ? this.#write({ choices: [], usage: renderUsage(this.#usage) }) : '';
    return isVerbatim ? usage : `${usage}${sseData('[DONE]')}`;
  }

  #choice(index: number): ChoiceRenderer {
    let choice = this.#choices.get(index);
    if (!choice) {
      choice = new ChoiceRenderer(this.#hasLegacyCalls, this.#customTools);
      this.#choices.set(index, choice);
    }
    return choice;
  }

  #chunk(index: number, fields: JsonObject): string {
    return this.#write({ choices: [{ index, delta: {}, logprobs: null, finish_reason: null, ...fields }] });
  }

  #write(fields: JsonObject): string {
    return sseData(
      JSON.stringify({
        id: this.#id,
        object: 'chat.completion.chunk',
        created: this.#createdAt,
        model: this.#model,
        ...fields,
      }),
    );
  }
}

/** The field that is there only because we asked for usage; cut out of the text where it cannot be anything else. */
function withoutNullUsage(data: string, value: JsonObject): string {
  const first = data.indexOf('"usage"');
  if (first === data.lastIndexOf('"usage"')) {
    const cut = data.replace(/,\s*"usage"\s*:\s*null/, '');
    if (cut.length < data.length) return cut;
  }
  const { usage: _usage, ...rest } = value;
  return JSON.stringify(rest);
}
