// JSON over requests between nodes: bounded bodies, deadlines, and answers that are either an object or a refusal.

import { type JsonObject, parseObject } from '../model/json.ts';
import type { Clock, MeshRequest, MeshResponse } from '../ports.ts';

/** Of one request or answer. Longer lists come in pages. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** What strangers may send and are answered. */
export const JOIN_BODY_BYTES_MAX = 16 * 1024;

/** Another node said no. */
export class PeerRefusal extends Error {
  override readonly name = 'PeerRefusal';
  readonly status: number;
  readonly body: JsonObject;

  constructor(status: number, body: JsonObject) {
    super(typeof body.error === 'string' ? body.error.slice(0, 300) : `status ${status}`);
    this.status = status;
    this.body = body;
  }
}

export function jsonRequest(path: string, body: JsonObject, signal: AbortSignal): MeshRequest {
  const bytes = Buffer.from(JSON.stringify(body));
  return { path, headers: { 'content-type': 'application/json' }, body: bytes, signal };
}

export function jsonResponse(status: number, body: JsonObject): MeshResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: once(Buffer.from(JSON.stringify(body))) };
}

export function refusal(status: number, error: string, more: JsonObject = {}): MeshResponse {
  return jsonResponse(status, { error, ...more });
}

/** @throws PeerRefusal for every status but 200 */
export async function readAnswer(response: MeshResponse, bytesMax = BODY_BYTES_MAX): Promise<JsonObject> {
  const body = await readJson(response.body, bytesMax);
  if (response.status !== 200) throw new PeerRefusal(response.status, body ?? {});
  if (!body) throw new Error('the answer is not readable');
  return body;
}

/** Undefined for a body that is too long or no JSON object. */
export async function readJson(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<JsonObject | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return parseObject(Buffer.concat(chunks).toString());
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Runs `work` with a signal that aborts after `timeoutMs`, and rejects then, whatever `work` does. */
export function withTimeout<Result>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => {
      const error = new Error(`no answer within ${Math.round(timeoutMs)} ms`);
      controller.abort(error);
      reject(error);
    });
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
