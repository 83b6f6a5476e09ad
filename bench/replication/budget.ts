// One budget for the mesh, spent on three islands at once by clients that never stop asking: how much more than the budget
// is spent, and when do all nodes name the same total after the islands have met?

import { type Measured, most, none } from '../../mesh-sim/real/goals/measured.ts';
import { type MeshNode, SHARED_MODEL } from '../../mesh-sim/real/mesh-node.ts';
import { pause } from '../../mesh-sim/real/moment.ts';
import type { RigOptions } from '../../mesh-sim/real/rig.ts';
import { Lab, until } from './lab.ts';

const NODES = 3;
/** What the upstreams say of each request. */
const PROMPT_TOKENS = 12;
const ANSWER_TOKENS = 3;
const REQUESTS = 300;
const CLIENTS_AT_ONCE = 8;
/** Others surely know by then what was spent before. */
const SETTLED_MS = 20_000;
const NOTICED_MS = 12_000;
const WITHIN_MS = 60_000;

export async function budget(options: Pick<RigOptions, 'program'>): Promise<Measured[]> {
  const lab = new Lab({ nodes: NODES, ...options, hasUpstream: () => true });
  try {
    await lab.prepare();
    await Promise.all(lab.nodes.map((node) => node.boot()));
    await lab.meet();
    const [first, second, third] = lab.nodes as [MeshNode, MeshNode, MeshNode];
    const one = PROMPT_TOKENS + ANSWER_TOKENS;
    const tokensPerDay = REQUESTS * one;
    const made = await lab.tell(first, 'POST', '/admin/keys', {
      tenant: 'acme',
      name: 'app',
      limits: { tokensPerDay },
    });
    const stolen = await lab.tell(second, 'POST', '/admin/keys', { tenant: 'acme', name: 'stolen' });
    const { secret } = made as { readonly secret: string };
    await until(async () => (await statuses(lab, secret)).every((status) => status === 200), WITHIN_MS, 50);
    const revokedAfter = await revocation(lab, first, stolen);
    const spentWhole = await spend(lab, first, secret, REQUESTS / 10);
    await pause(SETTLED_MS);
    for (const node of lab.nodes) lab.rig.unplug(node);
    await pause(NOTICED_MS);
    const island = await statuses(lab, secret);
    const revoked = await statuses(lab, (stolen as { readonly secret: string }).secret);
    const spent = await Promise.all(lab.nodes.map((node) => spend(lab, node, secret)));
    for (const node of lab.nodes) lab.rig.plugIn(node);
    const total = (spentWhole + spent.reduce((sum, count) => sum + count, 0)) * one;
    const agreedMs = await until(
      async () => {
        const totals = await Promise.all(lab.nodes.map((node) => totalOf(lab, node)));
        return totals.every((sum) => sum === total);
      },
      WITHIN_MS,
      50,
    );
    await pause(SETTLED_MS);
    const rest = await spend(lab, third, secret);
    const whole = total + rest * one;
    const tokensMax = tokensPerDay + NODES * one;
    return [
      most('a key is revoked: refused on all nodes after', revokedAfter, 1_000, ' ms'),
      none(
        'islands that refuse a key made elsewhere before the cut',
        island.filter((status) => status !== 200).length,
        NODES,
      ),
      none(
        'islands that accept a key revoked before the cut',
        revoked.filter((status) => status !== 401).length,
        NODES,
      ),
      {
        promise: `a budget of ${tokensPerDay} tokens, spent on ${NODES} islands by ${CLIENTS_AT_ONCE} clients each (${spentWhole} requests before the cut, then ${spent.join(' + ')})`,
        bound: `≤ ${tokensMax} (one request more on each)`,
        measured: `${total}`,
        isKept: total <= tokensMax,
      },
      most('… the same total on all nodes after the islands have met', agreedMs / 1_000, WITHIN_MS / 1_000, ' s', 1),
      {
        promise: `… and ${rest} requests after that, until refused`,
        bound: `≤ ${tokensMax}`,
        measured: `${whole}`,
        isKept: whole <= tokensMax,
      },
    ];
  } finally {
    lab.close();
  }
}

/** Returns how many requests were answered before one was refused, or `most`. */
async function spend(lab: Lab, node: MeshNode, secret: string, most = Number.POSITIVE_INFINITY): Promise<number> {
  let [begun, answered, isLeft] = [0, 0, true];
  const client = async (): Promise<void> => {
    while (isLeft && begun < most) {
      begun += 1;
      const status = await ask(lab, node, secret);
      if (status === 200) answered += 1;
      else isLeft = false;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, client));
  return answered;
}

async function ask(lab: Lab, node: MeshNode, secret: string): Promise<number> {
  const messages = [{ role: 'user', content: `Question ${Math.random()}` }];
  const body = { model: SHARED_MODEL, max_tokens: ANSWER_TOKENS, seed: 0, messages };
  return (await lab.ask(node, 'POST', '/v1/chat/completions', body, secret)).status;
}

function statuses(lab: Lab, secret: string): Promise<number[]> {
  const asked = lab.nodes.map((node) => lab.ask(node, 'GET', '/v1/models', undefined, secret));
  return Promise.all(asked.map(async (answer) => (await answer).status));
}

async function revocation(lab: Lab, node: MeshNode, made: Record<string, unknown>): Promise<number> {
  const { id, secret } = made as { readonly id: string; readonly secret: string };
  await until(async () => (await statuses(lab, secret)).every((status) => status === 200), WITHIN_MS, 20);
  await lab.tell(node, 'DELETE', `/admin/keys/${id}`);
  return await until(async () => (await statuses(lab, secret)).every((status) => status === 401), WITHIN_MS, 5);
}

async function totalOf(lab: Lab, node: MeshNode): Promise<number> {
  const { body } = await lab.ask(node, 'GET', '/admin/usage?scope=mesh&by=');
  const [sum] = (JSON.parse(body) as { data: { inputTokens: number; outputTokens: number }[] }).data;
  return (sum?.inputTokens ?? 0) + (sum?.outputTokens ?? 0);
}
