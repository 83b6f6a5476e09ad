// Writes the files under docs/ that are made from the source. A test fails when a committed one is not current.

import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { configurationReference } from './configuration-reference.ts';
import { providerReference } from './provider-reference.ts';

/** By path from the repository's root: what the file must contain. */
export const generatedDocs: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationReference,
  'docs/flowmesh.schema.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/providers.md': providerReference,
};

if (import.meta.main) {
  const root = new URL('../', import.meta.url);
  for (const [path, render] of Object.entries(generatedDocs)) writeFileSync(new URL(path, root), render());
}
