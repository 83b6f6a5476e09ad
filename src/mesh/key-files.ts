// The keys of the mesh in the data directory: `mesh/node.key`, which is this node, and `mesh/admin.key`, which is who
// rules the mesh, where it was founded. And the shared secret, from the configuration, a file or the environment.

import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MeshConfig, SECRET_LENGTH_MIN } from '../config/mesh.ts';
import type { Random } from '../ports.ts';
import type { MeshKeys } from './certifier.ts';
import { type Identity, loadOrCreateIdentity } from './identity.ts';
import { fleetKey } from './mesh-keys.ts';

export interface KeySources {
  readonly dataDirectory: string;
  readonly config: Pick<MeshConfig, 'secret' | 'secretFile'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly random: Random;
}

/** @throws Error with a sentence when a key cannot be read, or the secret is too short */
export async function loadMeshKeys({ dataDirectory, config, env, random }: KeySources): Promise<MeshKeys> {
  const directory = join(dataDirectory, 'mesh');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const secret = await readSecret(config, env);
  const adminFile = adminKeyFile(dataDirectory);
  return {
    identity: await loadOrCreateIdentity(join(directory, 'node.key'), random),
    admin: existsSync(adminFile) ? await loadOrCreateIdentity(adminFile, random) : undefined,
    fleet: secret === undefined ? undefined : fleetKey(secret),
  };
}

/** Makes the admin key, or returns the one that is there. */
export async function createAdminKey(dataDirectory: string, random: Random): Promise<Identity> {
  return loadOrCreateIdentity(adminKeyFile(dataDirectory), random);
}

export function adminKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'mesh', 'admin.key');
}

async function readSecret({ secret, secretFile }: KeySources['config'], env: KeySources['env']) {
  const written = secret ?? (secretFile === undefined ? env.FLOWMESH_MESH_SECRET : await readSecretFile(secretFile));
  const trimmed = written?.trim();
  if (trimmed === undefined || trimmed === '') return undefined;
  if (trimmed.length >= SECRET_LENGTH_MIN) return trimmed;
  throw new Error(`The secret of the mesh must have at least ${SECRET_LENGTH_MIN} characters.`);
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`The secret of the mesh (mesh.secretFile) cannot be read: ${(cause as Error).message}.`, { cause });
  }
}
