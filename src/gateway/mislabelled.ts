// Some gateways label a stream of events as JSON. No JSON text begins as an event does, so the first bytes tell.

import type { HttpResponse } from '../ports.ts';

const EVENT_START = /^\s*(?:data|event|id|retry)?:/;

export function beginsAsEvents(text: string): boolean {
  return EVENT_START.test(text);
}

/** The answer with its first bytes read, which are still the first that its body brings. */
export async function peeked(
  response: HttpResponse,
): Promise<{ readonly start: string; readonly response: HttpResponse }> {
  const body = response.body[Symbol.asyncIterator]();
  const first = await body.next();
  let isFirstDue = true;
  const rest: AsyncIterableIterator<Uint8Array> = {
    next: () => {
      if (!isFirstDue) return body.next();
      isFirstDue = false;
      return Promise.resolve(first);
    },
    // Whoever gives up this body gives up the upstream's.
    return: async () => (await body.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => rest,
  };
  const start = first.done ? '' : Buffer.from(first.value).toString('latin1', 0, 100);
  return { start, response: withBody(response, rest) };
}

/** The answer of which all was read. */
export function alreadyRead(response: HttpResponse, text: string): HttpResponse {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  };
  return withBody(response, body());
}

/** Nothing else of it is had past its body: what `arrived` would give lacks what was read. */
function withBody({ status, headers }: HttpResponse, body: AsyncIterable<Uint8Array>): HttpResponse {
  return { status, headers, body };
}
