// Finds presets: by the name a configuration gives, and by the bare model name a client asks for.

import { type Preset, presets } from './presets.ts';

export type PresetLookup = (name: string) => Preset | undefined;

const BY_NAME: ReadonlyMap<string, Preset> = new Map(presets.map((preset) => [preset.name, preset]));

export const presetNamed: PresetLookup = (name) => BY_NAME.get(name);

/** Does a bare model name belong to the provider? Upper and lower case are the same. */
export function ownsModel(preset: Preset, model: string): boolean {
  const included = preset.modelPatterns.filter((pattern) => !pattern.startsWith('!'));
  const excluded = preset.modelPatterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return (
    included.some((pattern) => globMatches(pattern, model)) && !excluded.some((pattern) => globMatches(pattern, model))
  );
}

/** Patterns have at most one star, so comparing the two ends says it all, in linear time. */
function globMatches(pattern: string, text: string): boolean {
  const wanted = pattern.toLowerCase();
  const actual = text.toLowerCase();
  const star = wanted.indexOf('*');
  if (star < 0) return wanted === actual;
  const tail = wanted.slice(star + 1);
  return actual.length >= wanted.length - 1 && actual.startsWith(wanted.slice(0, star)) && actual.endsWith(tail);
}
