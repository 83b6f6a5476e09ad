// What the pages tell people to type exists: commands of flowmesh with their options, scripts of npm, links to other pages.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { commandPlace } from './support/command.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** From the root. Decisions tell of their day. */
const PAGES: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...['docs', 'deploy'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md') && !path.startsWith('decisions'))
      .map((path) => join(folder, path)),
  ),
];

interface Piece {
  readonly page: string;
  readonly code: string;
}

/** Lines of code blocks, continued ones joined, and code within sentences. */
const CODE: readonly Piece[] = PAGES.flatMap((page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^ *```(?:sh|console)\n(.*?)^ *```$/gms)].map(([, block = '']) => block);
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '');
  const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks.flatMap((block) => block.replaceAll('\\\n', ' ').split('\n')), ...inline].map((code) => ({
    page,
    code: code.replace(/\s+#.*$/, ''),
  }));
});

const COMMAND = /(?:^|[\s;&|])(?:npx |sudo )?(?:flowmeshctl|flowmesh|\S*flowmesh\.mjs)((?: +[^\s|;&>()]+)+)/g;

function commandsIn({ page, code }: Piece): { readonly page: string; readonly words: readonly string[] }[] {
  return [...code.matchAll(COMMAND)].map(([, words = '']) => ({ page, words: words.trim().split(/\s+/) }));
}

test('every command of flowmesh that a page names exists, and has the options that it is given', async () => {
  using place = commandPlace();
  const helps = new Map<string, Promise<string>>();
  const helpOf = (path: readonly string[]): Promise<string> => {
    const key = path.join(' ');
    const help = helps.get(key) ?? place.run([...path, '--help']).then(({ stdout }) => stdout);
    helps.set(key, help);
    return help;
  };
  const wrong: string[] = [];
  const named = CODE.flatMap(commandsIn);
  for (const { page, words } of named) {
    const path: string[] = words[0]?.startsWith('-') ? ['start'] : [];
    for (const word of words) {
      const help = await helpOf(path);
      // A command with arguments of its own has no list of commands.
      if (!help.includes('\nCommands:\n')) break;
      if (!/^[a-z-]+$/.test(word) || word.startsWith('-')) break;
      if (!new RegExp(`^  ${word}(\\||\\b)`, 'm').test(help)) wrong.push(`${page}: flowmesh ${words.join(' ')}`);
      path.push(word);
    }
    const help = `${await helpOf(path)}${await helpOf([])}`;
    for (const [, option = ''] of words.join(' ').matchAll(/(--[a-z][a-z-]*)/g)) {
      if (!help.includes(option)) wrong.push(`${page}: flowmesh ${words.join(' ')} has no ${option}`);
    }
  }
  assert.deepEqual([...new Set(wrong)], []);
  assert.ok(named.length > 60, String(named.length));
});

test('every script of npm that a page names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = CODE.flatMap(({ page, code }) =>
    [...code.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script = '']) => ({ page, script })),
  );
  assert.deepEqual(
    named.filter(({ script }) => !(script in scripts)),
    [],
  );
  assert.ok(named.length > 10, String(named.length));
});

test('what the pages link to is there', () => {
  const broken = PAGES.flatMap((page) =>
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[\w-]+)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^\w+:/.test(target) && !existsSync(join(ROOT, dirname(page), target)))
      .map((target) => `${page} → ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('what the pages name of our files is there', () => {
  const named = PAGES.flatMap((page) =>
    [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(
        /`((?:src|test|mesh-sim|bench|scripts|deploy|docs)\/[\w./-]+)`/g,
      ),
    ].map(([, path = '']) => ({ page, path })),
  );
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(ROOT, path))),
    [],
  );
  assert.ok(named.length > 100, String(named.length));
});
