// The charter of a mesh that has a secret and an admin key: the fleet key names the admin key, so that nodes which know
// only the secret learn who may evict. The first one a node sees holds; `mesh.adminKey` in the configuration comes first.

import type { JsonObject } from '../model/json.ts';
import type { PeerId } from '../ports.ts';
import { PEER_ID_LENGTH_MAX } from './certificate.ts';
import type { Identity } from './identity.ts';
import type { MeshRoots } from './mesh-keys.ts';
import { isPeerId } from './peer-id.ts';
import { FieldReader, isSigned, signFields } from './statement.ts';

export interface Charter {
  readonly meshId: string;
  readonly admin: PeerId;
  /** By the fleet key. */
  readonly signature: string;
}

const KIND = 'charter';

export function issueCharter(fleet: Identity, meshId: string, admin: PeerId): Charter {
  return { meshId, admin, signature: signFields(fleet, KIND, [meshId, admin]) };
}

/** The charter when it is one of this mesh. */
export function parseCharter(value: unknown, { meshId, fleet }: MeshRoots): Charter | undefined {
  const reader = new FieldReader(value);
  const charter = {
    meshId: reader.text('meshId', PEER_ID_LENGTH_MAX),
    admin: reader.text('admin', PEER_ID_LENGTH_MAX),
    signature: reader.text('signature', PEER_ID_LENGTH_MAX),
  };
  if (!reader.isValid || fleet === undefined || charter.meshId !== meshId || !isPeerId(charter.admin)) return undefined;
  const { signature } = charter;
  return isSigned(KIND, [meshId, charter.admin], { issuer: fleet, signature }) ? charter : undefined;
}

export function renderCharter(charter: Charter): JsonObject {
  return { ...charter };
}
