// Content events → content blocks, one open at a time.
//
// Nothing in the neutral events says that a tool call is complete, and some upstreams mix the pieces of parallel calls.
// So while a call's arguments are not yet a whole JSON object, everything that is not its own waits; the waiting calls
// are written when it is whole, or at the end of the answer.

import type { Signature } from '../../model/chat.ts';
import { type JsonObject, parseObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { furtherFieldsOf, renderCitations } from './extensions.ts';
import { wireSignature } from './signatures.ts';
import { wireEvent } from './wire-event.ts';

type ContentEvent = Extract<
  StreamEvent,
  {
    type:
      | 'text-delta'
      | 'refusal-delta'
      | 'reasoning-delta'
      | 'reasoning-signature'
      | 'annotation-add'
      | 'tool-call-start'
      | 'tool-call-delta';
  }
>;

type OpenBlock =
  | { readonly type: 'text'; hasCitations: boolean }
  | { readonly type: 'thinking' }
  | { readonly type: 'tool'; readonly toolIndex: number; argumentsJson: string }
  /** Opened by a verbatim frame. */
  | { readonly type: 'other' };

export class BlockWriter {
  #nextIndex = 0;
  #open: OpenBlock | undefined;
  #waiting: ContentEvent[] = [];
  hasToolCalls = false;

  /** A verbatim frame opened or closed this block: ours come after it. */
  follow(index: number, isOpen: boolean): void {
    this.#nextIndex = index + 1;
    this.#open = isOpen ? { type: 'other' } : undefined;
  }

  write(event: ContentEvent): string {
    const open = this.#open;
    if (open?.type !== 'tool') return this.#writeNow(event);
    if (event.type === 'tool-call-delta' && event.index === open.toolIndex) {
      const text = this.#argumentsDelta(open, event.argumentsDelta);
      return this.#waiting.length > 0 && isWhole(open.argumentsJson) ? text + this.#release() : text;
    }
    if (this.#waiting.length === 0 && isWhole(open.argumentsJson)) return this.#writeNow(event);
    this.#waiting.push(event);
    return '';
  }

  /** Writes what waits, whole or not, and closes the last block. */
  end(): string {
    let text = this.#close();
    while (this.#waiting.length > 0) text += this.#release() + this.#close();
    return text;
  }

  /** Tells what waited, as far as the next call that is not whole; the rest waits on. */
  #release(): string {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.map((event) => this.write(event)).join('');
  }

  #writeNow(event: ContentEvent): string {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        return this.#text(event.text);
      case 'reasoning-delta':
        return this.#thinking(event.text);
      case 'reasoning-signature':
        return this.#signature(event.signature, event.isRedacted ?? false);
      case 'annotation-add': {
        const [citation] = renderCitations([event.annotation]);
        if (!citation || this.#open?.type !== 'text') return '';
        this.#open.hasCitations = true;
        return this.#delta({ type: 'citations_delta', citation });
      }
      case 'tool-call-start': {
        this.hasToolCalls = true;
        const block = { type: 'tool_use', id: event.id, name: event.name, input: {}, ...furtherFieldsOf(event) };
        return this.#start({ type: 'tool', toolIndex: event.index, argumentsJson: '' }, block);
      }
      // Its block is closed already: only white space after a whole object can come here.
      case 'tool-call-delta':
        return '';
    }
  }

  /** Citations hold for their whole block, so text after them begins a new one. */
  #text(text: string): string {
    if (text === '') return '';
    const isGoingOn = this.#open?.type === 'text' && !this.#open.hasCitations;
    const start = isGoingOn ? '' : this.#start({ type: 'text', hasCitations: false }, { type: 'text', text: '' });
    return start + this.#delta({ type: 'text_delta', text });
  }

  #thinking(text: string): string {
    if (text === '') return '';
    return this.#startThinking() + this.#delta({ type: 'thinking_delta', thinking: text });
  }

  /** What is not for this wire leaves the block unsigned; either way it is complete. */
  #signature(signature: Signature, isRedacted: boolean): string {
    const value = wireSignature(signature);
    if (value === '') return this.#open?.type === 'thinking' ? this.#close() : '';
    if (isRedacted && signature.dialect === 'anthropic') {
      const block = { type: 'redacted_thinking', data: signature.value };
      return this.#start({ type: 'other' }, block) + this.#close();
    }
    const start = this.#startThinking();
    return start + this.#delta({ type: 'signature_delta', signature: value }) + this.#close();
  }

  #startThinking(): string {
    if (this.#open?.type === 'thinking') return '';
    return this.#start({ type: 'thinking' }, { type: 'thinking', thinking: '', signature: '' });
  }

  #argumentsDelta(open: Extract<OpenBlock, { type: 'tool' }>, argumentsDelta: string): string {
    if (argumentsDelta === '') return '';
    open.argumentsJson += argumentsDelta;
    return this.#delta({ type: 'input_json_delta', partial_json: argumentsDelta });
  }

  #start(open: OpenBlock, block: JsonObject): string {
    const text = this.#close();
    this.#open = open;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    return text + wireEvent('content_block_start', { type: 'content_block_start', index, content_block: block });
  }

  #delta(delta: JsonObject): string {
    const index = this.#nextIndex - 1;
    return wireEvent('content_block_delta', { type: 'content_block_delta', index, delta });
  }

  #close(): string {
    if (!this.#open) return '';
    this.#open = undefined;
    return wireEvent('content_block_stop', { type: 'content_block_stop', index: this.#nextIndex - 1 });
  }
}

/** Looks at the last character first, because parsing at every piece would be quadratic. */
function isWhole(argumentsJson: string): boolean {
  return argumentsJson.trimEnd().endsWith('}') && parseObject(argumentsJson) !== undefined;
}
