// What a member of a mesh may do, as its certificate says.

/** `serve`: execute requests of others. `…:write`: its writes of that kind are taken. `admin`: certify and evict. */
export const MESH_CAPABILITIES = ['serve', 'knowledge:write', 'cache:write', 'config:write', 'admin'] as const;

export type MeshCapability = (typeof MESH_CAPABILITIES)[number];

/** What the shared secret grants; `admin` would let every stolen device evict the others. */
export const FLEET_CAPABILITIES: readonly MeshCapability[] = [
  'serve',
  'knowledge:write',
  'cache:write',
  'config:write',
];
