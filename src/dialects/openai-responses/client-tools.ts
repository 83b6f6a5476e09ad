// The client's tools as it names them and as everyone else does. Responses groups tools in namespaces and tells them
// apart by two fields, `namespace` and `name`; other dialects have one flat name, so the two become one on the way out and
// two again in the answer. The way back is in the tools of the request.

import type { ChatRequest, Tool } from '../../model/chat.ts';
import { asString, type JsonObject } from '../../model/json.ts';
import { optionalString, requiredString } from '../fields.ts';
import { shortHash } from '../short-hash.ts';

/** How an item of the wire names a tool. */
export interface WireName {
  readonly name: string;
  readonly namespace?: string;
}

export interface WireTool extends WireName {
  /** Its calls are `custom_tool_call` items. */
  readonly isCustom: boolean;
}

/** The name in a call or a choice. */
export function parseWireName(item: JsonObject, param: string): WireName {
  const namespace = optionalString(item, 'namespace', `${param}.namespace`);
  return { name: requiredString(item, 'name', `${param}.name`), ...(namespace !== undefined && { namespace }) };
}

/** Codex's own tools are in it, and an item without a namespace means the same. */
const DEFAULT_NAMESPACE = 'functions';

/** The one name of a namespaced tool; the same that Codex itself uses where it has to flatten. */
export function flatName({ namespace, name }: WireName): string {
  const isDefault = namespace === undefined || namespace === DEFAULT_NAMESPACE;
  return isDefault ? name : `${namespace.replace(/_+$/, '')}__${name}`;
}

/** Each tool as it was offered last. */
export function latestTools(tools: readonly Tool[]): Tool[] {
  const latest = new Map<string, Tool>();
  for (const [index, tool] of tools.entries()) {
    latest.set(tool.isHosted ? `hosted ${index}` : keyOf(wireToolOf(tool)), tool);
  }
  return [...latest.values()];
}

/** The tools, each name once: of two that would become one the later gets a hash. */
export function withoutEqualNames(tools: readonly Tool[]): Tool[] {
  const taken = new Set<string>();
  return tools.map((tool) => {
    if (tool.isHosted) return tool;
    const wire = wireToolOf(tool);
    const name = taken.has(tool.name) ? `${tool.name}_${shortHash(`${wire.namespace ?? ''} ${wire.name}`)}` : tool.name;
    taken.add(name);
    return name === tool.name ? tool : { ...tool, name, extensions: wireExtensions(wire) };
  });
}

/** What a tool or a call keeps of its wire name; nothing where the neutral fields say it all. */
export function wireExtensions({ name, namespace, isCustom }: WireTool) {
  const fields: JsonObject = {
    ...(isCustom && { type: 'custom' }),
    name,
    ...(namespace !== undefined && { namespace }),
  };
  return { 'openai-responses': fields };
}

/** Of a tool or a call. */
export function wireToolOf({ name, extensions }: Pick<Tool, 'name' | 'extensions'>): WireTool {
  const own = extensions?.['openai-responses'];
  const namespace = asString(own?.namespace);
  return {
    name: asString(own?.name) ?? name,
    ...(namespace !== undefined && { namespace }),
    isCustom: own?.type === 'custom',
  };
}

/** Finds a tool by either of its names. */
export class ClientTools {
  readonly #byFlatName = new Map<string, WireTool>();
  readonly #byWireName = new Map<string, string>();

  constructor({ tools }: Pick<ChatRequest, 'tools'>) {
    for (const tool of tools) {
      if (tool.isHosted) continue;
      const wire = wireToolOf(tool);
      this.#byFlatName.set(tool.name, wire);
      const key = keyOf(wire);
      if (!this.#byWireName.has(key)) this.#byWireName.set(key, tool.name);
    }
  }

  /** The tool that an upstream calls by this name; one that was never offered is a plain function. */
  called(flat: string): WireTool {
    return this.#byFlatName.get(flat) ?? { name: flat, isCustom: false };
  }

  /** The name under which upstreams know the tool of an item; of a tool that is gone the one it would have had. */
  flat(wire: WireName): string {
    return this.#byWireName.get(keyOf(wire)) ?? flatName(wire);
  }
}

function keyOf({ namespace, name }: WireName): string {
  return `${namespace === DEFAULT_NAMESPACE ? '' : (namespace ?? '')} ${name}`;
}
