// An HttpClient whose internet is a table: URL → answer. What is not in it cannot be connected to.

import { type HttpClient, HttpFailure, type HttpRequest, type HttpResponse, type StopSignal } from '../../src/ports.ts';

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body: unknown;
}

/** `hang` accepts and never answers; it ends when it is aborted. */
export type Script = Readonly<Record<string, ScriptedAnswer | 'hang'>>;

export class ScriptedHttpClient implements HttpClient {
  readonly requests: HttpRequest[] = [];
  script: Script;

  constructor(script: Script) {
    this.script = script;
  }

  get urls(): string[] {
    return this.requests.map(({ url }) => url);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const answer = this.script[request.url];
    if (!answer) throw new HttpFailure('connect', 'ECONNREFUSED');
    request.onSend?.(false);
    if (answer === 'hang') return untilAborted(request.signal);
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    return { status: answer.status ?? 200, headers: answer.headers ?? {}, body: chunks(text) };
  }

  async close(): Promise<void> {}
}

function untilAborted(signal: StopSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** In two pieces, so that a reader that takes the first one only is found out. */
async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  const middle = Math.floor(bytes.length / 2);
  yield bytes.subarray(0, middle);
  yield bytes.subarray(middle);
}
