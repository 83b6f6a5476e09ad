// Requests that the HTTP parser gives up before there is a route: answered on the bare socket, in OpenAI's shape, because
// nobody knows which dialect was meant.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { dialects } from '../dialects/registry.ts';
import { GatewayError } from '../errors.ts';

const HEADERS_TOO_LARGE = 'The headers of the request are larger than 16 KiB.';
const NOT_HTTP = 'This is no HTTP/1.1 request. TLS and HTTP/2 need a proxy in front.';

/** For the server's `clientError`. */
export function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(responseText(failureOf(error)));
  socket.destroy(error);
}

function failureOf({ code }: NodeJS.ErrnoException): GatewayError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'The request was not complete in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('bad_request', HEADERS_TOO_LARGE, { status: 431 });
    default:
      return new GatewayError('bad_request', NOT_HTTP);
  }
}

function responseText(error: GatewayError): string {
  const body = JSON.stringify(dialects['openai-chat'].client.renderError(error, ''));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
