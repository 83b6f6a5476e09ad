// What the tests of deploy/ share: its files as text and as YAML.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = resolve(import.meta.dirname, '../..');
export const DEPLOY = join(ROOT, 'deploy');

/** Every file, from deploy/. */
export const FILES: readonly string[] = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(DEPLOY, join(entry.parentPath, entry.name)))
  .sort();

export function textOf(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** Tests look at documents of many shapes. */
export type Document = any;

export function yamlOf(path: string): Document {
  return parse(textOf(path), { merge: true });
}

export function documentsOf(path: string): Document[] {
  return parseAllDocuments(textOf(path)).map((document) => document.toJS({}));
}

/** `Key=value` lines of a section, in order; a key may come more than once. */
export function unitSettings(text: string, section: string): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>();
  let current = '';
  for (const line of text.split('\n')) {
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) current = name;
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== '' && current === section) settings.set(key, [...(settings.get(key) ?? []), value]);
  }
  return settings;
}
