// Every kind of row of gateway.db that travels between the nodes of a mesh.

import type { Kind } from '../replication/kind.ts';
import { tenancyKinds } from './tenancy-kinds.ts';
import { usageShardsKind } from './usage-shards.ts';

/**
 * @param onForeign a row about keys or tenants came from another node
 * @param onForeignUsage usage that this process has not counted came
 */
export function gatewayKinds(
  onForeign: () => void = () => undefined,
  onForeignUsage: () => void = () => undefined,
): readonly Kind[] {
  return [...tenancyKinds(onForeign), usageShardsKind(onForeignUsage)];
}
