// What can go wrong with an answer: every fault as a change of the plan of what is written to the socket.

import type { FailureReason, Reply, Speaker, StreamFrame, StreamReply } from './speaker.ts';

/**
 * Where a fault strikes a stream: after that many content frames (0: all that comes before the first content is
 * sent; -1: nothing but the headers is), `content`: after all content, before the reason for the end; `finish`: after
 * the reason and the usage, before the terminal mark.
 */
export type After = number | 'content' | 'finish';

export type Fault =
  /** A status with the provider's own body and headers. `retryAfter`: how it says when to come back. */
  | {
      readonly type: 'status';
      readonly status: 400 | 401 | 402 | 403 | 404 | 408 | 413 | 422 | 429 | 500 | 502 | 503 | 504 | 529;
      readonly reason?: FailureReason;
      readonly retryAfter?: { readonly as: 'seconds' | 'milliseconds' | 'date' | 'retry-info'; readonly ms: number };
    }
  /** A proxy's page. */
  | { readonly type: 'html-502' }
  | { readonly type: 'text-429' }
  | { readonly type: 'empty-500' }
  | { readonly type: 'hang-before-headers' }
  | { readonly type: 'hang-mid-stream'; readonly after: After }
  /** The socket is destroyed. */
  | { readonly type: 'cut-mid-stream'; readonly after: After }
  /** The stream ends as HTTP wants it, but its terminal mark is missing. */
  | { readonly type: 'clean-end-early'; readonly after: After }
  /** The provider's error event inside a 200. An unstreamed answer is the error body with status 200. */
  | { readonly type: 'error-in-200'; readonly after: After }
  /** Responses only: `response.failed`. */
  | { readonly type: 'response-failed'; readonly after: After }
  /** One frame (or the whole body) is not JSON; the stream goes on after it. */
  | { readonly type: 'garbage-frame'; readonly after: After }
  /** Valid: one frame of more than 200 kB. */
  | { readonly type: 'oversized-line' }
  /** A line of 21 MB that does not end; then silence. */
  | { readonly type: 'huge-line'; readonly after: After }
  /** Valid: one byte at a time. */
  | { readonly type: 'slow-drip'; readonly delayMs: number }
  /** All frames from the start are sent again (Anthropic: a second message_start). */
  | { readonly type: 'duplicate-start'; readonly after: After }
  /** The right bytes labelled text/html. */
  | { readonly type: 'wrong-content-type' };

export type Step =
  | { readonly type: 'write'; readonly bytes: Buffer }
  | { readonly type: 'end' }
  | { readonly type: 'cut' }
  | { readonly type: 'hang' }
  | { readonly type: 'flood'; readonly byteCount: number };

