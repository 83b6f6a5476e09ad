// The mesh for those who run the node: who is there and how they are, inviting, evicting, leaving. Admin token only.

import type { FastifyInstance, FastifyReply } from 'fastify';
import { GatewayError } from '../errors.ts';
import { asArray, asString } from '../model/json.ts';
import { MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import { sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

/** What the mesh lets its operator do. */
export interface MeshAdministration {
  status(): object;
  /** Undefined when this node cannot grant that. */
  invite(capabilities: readonly MeshCapability[], name?: string): { token: string; expiresAt: number } | undefined;
  /** False when this node may not. */
  evict(peer: string, reason: string): boolean;
  leave(): Promise<void>;
}

export interface MeshRoutesDeps {
  /** Absent while the mesh is off. */
  readonly mesh?: MeshAdministration | undefined;
}

const ADMIN = { config: { isAdmin: true } } as const;

export function meshRoutes(server: FastifyInstance, { mesh }: MeshRoutesDeps): void {
  const on = (): MeshAdministration => {
    if (mesh) return mesh;
    throw new GatewayError('not_found', 'The mesh is off at this node: set mesh.enabled, and restart it.');
  };
  server.get('/mesh', ADMIN, (_request, reply) => send(reply, 200, on().status()));
  server.post('/admin/mesh/invites', ADMIN, (request, reply) => {
    const body = jsonBody(request);
    const invite = on().invite(capabilitiesOf(body.capabilities ?? ['serve']), asString(body.name));
    if (!invite)
      throw new GatewayError('forbidden', 'This node holds no key that could grant that; ask an admin node.');
    const { token, expiresAt } = invite;
    return send(reply, 201, { token, expiresAt: new Date(expiresAt).toISOString() });
  });
  server.post('/admin/mesh/evictions', ADMIN, (request, reply) => {
    const { peer, reason } = jsonBody(request);
    const id = asString(peer);
    if (id === undefined)
      throw new GatewayError('bad_request', 'peer must be the peer id of a member.', { param: 'peer' });
    if (!on().evict(id, asString(reason) ?? 'by its operator')) {
      throw new GatewayError('forbidden', 'This node may not evict, or that is no peer id; ask an admin node.');
    }
    return send(reply, 200, { peer: id, state: 'evicted' });
  });
  server.post('/admin/mesh/leave', ADMIN, async (_request, reply) => {
    await on().leave();
    return send(reply, 200, { state: 'left' });
  });
}

function capabilitiesOf(value: unknown): readonly MeshCapability[] {
  const names = asArray(value);
  const known = MESH_CAPABILITIES.filter((capability) => names.includes(capability));
  if (known.length === names.length && known.length > 0) return known;
  const message = `capabilities must be a list of ${MESH_CAPABILITIES.join(', ')}.`;
  throw new GatewayError('bad_request', message, { param: 'capabilities' });
}

/** Tokens and addresses: nothing between may keep them. */
function send(reply: FastifyReply, status: number, value: object): FastifyReply {
  sendJson(reply, status, JSON.stringify(value), { 'cache-control': 'no-store' });
  return reply;
}
