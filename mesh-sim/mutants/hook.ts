// Loaded before everything else by a process that runs a mutant: changes one source text on its way in.

import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MUTANTS } from './mutants.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const mutant = MUTANTS.find(({ name }) => name === process.env.FLOWMESH_MUTANT);
if (!mutant) throw new Error(`There is no mutant '${process.env.FLOWMESH_MUTANT}'.`);
const url = pathToFileURL(resolve(ROOT, mutant.file)).href;

registerHooks({
  load(requested, context, nextLoad) {
    const loaded = nextLoad(requested, context);
    if (requested !== url) return loaded;
    const source = String(loaded.source);
    if (source.split(mutant.find).length !== 2) {
      throw new Error(`The mutant '${mutant.name}' does not fit ${mutant.file} any more: its text must occur once.`);
    }
    return { ...loaded, source: source.replace(mutant.find, () => mutant.replace) };
  },
});