export interface Plan {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface Encoding {
  readonly lineEnding: '\n' | '\r\n' | '\r';
  readonly hasComments: boolean;
}

const HUGE_LINE_BYTES = 21_000_000;

/** A fault that needs no valid request. */
export function planFailure(speaker: Speaker, fault: Fault | undefined, model: string): Plan | undefined {
  switch (fault?.type) {
    case 'status': {
      const ms = fault.retryAfter?.ms;
      const { body, headers } = speaker.failure({
        status: fault.status,
        reason: fault.reason,
        model,
        retryAfterMs: fault.retryAfter?.as === 'retry-info' ? ms : undefined,
      });
      return wholePlan(fault.status, { ...headers, ...retryHeaders(fault.retryAfter) }, body);
    }
    case 'html-502':
      return textPlan(502, 'text/html', BAD_GATEWAY_PAGE);
    case 'text-429':
      return textPlan(429, 'text/plain; charset=utf-8', 'Too Many Requests\n', { 'retry-after': '7' });
    case 'empty-500':
      return { status: 500, headers: { 'content-length': '0' }, steps: [{ type: 'end' }] };
    default:
      return undefined;
  }
}

/** Everything that is written for an answer, with the fault in its place. */
export function planReply(reply: Reply, fault: Fault | undefined, encoding: Encoding, speaker: Speaker): Plan {
  const plan = reply.type === 'stream' ? planStream(reply, fault, encoding) : planWhole(reply, fault, speaker);
  if (fault?.type !== 'wrong-content-type') return plan;
  return { ...plan, headers: { ...plan.headers, 'content-type': 'text/html; charset=utf-8' } };
}

function planWhole(reply: Reply & { type: 'whole' }, fault: Fault | undefined, speaker: Speaker): Plan {
  const plan = wholePlan(reply.status, reply.headers ?? {}, reply.body);
  const bytes = plan.steps.flatMap((step) => (step.type === 'write' ? [step.bytes] : []));
  const half = Buffer.concat(bytes).subarray(0, Math.floor(Buffer.concat(bytes).byteLength / 2));
  const firstHalf: Step = { type: 'write', bytes: half };
  switch (fault?.type) {
    case 'cut-mid-stream':
      return { ...plan, steps: [firstHalf, { type: 'cut' }] };
    case 'hang-mid-stream':
      return { ...plan, steps: [firstHalf, { type: 'hang' }] };
    case 'clean-end-early':
      return { ...plan, headers: withoutLength(plan.headers), steps: [firstHalf, { type: 'end' }] };
    case 'error-in-200':
      return wholePlan(200, reply.headers ?? {}, speaker.failure({ status: 500, model: '' }).body);
    case 'garbage-frame':
      return textPlan(200, 'application/json', GARBAGE);
    default:
      return plan;
  }
}

function planStream(reply: StreamReply, fault: Fault | undefined, encoding: Encoding): Plan {
  const contentType = reply.framing === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson';
  const headers = { 'content-type': contentType, 'cache-control': 'no-cache', ...reply.headers };
  const at = fault && 'after' in fault ? strikeIndex(reply.frames, fault.after) : reply.frames.length;
  const write = (frames: readonly StreamFrame[]): Step[] =>
    frames.map((frame) => ({ type: 'write', bytes: encodeFrame(frame, reply.framing, encoding) }));
  const before = write(reply.frames.slice(0, at));
  const rest = write(reply.frames.slice(at));
  const end: Step = { type: 'end' };
  const plan = (...steps: Step[]): Plan => ({ status: 200, headers, steps: [...before, ...steps] });
  switch (fault?.type) {
    case 'hang-mid-stream':
      return plan({ type: 'hang' });
    case 'cut-mid-stream':
      return plan({ type: 'cut' });
    case 'clean-end-early':
      return plan(end);
    case 'error-in-200':
      return plan(...write(reply.errorFrames(at)), end);
    case 'response-failed':
      return plan(...write((reply.failedFrames ?? reply.errorFrames)(at)), end);
    case 'garbage-frame':
      return plan(...write([{ phase: 'structure', data: GARBAGE }]), ...rest, end);
    case 'huge-line':
      return plan({ type: 'flood', byteCount: HUGE_LINE_BYTES }, { type: 'hang' });
    case 'duplicate-start':
      return plan(...before, ...rest, end);
    default:
      return plan(...rest, end);
  }
}

function strikeIndex(frames: readonly StreamFrame[], after: After): number {
  if (after === -1) return 0;
  const seek = (phases: readonly string[]): number => {
    const found = frames.findIndex((frame) => phases.includes(frame.phase));
    return found < 0 ? frames.length : found;
  };
  if (after === 'finish') return seek(['end']);
  if (after === 'content') return seek(['finish', 'end']);
  const contents = frames.flatMap((frame, index) => (frame.phase === 'content' ? [index] : []));
  if (after === 0) return contents[0] ?? seek(['finish', 'end']);
  const last = contents[after - 1];
  if (last === undefined) throw new RangeError(`The stream has ${contents.length} content frames, not ${after}.`);
  return last + 1;
}

function encodeFrame(frame: StreamFrame, framing: 'sse' | 'ndjson', encoding: Encoding): Buffer {
  if (framing === 'ndjson') return Buffer.from(`${frame.data}\n`);
  const eol = encoding.lineEnding;
  const comment = encoding.hasComments ? `: keep-alive${eol}${eol}` : '';
  const event = frame.event === undefined ? '' : `event: ${frame.event}${eol}`;
  return Buffer.from(`${comment}${event}data: ${frame.data}${eol}${eol}`);
}

function wholePlan(status: number, headers: Readonly<Record<string, string>>, body: object | Buffer): Plan {
  const isJson = !Buffer.isBuffer(body);
  const bytes = isJson ? Buffer.from(JSON.stringify(body)) : body;
  return {
    status,
    headers: {
      ...(isJson && { 'content-type': 'application/json' }),
      ...headers,
      'content-length': String(bytes.byteLength),
    },
    steps: [{ type: 'write', bytes }, { type: 'end' }],
  };
}

function textPlan(status: number, contentType: string, text: string, headers: Record<string, string> = {}): Plan {
  return wholePlan(status, { 'content-type': contentType, ...headers }, Buffer.from(text));
}

function withoutLength(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-length'));
}

function retryHeaders(retryAfter: { as: string; ms: number } | undefined): Record<string, string> {
  switch (retryAfter?.as) {
    case 'seconds':
      return { 'retry-after': String(Math.ceil(retryAfter.ms / 1_000)) };
    case 'milliseconds':
      return { 'retry-after-ms': String(retryAfter.ms), 'retry-after': String(Math.ceil(retryAfter.ms / 1_000)) };
    case 'date': {
      const now = Math.floor(Date.now() / 1_000) * 1_000;
      return { date: new Date(now).toUTCString(), 'retry-after': new Date(now + retryAfter.ms).toUTCString() };
    }
    default:
      return {};
  }
}

const GARBAGE = '{"this is not JSON';

const BAD_GATEWAY_PAGE = `<html>
<head><title>502 Bad Gateway</title><style>body{font:12px sans-serif}</style></head>
<body>
<center><h1>502 Bad Gateway</h1></center>
<hr><center>cloudflare</center>
</body>
</html>
`;
