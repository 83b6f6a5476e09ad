import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { parseInvite } from '../../src/mesh/invite.ts';
import { commandPlace } from '../support/command.ts';

const CONFIG = configOf('hub', 'data');

function configOf(name: string, dataDirectory: string): string {
  return `mesh: {enabled: true, name: ${name}}\ndataDirectory: ${dataDirectory}\nserver: {port: 1}\n`;
}

test('mesh init founds a mesh, keeps its key private, and is the same when repeated', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', CONFIG);
  const made = await place.run(['mesh', 'init']);
  assert.deepEqual([made.exitCode, made.stdout.length], [0, 'mesh-'.length + 32 + 1], made.stderr);
  assert.match(made.stderr, /Admin key: .*data\/mesh\/admin\.key\. Keep a copy offline/);
  assert.equal(statSync(place.path('data/mesh/admin.key')).mode & 0o777, 0o600);
  assert.equal(statSync(place.path('data/mesh')).mode & 0o777, 0o700);
  const again = await place.run(['mesh', 'init']);
  assert.equal(again.stdout, made.stdout);
  const members = await place.run(['mesh', 'members', '--json']);
  const { meshId, members: list } = JSON.parse(members.stdout);
  assert.equal(`${meshId}\n`, made.stdout);
  assert.deepEqual(
    list.map(({ name, state, capabilities }: { name: string; state: string; capabilities: string[] }) => [
      name,
      state,
      capabilities.includes('admin'),
    ]),
    [['hub', 'member', true]],
  );
});

test('mesh invite prints the token alone, with the addresses given', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', CONFIG);
  await place.run(['mesh', 'init']);
  const unstarted = await place.run(['mesh', 'invite']);
  assert.equal(unstarted.exitCode, 2);
  assert.match(unstarted.stderr, /start it once, or give --address/);
  const { stdout } = await place.run(['mesh', 'invite', '--address', '/ip4/10.0.0.1/tcp/2403']);
  assert.deepEqual(parseInvite(stdout)?.addresses, ['/ip4/10.0.0.1/tcp/2403']);
});

test('mesh join takes the invite from standard input, and keeps it for the next start', async () => {
  using place = commandPlace();
  place.write('hub.yaml', CONFIG);
  place.write('leaf.yaml', configOf('leaf', 'leaf'));
  await place.run(['mesh', 'init', '-c', 'hub.yaml']);
  const invite = await place.run(['mesh', 'invite', '-c', 'hub.yaml', '--address', '/ip4/127.0.0.1/tcp/2403']);
  const joined = await place.run(['mesh', 'join', '-c', 'leaf.yaml'], { stdin: invite.stdout });
  assert.deepEqual([joined.exitCode, joined.stdout], [0, '']);
  assert.match(joined.stderr, /It joins when it is started/);
  const wrong = await place.run(['mesh', 'join', 'flowmesh-x', '-c', 'leaf.yaml']);
  assert.deepEqual([wrong.exitCode, wrong.stderr.startsWith('flowmesh: That is no invite')], [2, true]);
});

test('an eviction is kept, and leaving forgets the mesh', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', CONFIG);
  await place.run(['mesh', 'init']);
  const nobody = await place.run(['mesh', 'evict', 'ghost']);
  assert.match(nobody.stderr, /There is no member named 'ghost'/);
  const evicted = await place.run(['mesh', 'evict', 'hub', '--reason', 'stolen']);
  assert.match(evicted.stdout, /^Evicted 12D3KooW\w+\./);
  const members = await place.run(['mesh', 'members']);
  assert.match(members.stdout, /^NAME +STATE +CAPABILITIES +UNTIL +PEER\nhub +evicted /);
  const left = await place.run(['mesh', 'leave']);
  assert.match(left.stdout, /^Left mesh-/);
  const after = await place.run(['mesh', 'status']);
  assert.deepEqual([after.exitCode, after.stdout], [1, '']);
  assert.match(after.stderr, /This node belongs to no mesh/);
});

test('a secret makes the node a member, and the admin key is told for the others', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', CONFIG);
  const env = { FLOWMESH_MESH_SECRET: 'a secret that is long enough' };
  const members = await place.run(['mesh', 'members'], { env });
  assert.match(members.stdout, /\nhub +member +serve,knowledge:write,cache:write,config:write +- +12D3KooW/);
  const made = await place.run(['mesh', 'init'], { env });
  assert.match(made.stderr, /mesh\.adminKey: 12D3KooW\w{44}\n/);
  const short = await place.run(['mesh', 'members'], { env: { FLOWMESH_MESH_SECRET: 'short' } });
  assert.deepEqual([short.exitCode, /at least 16 characters/.test(short.stderr)], [1, true]);
});
