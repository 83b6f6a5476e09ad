// The mesh as the data directory has it: what a command needs to sign, invite and evict, whether a node runs or not.
// A running node notices within a second what a command wrote.

import { MESH_DEFAULTS, machineName } from '../config/mesh.ts';
import type { MeshKeys } from '../mesh/certifier.ts';
import { loadMeshKeys } from '../mesh/key-files.ts';
import { MeshStore } from '../mesh/mesh-store.ts';
import { type Papers, Registrar } from '../mesh/registrar.ts';
import { silentLogger } from '../system/pino-logger.ts';
import { systemRandom } from '../system/system-random.ts';
import { CommandError } from './command-error.ts';
import type { State } from './state.ts';

export interface MeshState {
  readonly store: MeshStore;
  readonly keys: MeshKeys;
  readonly registrar: Registrar;
  readonly name: string;
}

export async function meshState({ database, clock, dataDirectory, config, around }: State): Promise<MeshState> {
  const store = new MeshStore(database);
  const mesh = config?.mesh;
  const keys = await loadMeshKeys({ dataDirectory, config: mesh ?? {}, env: around.env, random: systemRandom });
  const name = mesh?.name ?? machineName();
  const registrar = new Registrar({
    store,
    keys,
    clock,
    logger: silentLogger,
    self: { name, capabilities: mesh?.capabilities ?? MESH_DEFAULTS.capabilities },
    adminKey: mesh?.adminKey,
    onMember: () => undefined,
    onEnd: () => undefined,
  });
  registrar.load();
  return { store, keys, registrar, name };
}

/** @throws CommandError for a node of no mesh */
export function papersOf({ registrar }: MeshState): Papers {
  if (registrar.papers) return registrar.papers;
  throw new CommandError(
    'This node belongs to no mesh. Found one with `flowmesh mesh init`, join one with `flowmesh mesh join`, or set mesh.secret.',
  );
}
