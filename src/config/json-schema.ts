// The JSON schema that editors check and complete flowmesh.yaml with, made from the one schema.

import * as z from 'zod';
import { isObject, type JsonObject } from '../model/json.ts';
import { fileSchema } from './schema.ts';

/** Draft 7 is the newest that yaml-language-server (VS Code, Neovim, JetBrains) supports in full. */
export function configJsonSchema(): JsonObject {
  const generated = z.toJSONSchema(fileSchema, {
    io: 'input',
    target: 'draft-7',
    // Left to itself zod hides the default of every value that is read from more than one spelling.
    override: ({ zodSchema, jsonSchema }) => {
      const definition = zodSchema._zod.def;
      if (definition.type === 'default') jsonSchema.default = definition.defaultValue as typeof jsonSchema.default;
      // `default: {}` of a section says nothing: its keys have the defaults.
      if (isObject(jsonSchema.default) && Object.keys(jsonSchema.default).length === 0) delete jsonSchema.default;
    },
  });
  return { title: 'flowmesh configuration', ...(generated as JsonObject) };
}
