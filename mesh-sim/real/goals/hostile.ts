// A real node under attack, while clients ask it: floods of connections, strangers who try every protocol, frames without
// end, invites that are used twice or are too old, and a member that forges and repeats what others say.

import { join } from 'node:path';
import { loadOrCreateIdentity } from '../../../src/mesh/identity.ts';
import { systemRandom } from '../../../src/system/system-random.ts';
import type { MeshNode } from '../mesh-node.ts';
import { moment, pause } from '../moment.ts';
import { Rig, type RigOptions } from '../rig.ts';
import { attacked, FIRST_HOST } from './attacked.ts';
import type { HostileOptions, HostileReport } from './hostile-process.ts';
import { changes, failed, type Measured, most, none, quantile, ttftsOf } from './measured.ts';

const MESH_PORT = 2403;
const PER_SECOND = 20;
const ADDED_MS = 100;
/** The engine keeps a young generation of up to 96 MB when it is driven hard; beyond that something would be kept. */
const GROWN_MB = 128;
/** Invites are good for 15 minutes. */
const TOO_LATE_MS = 20 * 60_000;
/** Beyond what a stranger may send stands what is on its way. */
const STRANGER_BYTES = 512 * 1_024;

export async function hostile(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const rig = new Rig({ nodes: 3, hasOwnClocks: true, ...options });
  try {
    await rig.prepare();
    await Promise.all(rig.nodes.map((node) => node.boot()));
    const [first, second, third] = rig.nodes as readonly [MeshNode, MeshNode, MeshNode];
    await pause(4_000);
    rig.ask([first], { perSecond: PER_SECOND });
    await pause(4_000);
    const calmUntil = moment();
    const memoryBefore = first.memory()?.rssMb ?? 0;
    const peer = await peerOf(first);
    const attack = (name: HostileOptions['attack'], more: Partial<HostileOptions> = {}): Promise<HostileReport> =>
      attacked(rig, { attack: name, host: FIRST_HOST, port: MESH_PORT, peer, ...more });

    const flood = await attack('flood');
    const stranger = await attack('stranger');
    const oversized = await attack('oversized');
    const invite = await invited(first);
    const honest = await attack('replayJoin', { invite });
    const reused = await attack('join', { invite });
    const late = await invited(first);
    first.setClock(TOO_LATE_MS);
    await pause(1_500);
    const expired = await attack('join', { invite: late });
    first.setClock(0);
    // The third one's key is in wrong hands: it is a member until somebody evicts it.
    await third.end();
    const seed = Buffer.from((await identityOf(third)).seed).toString('hex');
    const forged = await attack('forge', { seed, victim: await peerOf(second) });
    await pause(2_000);
    await rig.stopAsking();

    const calm = rig.seen.filter(({ at }) => at < calmUntil);
    const stormy = rig.seen.filter(({ at }) => at >= calmUntil);
    const added = quantile(ttftsOf(stormy), 0.99) - quantile(ttftsOf(calm), 0.99);
    const doubts = [first, second].flatMap((node) =>
      changes(node, calmUntil).filter(({ to, name }) => to !== 'alive' && (name === 'n0' || name === 'n1')),
    );
    return [
      none(
        `${flood.attempts} connections from one machine, rubbish and half handshakes: members that lost sight of each other`,
        doubts.length,
        2,
      ),
      none(
        'a stranger with a key: protocols that answer it, of identify, ping, gossip, directory and requests',
        Number(stranger.answered),
        5,
      ),
      none('… connections that it keeps longer than 12 s', Number(stranger.isStillOpen), 1),
      most(
        'a stranger that sends a body without end: until it is cut off',
        Number(oversized.sentBytes) / 1_024,
        STRANGER_BYTES / 1_024,
        ' KiB',
      ),
      none('what was said to join, said again: accepted', Number(honest.accepted), honest.isIn ? 2 : 0),
      none('an invite that was used: accepted again', Number(reused.isIn), 1),
      none('an invite that is 20 minutes old: accepted', Number(expired.isIn), 1),
      none(
        `a member forges and repeats heartbeats of another (${forged.forged} and ${Number(forged.recorded) * 50}): taken for true`,
        doubts.length,
        2,
      ),
      none('all that time, requests that failed', failed(stormy).length, stormy.length),
      most('… added p99', added, ADDED_MS, ' ms'),
      most('… memory of the attacked node grew by', (first.memory()?.rssMb ?? 0) - memoryBefore, GROWN_MB, ' MB'),
    ];
  } finally {
    rig.close();
  }
}

async function invited(node: MeshNode): Promise<string> {
  const token = /flowmesh-[\w-]+/.exec(await node.run('mesh', 'invite'))?.[0];
  if (token === undefined) throw new Error('No invite was printed.');
  return token;
}

function identityOf(node: MeshNode) {
  return loadOrCreateIdentity(join(node.dataDirectory, 'mesh', 'node.key'), systemRandom);
}

async function peerOf(node: MeshNode): Promise<string> {
  return (await identityOf(node)).peer;
}
