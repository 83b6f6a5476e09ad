// Bytes of an answer → wire messages: server-sent events or JSON lines, as state machines without I/O.
// However the bytes are cut into chunks, the messages are the same; a UTF-8 character may be cut too.

import { createParser, type ParseError } from 'eventsource-parser';
import { GatewayError } from '../errors.ts';
import type { Dialect, WireMessage } from './dialect.ts';
import { ErrorLines, isJsonBody } from './event-lines.ts';

/**
 * Characters of one unfinished message that are kept. The longest real ones are images inside an answer (some
 * megabytes); more is an upstream gone mad, which must not eat the memory of the node.
 */
export const FRAME_LENGTH_MAX = 16 * 1_024 * 1_024;

export interface FrameDecoder {
  /**
   * The messages that this chunk completes.
   * @throws GatewayError `upstream_garbage` when an unfinished message grows over FRAME_LENGTH_MAX; not usable afterwards
   */
  decode(chunk: Uint8Array): WireMessage[];
  /** The bytes ended: the last message, where its final newline or blank line is missing. Call it once. */
  flush(): WireMessage[];
}

export function decoderFor(framing: Dialect['framing']): FrameDecoder {
  return framing === 'sse' ? sseDecoder() : ndjsonDecoder();
}

/** Events without data, comments, ids and retry times mean nothing in any dialect and are dropped. */
export function sseDecoder(): FrameDecoder {
  const decoder = new TextDecoder();
  let messages: WireMessage[] = [];
  const parser = createParser({
    maxBufferSize: FRAME_LENGTH_MAX,
    onEvent({ event, data }) {
      // The parser reports a bare `data:` line, which servers send to keep the connection open.
      if (data !== '') messages.push(event === undefined ? { data } : { event, data });
    },
    onError(error: ParseError) {
      if (error.type === 'max-buffer-size-exceeded') throw frameTooLong();
    },
  });
  const errorLines = new ErrorLines();
  const feed = (text: string): WireMessage[] => {
    messages = [];
    parser.feed(text);
    return messages;
  };
  /** The pieces of a whole body, or of the blanks before whatever comes; undefined once an event began. */
  let body: string[] | undefined = [];
  let bodyLength = 0;
  let isBody: boolean | undefined;
  const isHeld = (text: string): boolean => {
    if (!body) return false;
    isBody ??= isJsonBody(text);
    if (isBody === false) {
      body = undefined;
      return false;
    }
    bodyLength += text.length;
    if (bodyLength > FRAME_LENGTH_MAX) throw frameTooLong();
    body.push(text);
    return true;
  };
  return {
    decode: (chunk) => {
      const text = decoder.decode(chunk, { stream: true });
      return isHeld(text) ? [] : feed(errorLines.translate(text));
    },
    flush: () => {
      const rest = decoder.decode();
      if (body) return isBody ? [{ data: body.join('') + rest, isWhole: true }] : [];
      // Two line feeds end a line and its event; where a CR came last, the first one only completes it to CRLF.
      return feed(`${errorLines.translate(rest)}${errorLines.flush()}\n\n`);
    },
  };
}

/** Blank lines are skipped. CR ends a line as LF does: inside JSON neither can stand unescaped. */
export function ndjsonDecoder(): FrameDecoder {
  const decoder = new TextDecoder();
  // Pieces of the unfinished line, joined once it is complete: joining at every chunk would be quadratic.
  let pending: string[] = [];
  let pendingLength = 0;

  const feed = (text: string): WireMessage[] => {
    const lines = (text.includes('\r') ? text.replaceAll('\r', '\n') : text).split('\n');
    const unfinished = lines.pop() ?? '';
    const messages: WireMessage[] = [];
    for (const line of lines) {
      const data = pending.length === 0 ? line : pending.join('') + line;
      pending = [];
      pendingLength = 0;
      if (data.trim() !== '') messages.push({ data });
    }
    if (unfinished !== '') {
      pending.push(unfinished);
      pendingLength += unfinished.length;
      if (pendingLength > FRAME_LENGTH_MAX) throw frameTooLong();
    }
    return messages;
  };
  return {
    decode: (chunk) => feed(decoder.decode(chunk, { stream: true })),
    flush: () => feed(`${decoder.decode()}\n`),
  };
}

function frameTooLong(): GatewayError {
  return new GatewayError(
    'upstream_garbage',
    `The upstream sent more than ${FRAME_LENGTH_MAX} characters without completing a message.`,
  );
}
