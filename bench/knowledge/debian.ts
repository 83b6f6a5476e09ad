// A labelled set of real text: Debian's package descriptions. The one-line synopsis is the question, the long description
// of the same package is what should be found; packages built from one source count as one. Comes through apt.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LabelledSet } from './labelled-set.ts';

const MEBIBYTE = 1024 * 1024;
const QUESTION_WORDS_MIN = 4;
const TEXT_LENGTH_MIN = 150;

/** @returns undefined on a machine without apt */
export function debianSet(directory: string, passages: number, questions: number): LabelledSet | undefined {
  const lists = join(directory, 'apt-lists');
  try {
    mkdirSync(join(lists, 'partial'), { recursive: true });
    if (listed(lists, '_main_i18n_Translation-en') === undefined) {
      const options = ['-o', 'Acquire::Languages=en', '-o', `Dir::State::lists=${lists}`];
      execFileSync('apt-get', ['update', '-qq', ...options], { stdio: 'ignore' });
    }
    return build(textOf(lists, '_main_i18n_Translation-en'), textOf(lists, '_main_binary-'), passages, questions);
  } catch {
    return undefined;
  }
}

function listed(lists: string, part: string): string | undefined {
  // The largest one is the release itself, not its updates: the shortest name.
  return readdirSync(lists)
    .filter((name) => name.includes(part))
    .sort((left, right) => left.length - right.length)
    .at(0);
}

function textOf(lists: string, part: string): string {
  const file = join(lists, listed(lists, part) ?? '');
  return execFileSync('/usr/lib/apt/apt-helper', ['cat-file', file], { maxBuffer: 512 * MEBIBYTE }).toString();
}

function build(translations: string, packages: string, passages: number, questions: number): LabelledSet {
  const families = new Map(
    packages.split('\n\n').map((stanza) => {
      const name = field(stanza, 'Package');
      return [name, field(stanza, 'Source').split(' ')[0] || name];
    }),
  );
  const described = translations.split('\n\n').flatMap((stanza) => {
    const name = field(stanza, 'Package');
    const text = stanza
      .slice(stanza.indexOf('Description-en:'))
      .split('\n')
      .slice(1)
      .map((line) => (line === ' .' ? '' : line.trim()))
      .join('\n');
    const synopsis = field(stanza, 'Description-en');
    return text.length < TEXT_LENGTH_MIN ? [] : [{ name, synopsis, text, family: families.get(name) ?? name }];
  });
  const every = Math.max(1, Math.floor(described.length / passages));
  const kept = described.filter((_, index) => index % every === 0);
  const askable = kept.filter(({ synopsis }) => synopsis.split(' ').length >= QUESTION_WORDS_MIN);
  const step = Math.max(1, Math.floor(askable.length / questions));
  return {
    name: 'Debian package descriptions',
    passages: kept.map(({ name, text, family }) => ({ id: name, title: name, text, family })),
    questions: askable
      .filter((_, index) => index % step === 0)
      .map(({ synopsis, family }) => ({ text: synopsis, relevant: new Set([family]) })),
  };
}

function field(stanza: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
}
