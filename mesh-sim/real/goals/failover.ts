// What clients of one node see when its upstream dies, and when the peer dies, is cut off or freezes that serves them then.

import type { Seen } from '../load-process.ts';
import type { MeshNode } from '../mesh-node.ts';
import { moment, pause } from '../moment.ts';
import { Rig, type RigOptions } from '../rig.ts';
import { changes, failed, type Measured, most, none, quantile, ttftsOf } from './measured.ts';

const PER_SECOND = 50;
const BEFORE_MS = 6_000;
const AFTER_MS = 8_000;
/** The circuit of a dead upstream is open by then. */
const MEETING_MS = 1_000;
const ADDED_MEETING_MS = 1_500;
const ADDED_AFTER_MS = 30;

type Program = Pick<RigOptions, 'program'>;

/** All through the first of three nodes, warm, its own upstream serving. */
async function loadedRig(options: Program & Pick<RigOptions, 'upstreamTtftMs'>, hasOwnUpstream: boolean): Promise<Rig> {
  const rig = new Rig({ nodes: 3, hasUpstream: (node) => node > 0 || hasOwnUpstream, ...options });
  await rig.prepare();
  await Promise.all(rig.nodes.map((node) => node.boot()));
  await pause(3_000);
  rig.ask(rig.nodes.slice(0, 1), { perSecond: PER_SECOND });
  await pause(BEFORE_MS);
  return rig;
}

export async function deadUpstream(options: Program): Promise<Measured[]> {
  const rig = await loadedRig(options, true);
  try {
    const [first] = rig.nodes;
    const diedAt = moment();
    first?.killUpstream();
    await pause(AFTER_MS);
    await rig.stopAsking();
    const before = rig.seen.filter(({ at }) => at > diedAt - BEFORE_MS / 2 && at < diedAt - 1_000);
    const cut = rig.seen.filter(({ at, totalMs, isStream }) => isStream && at < diedAt && at + totalMs >= diedAt);
    const begunAfter = rig.seen.filter(({ at }) => at >= diedAt);
    const met = rig.seen.filter((seen) => seen.attempts > 1);
    const after = begunAfter.filter((seen) => seen.at > diedAt + MEETING_MS && seen.attempts <= 1);
    const usual = quantile(ttftsOf(before), 0.5);
    const clean = failed(begunAfter);
    return [
      none('upstream of the asked node dies: failed requests that began after', clean.length, begunAfter.length),
      none(
        '… that waited for their first token at that moment',
        failed(beganBefore(rig.seen, diedAt)).length,
        cut.length,
      ),
      most('… added p99, requests that met the failure', quantile(ttftsOf(met), 0.99) - usual, ADDED_MEETING_MS, ' ms'),
      most(
        '… added p99, requests after',
        quantile(ttftsOf(after), 0.99) - quantile(ttftsOf(before), 0.99),
        ADDED_AFTER_MS,
        ' ms',
      ),
      most('… added p50, requests after', quantile(ttftsOf(after), 0.5) - usual, ADDED_AFTER_MS, ' ms', 1),
    ];
  } finally {
    rig.close();
  }
}

/** Streams that had begun cannot be saved: those that had not are. */
function beganBefore(seen: readonly Seen[], at: number): readonly Seen[] {
  return seen.filter(
    (one) => one.at < at && one.at + one.totalMs >= at && (one.ttftMs === undefined || one.at + one.ttftMs > at),
  );
}

/** How one of two serving peers goes. */
interface Going {
  readonly name: string;
  go(rig: Rig, peer: MeshNode): void;
}

/** A closed connection says at once that its node is gone; a cable that is cut says nothing. */
const GOINGS = {
  kill: { name: 'kill -9 of a serving peer', go: (_, peer) => void peer.end() },
  cut: { name: 'network of a serving peer cut', go: (rig, peer) => rig.unplug(peer) },
} satisfies Record<string, Going>;

