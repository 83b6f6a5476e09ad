// Joining by invite, and ending memberships, on a simulated network.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Invite, joinProof, parseInvite, renderInvite } from '../../src/mesh/invite.ts';
import { MeshStore } from '../../src/mesh/mesh-store.ts';
import { issueRemoval } from '../../src/mesh/removal.ts';
import { jsonRequest, readAnswer } from '../../src/mesh/wire.ts';
import type { MeshCapability } from '../../src/model/mesh-capability.ts';
import { SimMesh, type SimNode, sees } from '../support/sim-mesh.ts';

const SERVE: readonly MeshCapability[] = ['serve'];
const REFUSED = /the invite is not valid here: it is wrong, used, expired, or of another mesh/;

async function founded(seed = 1): Promise<{ sim: SimMesh; founder: SimNode }> {
  const sim = new SimMesh({ seed });
  const founder = sim.addFounder({ name: 'founder' });
  await founder.mesh.start();
  return { sim, founder };
}

function invited(founder: SimNode, capabilities = SERVE, name?: string): Invite {
  const invite = founder.mesh.invite(capabilities, name);
  assert.ok(invite);
  return invite;
}

async function joined(sim: SimMesh, founder: SimNode, capabilities = SERVE): Promise<SimNode> {
  const node = sim.addNode();
  await node.mesh.start();
  await sim.settle(node.mesh.join(invited(founder, capabilities)));
  return node;
}

test('invited nodes become members with what the invite grants, and all meet all', async () => {
  const { sim, founder } = await founded();
  const [a, b] = [await joined(sim, founder), await joined(sim, founder, ['serve', 'knowledge:write'])];
  await sim.runUntil(() => sim.isWhole(), 3_000, 'a full mesh');
  assert.deepEqual(b.mesh.peer(a.transport.peer)?.capabilities, ['serve']);
  assert.equal(a.mesh.isAllowed(b.transport.peer, 'knowledge:write'), true);
  assert.equal(b.mesh.isAllowed(a.transport.peer, 'knowledge:write'), false);
  assert.deepEqual(founder.mesh.status().self.capabilities.includes('admin'), true);
});

test('an invite survives being printed, and a broken line', () => {
  const sim = new SimMesh();
  const invite: Invite = {
    id: 'aWQ',
    secret: 'c2VjcmV0',
    meshId: 'mesh-1',
    inviter: sim.newKey().peer,
    addresses: ['/ip4/10.0.0.1/tcp/4002'],
  };
  const token = renderInvite(invite);
  assert.match(token, /^flowmesh-[\w-]+$/);
  assert.deepEqual(parseInvite(`  ${token.slice(0, 40)}\n${token.slice(40)} `), invite);
  assert.equal(parseInvite(token.slice(9)), undefined);
  assert.equal(parseInvite('flowmesh-e30'), undefined);
});

test('a used invite is refused', async () => {
  const { sim, founder } = await founded();
  const invite = invited(founder);
  const [first, second] = [sim.addNode(), sim.addNode()];
  await first.mesh.start();
  await second.mesh.start();
  await sim.settle(first.mesh.join(invite));
  await assert.rejects(sim.settle(second.mesh.join(invite)), REFUSED);
  assert.equal(second.mesh.status().meshId, undefined);
});

test('an expired invite is refused', async () => {
  const { sim, founder } = await founded();
  const invite = invited(founder);
  await sim.run(15 * 60_000 + 1);
  const late = sim.addNode();
  await late.mesh.start();
  await assert.rejects(sim.settle(late.mesh.join(invite)), REFUSED);
});

