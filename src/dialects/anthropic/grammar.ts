// What Anthropic's grammar of structured answers can say. An object whose keys nobody names would only ever be `{}` there,
// a schema that contains itself or has no type is refused.

import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

const TYPES = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'properties', 'items'];

export function isInGrammar(schema: JsonObject): boolean {
  return new Grammar(schema).isSayable(schema);
}

class Grammar {
  readonly #root: JsonObject;
  /** By reference. Looked at once each: definitions that name others twice over would else take for ever. */
  readonly #definitions = new Map<string, boolean>();

  constructor(root: JsonObject) {
    this.#root = root;
  }

  isSayable(schema: JsonValue | undefined): boolean {
    if (!isObject(schema)) return false;
    if (typeof schema.$ref === 'string') return this.#isDefinitionSayable(schema.$ref);
    if (!TYPES.some((key) => schema[key] !== undefined)) return false;
    const properties = Object.values(asObject(schema.properties) ?? {});
    const isOfObject = schema.type === 'object' || asArray(schema.type).includes('object');
    if (isOfObject && properties.length === 0 && schema.additionalProperties !== false) return false;
    const lists = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => asArray(list));
    const items = schema.items === undefined ? [] : [schema.items];
    return [...properties, ...lists, ...items].every((inner) => this.isSayable(inner));
  }

  #isDefinitionSayable(reference: string): boolean {
    const known = this.#definitions.get(reference);
    if (known !== undefined) return known;
    // Met again while it is being looked at, it contains itself.
    this.#definitions.set(reference, false);
    const [, holder = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [];
    const isSayable = this.isSayable(asObject(this.#root[holder])?.[name]);
    this.#definitions.set(reference, isSayable);
    return isSayable;
  }
}
