// How collections, documents and passages are named: on disk by numbers, between nodes by hashes.

import { hash } from 'node:crypto';
import type { CollectionRef } from '../knowledge.ts';

/** A collection's ids are `collection × SPAN + sequence`; 2²⁰ collections of 4 billion entries are exact in a number. */
export const SPAN = 2 ** 32;

/** Parts the headings of a passage in one column; the index sees it as a space. */
const HEADING_SEPARATOR = '\u001f';

export function collectionOf(id: number): number {
  return Math.floor(id / SPAN);
}

/** Stable for one source, on every node. */
export function documentKey(ref: CollectionRef, source: string): string {
  return hash('sha256', JSON.stringify([ref.tenant, ref.collection, source])).slice(0, 32);
}

/** SHA-256 of what a passage says, hex. Where it stands is the manifest's business. */
export function passageHash(text: string, headings: readonly string[]): string {
  return hash('sha256', JSON.stringify([text, headings]));
}

export function joinHeadings(headings: readonly string[]): string {
  return headings.join(HEADING_SEPARATOR);
}

export function splitHeadings(joined: string): string[] {
  return joined === '' ? [] : joined.split(HEADING_SEPARATOR);
}

/** Headings as they are kept: each on one line, none empty, so that joining them loses nothing. */
export function cleanHeadings(headings: readonly string[]): string[] {
  return headings.map((heading) => heading.replaceAll(HEADING_SEPARATOR, ' ')).filter((heading) => heading !== '');
}

/** The same text for equal values, whatever the order of their fields. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}
