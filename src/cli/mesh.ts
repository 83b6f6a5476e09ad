// `flowmesh mesh`: found a mesh, invite and join, see who is in it, evict and leave. Works on the data directory; a node
// that runs notices. What scripts take is written to standard output alone.

import { renderUnicodeCompact } from 'uqr';
import { issueCharter } from '../mesh/charter.ts';
import { INVITE_LIFETIME_MS, newInvite, parseInvite, renderInvite } from '../mesh/invite.ts';
import { adminKeyFile, createAdminKey } from '../mesh/key-files.ts';
import { meshIdOf } from '../mesh/mesh-keys.ts';
import { isPeerId } from '../mesh/peer-id.ts';
import { asArray, asString } from '../model/json.ts';
import { MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import { systemRandom } from '../system/system-random.ts';
import { CommandError, EXIT } from './command-error.ts';
import { readTextFile } from './find-node.ts';
import { type MeshState, meshState, papersOf } from './mesh-papers.ts';
import { isNodeRunning } from './mesh-status.ts';
import { type State, withState } from './state.ts';
import { note, print } from './terminal.ts';

interface ConfigOption {
  readonly config?: string;
}

export interface InviteOptions extends ConfigOption {
  readonly capabilities: string;
  readonly name?: string;
  readonly address?: readonly string[];
  readonly qr: boolean;
}

export interface JoinOptions extends ConfigOption {
  readonly tokenFile?: string;
}

const JOIN_WAIT_MS = 20_000;
const POLL_MS = 200;

export async function initMesh({ config }: ConfigOption): Promise<void> {
  await withState(config, async (state) => {
    const mesh = await meshState(state);
    const { store, keys } = mesh;
    const known = store.roots();
    if (known && (keys.admin ? known.admin !== keys.admin.peer : known.admin !== undefined || !keys.fleet)) {
      throw new CommandError(`This node belongs to ${known.meshId} already. \`flowmesh mesh leave\` ends that.`);
    }
    const admin = await createAdminKey(state.dataDirectory, systemRandom);
    const { fleet } = keys;
    const roots = { meshId: meshIdOf((fleet ?? admin).peer), admin: admin.peer, ...(fleet && { fleet: fleet.peer }) };
    store.setRoots(roots);
    if (fleet) store.setState('charter', JSON.stringify(issueCharter(fleet, roots.meshId, admin.peer)));
    // The node that keeps the key is an admin from now on, also while it runs with the keys it was started with.
    certifySelf(await meshState(state), mesh.name);
    print(roots.meshId);
    note(`Admin key: ${adminKeyFile(state.dataDirectory)}. Keep a copy offline: whoever has it rules the mesh.`);
    if (fleet)
      note(
        `Nodes with the secret learn of it. To be safe, write into their configuration: mesh.adminKey: ${admin.peer}`,
      );
    else note('Invite other nodes with `flowmesh mesh invite`.');
    adviseEnabling(state);
  });
}

function certifySelf({ keys, registrar, store }: MeshState, name: string): void {
  const { peer } = keys.identity;
  const credential = registrar.papers?.certifier.certify({ peer, name, capabilities: MESH_CAPABILITIES });
  if (!credential) return;
  registrar.admit(credential);
  store.setOwnCredential(credential);
}

export async function inviteToMesh(options: InviteOptions): Promise<void> {
  await withState(options.config, async (state) => {
    const mesh = await meshState(state);
    const { membership, certifier } = papersOf(mesh);
    const capabilities = capabilitiesOf(options.capabilities);
    const refused = capabilities.filter((capability) => !certifier.grants.includes(capability));
    if (refused.length > 0) {
      throw new CommandError(`This node cannot grant ${refused.join(', ')}: run the command where the admin key is.`);
    }
    const addresses = options.address ?? storedAddresses(mesh);
    if (addresses.length === 0) {
      throw new CommandError(
        'Nobody knows yet where this node is reached: start it once, or give --address.',
        EXIT.usage,
      );
    }
    const now = state.clock.now();
    const inviter = mesh.keys.identity.peer;
    const invite = newInvite({ meshId: membership.roots.meshId, inviter, addresses }, systemRandom);
    mesh.store.addInvite(invite, { name: options.name, capabilities, expiresAt: now + INVITE_LIFETIME_MS }, now);
    const token = renderInvite(invite);
    if (options.qr && process.stderr.isTTY) note(renderUnicodeCompact(token));
    print(token);
    note('Good for 15 minutes and one node, while this one runs. There:');
    note('  flowmesh mesh join -      and paste it');
  });
}

export async function joinMesh(written: string | undefined, { config, tokenFile }: JoinOptions): Promise<void> {
  await withState(config, async (state) => {
    const token = await givenToken(written, tokenFile, state);
    const invite = parseInvite(token);
    if (!invite)
      throw new CommandError('That is no invite: it begins with flowmesh- and is one long word.', EXIT.usage);
    const { store } = await meshState(state);
    const known = store.roots();
    if (known)
      throw new CommandError(`This node belongs to ${known.meshId} already. \`flowmesh mesh leave\` ends that.`);
    store.clearState('join-problem');
    store.setState('pending-invite', token);
    if (await isNodeRunning(state)) {
      await untilJoined(state, invite.meshId, store);
      return;
    }
    note('No node runs here. It joins when it is started; the invite is good for 15 minutes from when it was made.');
    adviseEnabling(state);
  });
}

async function untilJoined(state: State, meshId: string, store: MeshState['store']): Promise<void> {
  const endsAt = state.clock.elapsed() + JOIN_WAIT_MS;
  while (state.clock.elapsed() < endsAt) {
    if (store.roots()?.meshId === meshId) {
      print(`Joined ${meshId}.`);
      return;
    }
    const problem = store.state('join-problem');
    if (problem !== undefined) throw new CommandError(`Joining failed: ${problem}.`);
    await state.clock.sleep(POLL_MS);
  }
  store.clearState('pending-invite');
  throw new CommandError('The running node did not take up the invite. Is mesh.enabled true in its configuration?');
}

export async function evictMember(
  named: string,
  { config, reason }: ConfigOption & { reason?: string },
): Promise<void> {
  await withState(config, async (state) => {
    const mesh = await meshState(state);
    const { membership, certifier } = papersOf(mesh);
    const peer = peerNamed(
      named,
      membership.credentials().map(({ certificate }) => certificate),
    );
    const removal = certifier.evict(peer, reason ?? 'by its operator');
    if (!removal) throw new CommandError('This node may not evict: run the command where the admin key is.');
    mesh.registrar.remove(removal);
    print(`Evicted ${peer}. It is out for good; the others learn it from this node while it runs.`);
  });
}

export async function leaveMesh({ config }: ConfigOption): Promise<void> {
  await withState(config, async (state) => {
    const mesh = await meshState(state);
    const { meshId } = papersOf(mesh).membership.roots;
    mesh.store.clear();
    print(`Left ${meshId}.`);
    if (!(await isNodeRunning(state))) note('The others were not told, as no node runs here: to them it is away.');
    if (mesh.keys.fleet) note('With the secret in its configuration the node is a member again at its next start.');
  });
}

/** By name where only one has it, else by peer id. */
function peerNamed(named: string, certificates: readonly { readonly peer: PeerId; readonly name: string }[]): PeerId {
  if (isPeerId(named)) return named;
  const found = certificates.filter(({ name }) => name === named);
  if (found.length === 1 && found[0]) return found[0].peer;
  const problem = found.length === 0 ? 'There is no member' : 'There are several members';
  throw new CommandError(`${problem} named '${named}'. Give the peer id, from \`flowmesh mesh members\`.`, EXIT.usage);
}

function capabilitiesOf(written: string): readonly MeshCapability[] {
  const names = written.split(',').map((name) => name.trim());
  const known = MESH_CAPABILITIES.filter((capability) => names.includes(capability));
  if (known.length === names.length) return known;
  throw new CommandError(`--capabilities takes ${MESH_CAPABILITIES.join(', ')}, with commas between.`, EXIT.usage);
}

function storedAddresses({ store }: MeshState): readonly string[] {
  return asArray(JSON.parse(store.state('addresses') ?? '[]')).flatMap((address) => asString(address) ?? []);
}

async function givenToken(
  written: string | undefined,
  tokenFile: string | undefined,
  { around }: State,
): Promise<string> {
  if (tokenFile !== undefined) return readTextFile(tokenFile).trim();
  if (written !== undefined && written !== '-') return written;
  if (written === undefined && around.env.FLOWMESH_MESH_INVITE) return around.env.FLOWMESH_MESH_INVITE;
  const chunks: string[] = [];
  for await (const chunk of process.stdin.setEncoding('utf8')) chunks.push(String(chunk));
  return chunks.join('').trim();
}

function adviseEnabling({ config }: State): void {
  if (!config?.mesh) note('The mesh is off in the configuration: set mesh.enabled to true.');
}
