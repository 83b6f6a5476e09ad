// The change log of gateway.db: keys, tenants and usage. A node with a mesh has one; a command, and a node whose mesh is
// off, only when the file has been part of a mesh before.

import type { Clock, Random } from '../ports.ts';
import { ChangeLog, type ChangeLogOptions } from '../replication/change-log.ts';
import { originOf, rememberOrigin } from '../replication/file-origin.ts';
import type { Kind } from '../replication/kind.ts';
import { type ChangeRecorder, NOBODY_LISTENS } from '../storage/changes.ts';
import type { Database } from '../storage/database.ts';
import { gatewayKinds } from '../tenancy/gateway-kinds.ts';
import { MeshStore } from './mesh-store.ts';

export interface GatewayLogDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** Same on all nodes: part of every signature. */
const GATEWAY_LOG = 'gateway';

/** Of a node with a mesh. */
export function openGatewayLog(
  deps: GatewayLogDeps,
  kinds: readonly Kind[],
  options: Omit<ChangeLogOptions, 'name'>,
): ChangeLog {
  const log = new ChangeLog({ ...deps, kinds }, { ...options, name: GATEWAY_LOG });
  rememberOrigin(deps.database, options.origin);
  return log;
}

/** Of everyone else who writes to the file. */
export function recorderBeside(deps: GatewayLogDeps): ChangeRecorder {
  const origin = originOf(deps.database);
  if (origin === undefined) return NOBODY_LISTENS;
  const own = new MeshStore(deps.database).ownCredential()?.certificate;
  return new ChangeLog(
    { ...deps, kinds: gatewayKinds() },
    {
      name: GATEWAY_LOG,
      origin,
      mayWrite: (_origin, _kind, capability) =>
        own === undefined || own.capabilities.some((granted) => granted === capability),
    },
  );
}
