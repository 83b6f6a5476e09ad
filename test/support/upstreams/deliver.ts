// Carries out a plan on a socket: how the bytes are split over writes, how fast, and how it ends.

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Plan, Step } from './faults.ts';

/** Writes of a stream: all in one, one a frame, single bytes, or that many bytes each. */
export type Chunking = 'whole' | 'frame' | 'byte' | number;

export interface Pace {
  readonly chunking: Chunking;
  /** Between two writes. */
  readonly delayMs: number;
}

/** Resolves when nothing is left to do. Stops early, without failing, when the client leaves. */
export async function deliver(response: ServerResponse, plan: Plan, pace: Pace): Promise<void> {
  response.socket?.setNoDelay(true);
  response.writeHead(plan.status, plan.headers);
  response.flushHeaders();
  let isFirst = true;
  for (const step of split(plan.steps, pace.chunking)) {
    if (response.destroyed) return;
    switch (step.type) {
      case 'write':
        if (!isFirst) await (pace.delayMs > 0 ? sleep(pace.delayMs) : turn());
        isFirst = false;
        await write(response, step.bytes);
        break;
      case 'flood':
        await flood(response, step.byteCount);
        break;
      case 'hang':
        return;
      case 'cut':
        await turn();
        response.socket?.destroy();
        return;
      case 'end':
        response.end();
        return;
    }
  }
}

function split(steps: readonly Step[], chunking: Chunking): Step[] {
  if (chunking === 'frame') return [...steps];
  const result: Step[] = [];
  let pending: Buffer[] = [];
  const flush = () => {
    const bytes = Buffer.concat(pending);
    pending = [];
    const size = chunking === 'byte' ? 1 : chunking === 'whole' ? bytes.byteLength : Number(chunking);
    for (let at = 0; at < bytes.byteLength; at += size) {
      result.push({ type: 'write', bytes: bytes.subarray(at, at + size) });
    }
  };
  for (const step of steps) {
    if (step.type === 'write') {
      pending.push(step.bytes);
    } else {
      flush();
      result.push(step);
    }
  }
  flush();
  return result;
}

async function flood(response: ServerResponse, byteCount: number): Promise<void> {
  await write(response, Buffer.from('data: {"padding":"'));
  const block = Buffer.alloc(1_000_000, 'x');
  for (let sent = 0; sent < byteCount && !response.destroyed; sent += block.byteLength) await write(response, block);
}

/** Resolves when the bytes were handed to the system, or the client is gone. */
function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    response.once('close', resolve);
    response.write(bytes, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}
