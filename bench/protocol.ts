// What the processes of a benchmark agree on: the request, the clock, and the jobs of the load generator.

export const MODEL = 'mock-model';

const SYSTEM_TEXT =
  'You are a careful assistant. Answer in one short paragraph, name your sources, and say so when you are not sure. ';
const USER_TEXT = 'Which animals jump over which other animals, and since when has this been written down? ';

/** About one kilobyte, a short conversation as clients send it. */
const MESSAGES = [
  { role: 'system', content: SYSTEM_TEXT.repeat(3) },
  { role: 'user', content: USER_TEXT.repeat(3) },
  { role: 'assistant', content: 'Foxes, mostly; and mostly over dogs.' },
  { role: 'user', content: USER_TEXT },
];

function messages(mark: string): object[] {
  const [system, ...turns] = MESSAGES;
  return [{ ...system, content: `${system?.content}${mark}` }, ...turns];
}

/** A chain over the same upstream whose answers flowmesh keeps. */
export const CACHED_CHAIN = 'cached';

/** The load generator writes a number over it, another one in each request. */
export const DISTINCT_MARK = '################';

/** @param mark something to say that makes the request differ from others */
export function wholeBody(model = MODEL, mark = ''): string {
  return JSON.stringify({ model, messages: messages(mark), temperature: 0.7, max_tokens: 256 });
}

export function streamBody(frames: number, intervalMs: number, model = MODEL, mark = ''): string {
  return JSON.stringify({
    model,
    messages: messages(mark),
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: frames,
    seed: intervalMs,
  });
}

/** Of a clock that all processes of the machine share. */
export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

export interface Endpoint {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

interface JobBase {
  readonly endpoint: Endpoint;
  readonly connections: number;
  readonly durationMs: number;
}

export type Job =
  /** Each connection asks again as soon as it has its answer. */
  | (JobBase & {
      readonly kind: 'closed';
      /** Head and body in two packets, as many clients send them. */
      readonly isSplit?: boolean;
      /** Default: the usual conversation, answered whole. Where it has a `DISTINCT_MARK`, no two requests are alike. */
      readonly body?: string;
    })
  /** Requests begin at a fixed rate, whatever the answers do; latency counts from when a request should have begun. */
  | (JobBase & { readonly kind: 'open'; readonly rate: number })
  /** Each connection reads one stream after the other. */
  | (JobBase & {
      readonly kind: 'stream';
      readonly frames: number;
      readonly intervalMs: number;
      /** Leave after so many frames, as clients do. */
      readonly leaveAfter?: number;
    });

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Answers with another status than 200, and broken connections. */
  readonly errors: number;
  readonly elapsedMs: number;
  /** Milliseconds of whole answers; of streams, to the first content. */
  readonly latency: Quantiles;
  /** Answers that took between 38 and 50 ms: where a delayed TCP acknowledgement shows. */
  readonly around40Ms: number;
  readonly streams?: StreamResult;
}

export interface StreamResult {
  readonly frames: number;
  readonly lost: number;
  readonly reordered: number;
  /** Upstream's write to client's read. */
  readonly transit: Quantiles;
  /** Frames that were 38 to 50 ms under way. */
  readonly transitAround40Ms: number;
  /** How much longer or shorter the time between two frames was than between their writes. */
  readonly gapChange: Quantiles;
}

/** The answer to a job with that id. */
export interface LoadReply {
  readonly id: number;
  readonly result?: LoadResult;
  readonly error?: string;
}
