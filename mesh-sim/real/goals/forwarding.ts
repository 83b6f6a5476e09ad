// What the way over another node adds to an answer, how soon a client that leaves is noticed there, and whether hundreds of
// streams at once lose anything.

import { CLIENT_KEY, SHARED_MODEL } from '../mesh-node.ts';
import { pause } from '../moment.ts';
import { Rig, type RigOptions } from '../rig.ts';
import type { UpstreamNews } from '../upstream-process.ts';
import { attacked, FIRST_HOST } from './attacked.ts';
import { failed, type Measured, most, none, quantile, ttftsOf } from './measured.ts';

type Program = Pick<RigOptions, 'program'>;

const ROUNDS = 4;
const ROUND_MS = 3_000;

/** Two nodes, one upstream: asked at its own node, and by way of the other, in turns. */
export async function overhead(options: Program): Promise<Measured[]> {
  const rig = new Rig({ nodes: 2, hasUpstream: (node) => node === 1, ...options });
  try {
    await ready(rig);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const node of [1, 0]) {
        rig.ask(rig.nodes.slice(node, node + 1), { perSecond: 20, streamEvery: 1, frames: 5, frameMs: 5 });
        await pause(ROUND_MS);
        await rig.stopAsking();
      }
    }
    // The first rounds warm both ways up.
    const warm = rig.seen.slice(rig.seen.length / 2);
    const direct = ttftsOf(warm.filter(({ node }) => node === 'n1'));
    const forwarded = ttftsOf(warm.filter(({ node }) => node === 'n0'));
    const added = (part: number): number => quantile(forwarded, part) - quantile(direct, part);
    return [
      most('forwarding adds to the first token, p50', added(0.5), 3, ' ms', 1),
      most('… p90', added(0.9), 5, ' ms', 1),
    ];
  } finally {
    rig.close();
  }
}

const LEAVERS = 20;

/** Clients that leave in the middle of a forwarded stream. */
export async function clientAbort(options: Program): Promise<Measured[]> {
  const rig = new Rig({ nodes: 2, hasUpstream: (node) => node === 1, ...options });
  try {
    await ready(rig);
    const left: number[] = [];
    rig.nodes[1]?.upstream?.onNews((news: UpstreamNews) => {
      if (news.kind === 'left') left.push(news.at);
    });
    const leaving: number[] = [];
    for (let round = 0; round < LEAVERS; round += 1) {
      rig.ask(rig.nodes.slice(0, 1), {
        perSecond: 100,
        streamEvery: 1,
        frames: 200,
        frameMs: 20,
        leaveAfterMs: 300,
        count: 1,
      });
      await rig.stopAsking();
    }
    await pause(1_000);
    for (const one of rig.seen) leaving.push(one.at + one.totalMs);
    const delays = leaving.map((at, index) => (left[index] ?? Number.POSITIVE_INFINITY) - at);
    return [
      none(
        'client leaves a forwarded stream: upstream calls of the executor that went on',
        leaving.length - left.length,
        leaving.length,
      ),
      most('… until the executor’s upstream call ended, worst', Math.max(...delays), 200, ' ms'),
    ];
  } finally {
    rig.close();
  }
}

const STREAMS = 500;
const FRAMES = 40;

export async function manyStreams(options: Program): Promise<Measured[]> {
  const rig = new Rig({ nodes: 2, hasUpstream: (node) => node === 1, ...options });
  try {
    await ready(rig);
    const before = rig.nodes.map((node) => node.memory()?.rssMb ?? 0);
    rig.ask(rig.nodes.slice(0, 1), { perSecond: 500, streamEvery: 1, frames: FRAMES, frameMs: 200, count: STREAMS });
    await pause(500);
    await rig.stopAsking();
    const { seen } = rig;
    const lost = seen.reduce((sum, one) => sum + one.lostFrames, 0);
    const peak = rig.nodes.map((node, index) => node.peakMb() - (before[index] ?? 0));
    const together = Math.max(
      ...seen.map(({ at }) => seen.filter((one) => one.at <= at && one.at + one.totalMs > at).length),
    );
    return [
      none(`${together} forwarded streams at once: failed`, failed(seen).length, seen.length),
      none('… frames lost, doubled or out of order', lost, seen.length * FRAMES),
      {
        promise: '… memory that entry node and executor grew by, with clients that read',
        bound: 'none set',
        measured: `${peak.map((mb) => mb.toFixed(0)).join(' and ')} MB`,
      },
    ];
  } finally {
    rig.close();
  }
}

/** By then all buffers on the way are full. */
const FULL_MS = 30_000;
const UNREAD_MB = 16;

/** Fifty clients of one node that read nothing of what another one answers without end. */
export async function unreadStreams(options: Program): Promise<Measured[]> {
  const rig = new Rig({ nodes: 2, hasUpstream: (node) => node === 1, ...options });
  try {
    await ready(rig);
    const requestBody = JSON.stringify({
      model: SHARED_MODEL,
      stream: true,
      messages: [{ role: 'user', content: 'Tell me everything.' }],
      max_tokens: 1_000_000_000,
      seed: 0,
    });
    const attack = attacked(rig, {
      attack: 'unread',
      host: FIRST_HOST,
      port: Number(new URL(rig.nodes[0]?.url ?? '').port),
      peer: '',
      requestBody,
      bearer: CLIENT_KEY,
    });
    const sizes = (): number[] => rig.nodes.map((node) => node.memory()?.rssMb ?? 0);
    await pause(FULL_MS);
    const full = sizes();
    const { open } = await attack;
    const later = sizes();
    const grown = Math.max(...later.map((mb, index) => mb - (full[index] ?? 0)));
    return [
      most(`${open} clients that read nothing: memory that a node grew by from 30 to 45 s`, grown, UNREAD_MB, ' MB'),
      {
        promise: '… memory of entry node and executor then',
        bound: 'none set',
        measured: `${later.map((mb) => mb.toFixed(0)).join(' and ')} MB`,
      },
    ];
  } finally {
    rig.close();
  }
}

async function ready(rig: Rig): Promise<void> {
  await rig.prepare();
  await Promise.all(rig.nodes.map((node) => node.boot()));
  await pause(4_000);
}
