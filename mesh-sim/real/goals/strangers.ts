// Who does not belong stays outside: a node with another secret on the same LAN, and a member that was shut out.

import { moment, pause } from '../moment.ts';
import { Rig, type RigOptions, SECRET } from '../rig.ts';
import { type Measured, most, none } from './measured.ts';

const STRANGER = 3;
const EVICTED_MS = 2_000;

/** On a machine that is very busy. */
const FORMING_MS = 30_000;

export async function strangers(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const rig = new Rig({
    nodes: 4,
    config: (node) => ({
      mesh: { enabled: true, name: `n${node}`, secret: node === STRANGER ? 'another secret altogether' : SECRET },
    }),
    ...options,
  });
  try {
    await rig.prepare();
    await Promise.all(rig.nodes.map((node) => node.boot()));
    rig.watch(rig.nodes, 100);
    const states = (node: number) => rig.sights.findLast((sight) => sight.node === `n${node}`)?.states ?? {};
    const isWhole = () => [0, 1, 2].every((node) => Object.keys(states(node)).length >= 2);
    for (const giveUpAt = moment() + FORMING_MS; !isWhole() && moment() < giveUpAt; ) await pause(100);
    await pause(8_000);
    const known = [0, 1, 2].filter((node) => `n${STRANGER}` in states(node)).length;
    const told = Object.keys(states(STRANGER)).length;
    const evictedAt = moment();
    await rig.nodes[0]?.run('mesh', 'evict', 'n2');
    const saidAt = moment();
    await pause(4_000);
    const without = rig.sights.find(
      (sight) => sight.at > evictedAt && sight.node === 'n1' && sight.states?.n2 !== 'alive',
    );
    const alone = Object.values(states(2)).filter((state) => state === 'alive').length;
    return [
      none('a node with another secret on the same LAN: members that know it', known, 3),
      none('… members that it knows', told, 3),
      most(
        'an evicted member is out at a third node, after the command',
        Math.max(0, (without?.at ?? Number.POSITIVE_INFINITY) - saidAt),
        EVICTED_MS,
        ' ms',
      ),
      none('… members that it believes alive then', alone, 2),
      none(
        '… members disturbed by all that',
        [0, 1].filter((node) => states(node)[`n${1 - node}`] !== 'alive').length,
        2,
      ),
    ];
  } finally {
    rig.close();
  }
}
