// A mapping that knows its keys, and says which one a misspelled key was meant to be.

import * as z from 'zod';
import { suggestion } from './nearest.ts';

export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // One line a key: explain.ts gives each its own place.
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(key, known)).join('\n') : undefined,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  return `unknown key '${key}'.${suggestion(key, known, ` Known keys: ${known.join(', ')}.`)}`;
}
