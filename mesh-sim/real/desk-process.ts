// Somebody at the desk who asks nodes one thing at a time: any request of the API, or a stream that is read frame by frame.

import { Agent, request } from 'node:http';
import { moment } from './moment.ts';

export interface DeskOrder {
  readonly number: number;
  readonly method: string;
  readonly url: string;
  /** The admin token, or a virtual key. */
  readonly token: string;
  readonly body?: object;
}

export interface DeskAnswer {
  readonly status: number;
  readonly body: string;
  /** Of an event stream: when each piece of it came. */
  readonly moments: readonly number[];
}

export type DeskNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: DeskAnswer };

const ANSWER_MS = 60_000;
const agent = new Agent({ keepAlive: true });

process.on('disconnect', () => process.exit());
process.on('message', ({ number, ...order }: DeskOrder) => {
  void ask(order).then((answer) => tell({ kind: 'answer', number, answer }));
});
tell({ kind: 'ready' });

/** Status 0: there was no answer. */
function ask({ method, url, token, body }: Omit<DeskOrder, 'number'>): Promise<DeskAnswer> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
    const asked = request(url, { method, agent, headers, timeout: ANSWER_MS }, (response) => {
      const pieces: Buffer[] = [];
      const moments: number[] = [];
      response.on('data', (piece: Buffer) => {
        pieces.push(piece);
        moments.push(moment());
      });
      const end = (): void =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString(), moments });
      response.once('end', end);
      response.once('error', end);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', (error) => resolve({ status: 0, body: error.message, moments: [] }));
    asked.end(body && JSON.stringify(body));
  });
}

function tell(news: DeskNews): void {
  if (process.connected) process.send?.(news);
}