test('an invite is of no use at another node of the mesh, nor with a wrong secret', async () => {
  const { sim, founder } = await founded();
  const member = await joined(sim, founder);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const stranger = sim.addNode();
  await stranger.mesh.start();
  const invite = invited(founder);
  const elsewhere = { ...invite, inviter: member.transport.peer, addresses: member.transport.addresses() };
  await assert.rejects(sim.settle(stranger.mesh.join(elsewhere)), REFUSED);
  await assert.rejects(sim.settle(stranger.mesh.join({ ...invite, secret: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA' })), REFUSED);
  // A wrong guess has not used it up.
  await sim.settle(stranger.mesh.join(invite));
});

test('an inviter that cannot prove to have made the invite is not believed', async () => {
  const { sim, founder } = await founded();
  const impostor = sim.addFounder({ name: 'impostor' });
  await impostor.mesh.start();
  const invite = invited(founder);
  const redirected = { ...invite, inviter: impostor.transport.peer, addresses: impostor.transport.addresses() };
  const victim = sim.addNode();
  await victim.mesh.start();
  await assert.rejects(sim.settle(victim.mesh.join(redirected)), REFUSED);
  assert.equal(victim.mesh.status().meshId, undefined);
});

test('a join that is replayed fails, by its own author and by another', async () => {
  const { sim, founder } = await founded();
  const invite = invited(founder);
  const { peer: inviter } = founder.transport;
  const thief = sim.addNode();
  await thief.mesh.start();
  const ask = async (path: string, body: Record<string, string>) => {
    await thief.transport.dial(invite.addresses, inviter, new AbortController().signal);
    const request = jsonRequest(path, body, new AbortController().signal);
    return readAnswer(await thief.transport.requestJoin(inviter, request));
  };
  // What was recorded of an honest join: the proof of another peer, made for other numbers.
  const { nonce } = await sim.settle(ask('/join/challenge', { inviteId: invite.id, nonce: 'n' }));
  const context = {
    inviteId: invite.id,
    meshId: invite.meshId,
    joiner: sim.newKey().peer,
    inviter,
    joinerNonce: 'n',
    inviterNonce: String(nonce),
  };
  const stolen = joinProof(invite.secret, 'joiner', context);
  await assert.rejects(sim.settle(ask('/join/prove', { proof: stolen, name: 'thief' })), REFUSED);
  // Its own proof, once more after the challenge was spent.
  const { nonce: fresh } = await sim.settle(ask('/join/challenge', { inviteId: invite.id, nonce: 'n' }));
  const own = { ...context, joiner: thief.transport.peer, inviterNonce: String(fresh) };
  await sim.settle(ask('/join/challenge', { inviteId: invite.id, nonce: 'n' }));
  const old = joinProof(invite.secret, 'joiner', own);
  await assert.rejects(sim.settle(ask('/join/prove', { proof: old, name: 'thief' })), REFUSED);
});

test('guessing is slow: after ten proofs a second has to pass', async () => {
  const { sim, founder } = await founded();
  const guesser = sim.addNode();
  await guesser.mesh.start();
  const addresses = founder.transport.addresses();
  const { peer } = founder.transport;
  const statuses: number[] = [];
  const guess = async (): Promise<void> => {
    await guesser.transport.dial(addresses, peer, new AbortController().signal);
    const request = jsonRequest('/join/prove', { proof: 'x', name: 'x' }, new AbortController().signal);
    statuses.push((await guesser.transport.requestJoin(peer, request)).status);
  };
  for (let count = 0; count < 12; count += 1) await sim.settle(guess());
  assert.deepEqual(statuses, [...Array(10).fill(403), ...Array(2).fill(429)]);
});

test('an oversized join is refused unread', async () => {
  const { sim, founder } = await founded();
  const stranger = sim.addNode();
  await stranger.mesh.start();
  const flood = async (): Promise<number> => {
    await stranger.transport.dial(founder.transport.addresses(), undefined, new AbortController().signal);
    const request = jsonRequest('/join/introduce', { padding: 'x'.repeat(20_000) }, new AbortController().signal);
    return (await stranger.transport.requestJoin(founder.transport.peer, request)).status;
  };
  assert.equal(await sim.settle(flood()), 400);
});

test('an evicted member is out at once, everywhere, also after a restart', async () => {
  const { sim, founder } = await founded();
  const [a, thief] = [await joined(sim, founder), await joined(sim, founder)];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  assert.equal(founder.mesh.evict(thief.transport.peer, 'stolen'), true);
  await sim.run(1_000);
  assert.deepEqual([sees(founder, thief), sees(a, thief)], ['nobody', 'nobody']);
  await sim.run(3_000);
  assert.deepEqual(thief.transport.connections(), []);
  assert.equal(thief.mesh.status().self.end, 'evicted');
  thief.transport.kill();
  const again = sim.restart(thief);
  new MeshStore(again.database).setState('incarnation', '99');
  await again.mesh.start();
  await sim.run(10_000);
  assert.deepEqual([sees(founder, again), sees(a, again)], ['nobody', 'nobody']);
});

test('an eviction reaches the other side of a partition when it heals, whatever is told there', async () => {
  const { sim, founder } = await founded();
  const [a, thief] = [await joined(sim, founder), await joined(sim, founder)];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  sim.network.partition([founder.transport.peer], [a.transport.peer, thief.transport.peer]);
  founder.mesh.evict(thief.transport.peer, 'stolen');
  await sim.run(20_000);
  assert.equal(sees(a, thief), 'alive');
  sim.network.heal();
  await sim.runUntil(() => sees(a, thief) === 'nobody', 4_000, 'the eviction');
  await sim.run(3_000);
  assert.equal(thief.mesh.status().self.end, 'evicted');
});

test('members without admin can neither evict nor invite, and a forged eviction is not heeded', async () => {
  const { sim, founder } = await founded();
  const [a, b] = [await joined(sim, founder), await joined(sim, founder)];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  assert.equal(a.mesh.evict(b.transport.peer, 'dislike'), false);
  assert.equal(a.mesh.invite(SERVE), undefined);
  const { meshId = '' } = a.mesh.status();
  const fields = { kind: 'evicted', meshId, peer: b.transport.peer, serial: 0, at: 0, reason: 'forged' } as const;
  const forged = { ...issueRemoval(a.identity, fields) };
  await a.transport.broadcast(
    'membership',
    Buffer.from(JSON.stringify({ members: [], removals: [forged] })),
    'everyone',
  );
  await sim.run(1_000);
  assert.equal(sees(founder, b), 'alive');
  assert.ok(founder.log.some(({ message }) => message === 'a removal was not heeded'));
});

test('a member with admin can invite and evict without the admin key', async () => {
  const { sim, founder } = await founded();
  const deputy = await joined(sim, founder, ['serve', 'admin']);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  sim.nodes.splice(sim.nodes.indexOf(founder), 1);
  await sim.settle(founder.mesh.stop());
  const newcomer = await joined(sim, deputy);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  assert.equal(deputy.mesh.evict(newcomer.transport.peer, 'test'), true);
  await sim.run(500);
  assert.equal(sees(deputy, newcomer), 'nobody');
});

test('a member that leaves is gone for everybody, and may be invited again', async () => {
  const { sim, founder } = await founded();
  const [a, b] = [await joined(sim, founder), await joined(sim, founder)];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  await sim.settle(b.mesh.leave());
  await sim.run(1_000);
  assert.deepEqual([sees(founder, b), sees(a, b), b.mesh.status().meshId], ['nobody', 'nobody', undefined]);
  await sim.settle(b.mesh.join(invited(founder)));
  await sim.runUntil(() => sim.isWhole(), 3_000);
});

test('nodes that know only the secret learn of the admin key, who then can evict', async () => {
  const sim = new SimMesh();
  const [fleet, admin] = [sim.newKey(), sim.newKey()];
  const [keeper, a, b] = [sim.addNode({ fleet, admin }), sim.addNode({ fleet }), sim.addNode({ fleet })];
  for (const { mesh } of sim.nodes) await mesh.start();
  await sim.runUntil(() => sim.isWhole(), 3_000);
  assert.deepEqual(
    [keeper, a, b].map(({ mesh }) => mesh.status().adminKey),
    [admin.peer, admin.peer, admin.peer],
  );
  // With an admin key the secret alone evicts nobody.
  assert.equal(a.mesh.evict(b.transport.peer, 'dislike'), false);
  assert.equal(keeper.mesh.evict(b.transport.peer, 'stolen'), true);
  await sim.run(500);
  assert.equal(sees(a, b), 'nobody');
});

test('a certificate is renewed by an admin long before it ends', async () => {
  const { sim, founder } = await founded();
  const member = await joined(sim, founder);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const before = member.mesh.status().self.certifiedUntil ?? 0;
  await sim.settle(founder.mesh.stop());
  await sim.settle(member.mesh.stop());
  sim.clock.advance(130 * 86_400_000);
  const again = [sim.restart(founder), sim.restart(member)];
  for (const { mesh } of again) await mesh.start();
  await sim.run(65_000);
  const after = again[1]?.mesh.status().self.certifiedUntil ?? 0;
  assert.equal(Math.round((after - before) / 86_400_000), 130);
});