const SLOW_MS = 500;
/** So that at every moment a dozen requests wait for their first token. */
const THINKING_MS = 250;
const AVOIDED_MS = 2_000;

export async function lostPeer(how: keyof typeof GOINGS, options: Program): Promise<Measured[]> {
  const rig = await loadedRig({ ...options, upstreamTtftMs: THINKING_MS }, false);
  const going: Going = GOINGS[how];
  try {
    const peer = rig.nodes[1] as MeshNode;
    going.go(rig, peer);
    // Pulling the plug takes some milliseconds, in which first tokens still come through.
    const goneAt = moment();
    await pause(AFTER_MS);
    await rig.stopAsking();
    const before = rig.seen.filter(({ at }) => at > goneAt - BEFORE_MS / 2 && at < goneAt - 1_000);
    const begunAfter = rig.seen.filter(({ at }) => at >= goneAt);
    const waiting = rig.seen.filter((seen) => seen.at < goneAt && seen.at + (seen.ttftMs ?? seen.totalMs) > goneAt);
    // First tokens that were on their way came after that moment.
    const lost = failed(waiting).filter(({ ttftMs }) => ttftMs === undefined);
    const broken = failed(rig.seen.filter((seen) => seen.at < goneAt && !lost.includes(seen)));
    const typed = broken.filter(({ error }) => error?.code !== undefined).length;
    const usual = quantile(ttftsOf(before), 0.5);
    const slow = begunAfter.filter(({ ttftMs = Number.POSITIVE_INFINITY }) => ttftMs > usual + SLOW_MS);
    const share = before.filter(({ target }) => target?.startsWith(`${peer.name}/`)).length / before.length;
    const worst = Math.max(...ttftsOf([...begunAfter, ...waiting])) - usual;
    const percent = Math.round(share * 100);
    return [
      none(
        `${going.name} (${percent} % were its): failed requests that began after`,
        failed(begunAfter).length,
        begunAfter.length,
      ),
      none('… that waited for their first token', lost.length, waiting.length),
      {
        promise: '… streams past their first token that broke',
        bound: 'with a typed error',
        measured: `${broken.length}, ${typed} typed`,
        isKept: typed === broken.length,
      },
      most('… new requests avoid it after', Math.max(0, ...slow.map(({ at }) => at - goneAt)), AVOIDED_MS, ' ms'),
      most('… worst wait added for a first token', worst, ADDED_MEETING_MS, ' ms'),
    ];
  } finally {
    rig.close();
  }
}

const FROZEN_MS = 20_000;
const BACK_MS = 2_000;

/** A process that is stopped and continues. */
export async function frozenPeer(options: Program): Promise<Measured[]> {
  const rig = await loadedRig(options, false);
  try {
    const [first, peer] = rig.nodes as readonly [MeshNode, MeshNode];
    const frozenAt = moment();
    peer.freeze();
    await pause(FROZEN_MS);
    const thawedAt = moment();
    peer.thaw();
    await pause(AFTER_MS);
    await rig.stopAsking();
    const begunAfter = rig.seen.filter(({ at }) => at >= frozenAt);
    const deaths = changes(peer, thawedAt).filter(({ to }) => to === 'dead');
    const backAt = changes(first, thawedAt).find(({ to, name }) => to === 'alive' && name === peer.name)?.at;
    const slow = begunAfter.filter(({ ttftMs = Number.POSITIVE_INFINITY }) => ttftMs > SLOW_MS);
    return [
      none(
        'a serving peer is stopped (SIGSTOP) for 20 s: failed requests that began after',
        failed(begunAfter).length,
        begunAfter.length,
      ),
      most('… new requests avoid it after', Math.max(0, ...slow.map(({ at }) => at - frozenAt)), AVOIDED_MS, ' ms'),
      none('… others that it took for dead when it went on', deaths.length, 2),
      most('… it is back after', (backAt ?? Number.POSITIVE_INFINITY) - thawedAt, BACK_MS, ' ms'),
    ];
  } finally {
    rig.close();
  }
}
