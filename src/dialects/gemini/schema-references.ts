// `$ref` and `allOf` taken out of a JSON Schema: references are replaced by what they point at, parts are merged.

import { GatewayError } from '../../errors.ts';
import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

/** A few hundred are usual; references and alternatives that multiply one another could make millions. */
const STEPS_MAX = 10_000;

/** Knows the root, and which references enclose the place being read, so that a schema inside itself is noticed. */
export class SchemaReferences {
  readonly #root: JsonObject;
  readonly #param: string;
  readonly #open: readonly string[];
  readonly #steps: { count: number };

  constructor(root: JsonObject, param: string, open: readonly string[] = [], steps = { count: 0 }) {
    this.#root = root;
    this.#param = param;
    this.#open = open;
    this.#steps = steps;
  }

  /** The references around what stands inside `schema`. */
  enter(schema: JsonValue | undefined): SchemaReferences {
    const opened = referencesOf(schema, this);
    if (opened.length === 0) return this;
    return new SchemaReferences(this.#root, this.#param, [...this.#open, ...opened], this.#steps);
  }

  /** @throws GatewayError `unsupported` when the schema, written out, is too large */
  countStep(): void {
    this.#steps.count += 1;
    if (this.#steps.count > STEPS_MAX) {
      throw this.#refused(`has more than ${STEPS_MAX} parts once its references are written out`);
    }
  }

  target(reference: string): JsonObject {
    this.countStep();
    if (!reference.startsWith('#')) throw this.#refused(`refers to '${reference}', which is outside of the schema`);
    let target: JsonValue | undefined = this.#root;
    for (const step of pointerSteps(reference)) {
      target = Array.isArray(target) ? target[Number(step)] : ownValue(target, step);
    }
    const schema = target === true ? {} : asObject(target);
    if (!schema) throw this.#refused(`refers to '${reference}', which does not exist`);
    return schema;
  }

  /** @throws GatewayError `unsupported` when the reference encloses itself */
  checkNotInside(reference: string): void {
    if (this.#open.includes(reference)) {
      throw this.#refused(`contains itself through '${reference}'; Gemini has no recursive schemas`);
    }
  }

  #refused(reason: string): GatewayError {
    return new GatewayError('unsupported', `The schema '${this.#param}' ${reason}.`, { param: this.#param });
  }
}

function pointerSteps(reference: string): string[] {
  const pointer = reference.slice(1);
  if (pointer === '') return [];
  return pointer
    .split('/')
    .slice(1)
    .map((step) => decodeStep(step).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function decodeStep(step: string): string {
  return /^(?:[^%]|%[0-7][0-9a-f])*$/i.test(step) ? decodeURIComponent(step) : step;
}

function ownValue(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** All references that a schema is itself made of: its own, those behind it, and those of its allOf parts. */
function referencesOf(
  value: JsonValue | undefined,
  references: SchemaReferences,
  seen: readonly string[] = [],
): string[] {
  const schema = asObject(value);
  if (!schema) return [];
  const own = asString(schema.$ref);
  const found: string[] = [];
  if (own !== undefined) {
    references.checkNotInside(own);
    if (!seen.includes(own)) found.push(own, ...referencesOf(references.target(own), references, [...seen, own]));
  }
  for (const part of asArray(schema.allOf)) found.push(...referencesOf(part, references, seen));
  return found;
}

/** The schema with its own reference and its allOf parts merged into it. What it says itself wins. */
export function flatSchema(schema: JsonObject, references: SchemaReferences, seen: readonly string[] = []): JsonObject {
  const { $ref, allOf, ...own } = schema;
  const reference = asString($ref);
  const parts = asArray(allOf).map((part) => flatSchema(asObject(part) ?? {}, references, seen));
  if (reference !== undefined && !seen.includes(reference)) {
    parts.unshift(flatSchema(references.target(reference), references, [...seen, reference]));
  }
  return parts.reduce(combined, own);
}

function combined(first: JsonObject, second: JsonObject): JsonObject {
  const result: JsonObject = { ...second, ...first };
  if (first.properties && second.properties) {
    result.properties = { ...asObject(second.properties), ...asObject(first.properties) };
  }
  if (first.required && second.required) result.required = [...asArray(first.required), ...asArray(second.required)];
  return result;
}
