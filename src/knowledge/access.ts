// What one client may see of the knowledge brain, however its key says it.

export interface KnowledgeAccess {
  readonly tenant: string;
  /**
   * Collections to search: those named, or all that may be seen. Empty: all of the tenant.
   * @throws GatewayError `forbidden`
   */
  permitted(names: readonly string[]): readonly string[];
  mayUse(collection: string): boolean;
}

/** The operator's own, who may see everything. */
export function fullAccess(tenant: string): KnowledgeAccess {
  return { tenant, permitted: (names) => names, mayUse: () => true };
}
