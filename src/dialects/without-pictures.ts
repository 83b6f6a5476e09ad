// For clients whose wire has no place for pictures in an answer. They are dropped, but an answer of nothing else would look
// like silence: it gets a sentence that says what is missing. A picture that the upstream gave by address is told by it.

import type { GatewayError } from '../errors.ts';
import type { ChatResponse, Choice, MediaPart, Part } from '../model/chat.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import type { ClientSide, StreamRenderer } from './dialect.ts';

/** The client side as it is, for answers without pictures. */
export function withoutPictures(client: ClientSide): ClientSide {
  return {
    ...client,
    renderResponse: (response, request) => client.renderResponse(toldResponse(response), request),
    streamRenderer: (request, answer) => new PicturelessRenderer(client.streamRenderer(request, answer)),
  };
}

/** A picture that has an address, as the text that clients show as a picture or a link. */
export function linkTo({ source }: MediaPart): string | undefined {
  return source.type === 'url' ? `![picture](${source.url})\n` : undefined;
}

function missing(count: number): string {
  const what = count === 1 ? 'a picture' : `${count} pictures`;
  return `(The model answered with ${what} and no text. This API has no place for pictures: ask through /v1/chat/completions, /v1/responses or the Gemini API to get them.)`;
}

function toldResponse(response: ChatResponse): ChatResponse {
  const hasPictures = response.choices.some(({ parts }) => parts.some(({ type }) => type === 'media'));
  return hasPictures ? { ...response, choices: response.choices.map(toldChoice) } : response;
}

function toldChoice(choice: Choice): Choice {
  const pictures = choice.parts.filter((part) => part.type === 'media');
  const parts = choice.parts.flatMap((part): Part[] => {
    if (part.type !== 'media') return [part];
    const link = linkTo(part);
    return link === undefined ? [] : [{ type: 'text', text: link }];
  });
  if (pictures.length > 0 && !parts.some(isSeen)) parts.push({ type: 'text', text: missing(pictures.length) });
  return { ...choice, parts };
}

function isSeen(part: Part): boolean {
  return part.type === 'tool-call' || ((part.type === 'text' || part.type === 'refusal') && part.text.trim() !== '');
}

class PicturelessRenderer implements StreamRenderer {
  readonly #renderer: StreamRenderer;
  /** By choice: pictures dropped so far. */
  readonly #dropped = new Map<number, number>();
  /** Choices of which the client has seen something. */
  readonly #seen = new Set<number>();

  constructor(renderer: StreamRenderer) {
    this.#renderer = renderer;
  }

  get keepAlive(): string {
    return this.#renderer.keepAlive;
  }

  render(frame: Frame): string {
    return this.#renderer.render(this.#told(frame));
  }

  fail(error: GatewayError): string {
    return this.#renderer.fail(error);
  }

  /** The very frame where it has nothing to do with pictures, so that originals stay originals. */
  #told(frame: Frame): Frame {
    for (const event of frame.events) this.#note(event);
    if (this.#dropped.size === 0 && !frame.events.some(({ type }) => type === 'media-add')) return frame;
    const events = frame.events.flatMap((event) => this.#toldEvent(event));
    const isUnchanged = events.length === frame.events.length && events.every((event, i) => event === frame.events[i]);
    return isUnchanged ? frame : { events };
  }

  #note(event: StreamEvent): void {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        if (event.text.trim() !== '') this.#seen.add(event.choice);
        return;
      case 'tool-call-start':
        this.#seen.add(event.choice);
        return;
      case 'media-add':
        if (linkTo(event.media) === undefined) this.#dropped.set(event.choice, this.#droppedOf(event.choice) + 1);
        else this.#seen.add(event.choice);
        return;
      default:
        return;
    }
  }

  #toldEvent(event: StreamEvent): StreamEvent[] {
    if (event.type === 'media-add') {
      const text = linkTo(event.media);
      return text === undefined ? [] : [{ type: 'text-delta', choice: event.choice, text }];
    }
    if (event.type !== 'finish') return [event];
    const count = this.#seen.has(event.choice) ? 0 : this.#droppedOf(event.choice);
    return count === 0 ? [event] : [{ type: 'text-delta', choice: event.choice, text: missing(count) }, event];
  }

  #droppedOf(choice: number): number {
    return this.#dropped.get(choice) ?? 0;
  }
}
