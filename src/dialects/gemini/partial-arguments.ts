// Function arguments that come in pieces: `partialArgs` name a place by JSON path and bring a value, or more of a string.
// https://googleapis.github.io/js-genai/release_docs/interfaces/types.PartialArg.html

import { asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';

type Step = string | number;
type Container = JsonObject | JsonValue[];

/** Objects without prototype, so that no path can reach beyond the arguments. */
export function emptyArguments(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** Applies one piece; false when its path or value makes no sense. */
export function applyPartialArgument(args: JsonObject, piece: JsonObject): boolean {
  const steps = parsePath(asString(piece.jsonPath) ?? '');
  const last = steps?.pop();
  if (!steps || last === undefined) return false;
  let container: Container = args;
  for (const [position, step] of steps.entries()) {
    const next = steps[position + 1] ?? last;
    const inner = entered(container, step, typeof next === 'number');
    if (!inner) return false;
    container = inner;
  }
  const value = pieceValue(piece);
  if (value === undefined) return true;
  const before = read(container, last);
  return write(container, last, typeof before === 'string' && typeof value === 'string' ? before + value : value);
}

/** Undefined for a piece that only announces its place. */
function pieceValue(piece: JsonObject): JsonValue | undefined {
  if ('nullValue' in piece) return null;
  if (typeof piece.boolValue === 'boolean') return piece.boolValue;
  return asNumber(piece.numberValue) ?? asString(piece.stringValue);
}

/** `$.foo.bar[0]['a b']` as steps; undefined for anything else. */
function parsePath(path: string): Step[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: Step[] = [];
  const pattern = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  pattern.lastIndex = 1;
  while (pattern.lastIndex < path.length) {
    const match = pattern.exec(path);
    if (!match) return undefined;
    const [, name, index, single, double] = match;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (single ?? double ?? '').replace(/\\(.)/g, '$1'));
  }
  return steps;
}

function entered(container: Container, step: Step, isArray: boolean): Container | undefined {
  const present = read(container, step);
  if (Array.isArray(present)) return isArray ? present : undefined;
  if (typeof present === 'object' && present !== null) return isArray ? undefined : asObject(present);
  if (present !== undefined) return undefined;
  const created: Container = isArray ? [] : emptyArguments();
  return write(container, step, created) ? created : undefined;
}

function read(container: Container, step: Step): JsonValue | undefined {
  if (Array.isArray(container)) return typeof step === 'number' ? container[step] : undefined;
  return Object.hasOwn(container, step) ? container[step] : undefined;
}

/** Arrays grow one by one; a path that skips further is a broken answer, not a reason to allocate. */
function write(container: Container, step: Step, value: JsonValue): boolean {
  if (Array.isArray(container)) {
    if (typeof step !== 'number' || step > container.length) return false;
    container[step] = value;
  } else {
    container[step] = value;
  }
  return true;
}
