// The YAML text as plain values, and the line and column every value came from.

import {
  Alias,
  type Document,
  isAlias,
  isMap,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { ConfigError, type ConfigProblem, fileError } from './config-error.ts';
import type { ConfigPath } from './config-path.ts';
import { withoutSecrets } from './redact.ts';

/** A configuration of thousands of targets is under 1 MB; more is the wrong file. */
export const FILE_BYTES_MAX = 1024 * 1024;

/** How many nodes aliases may expand to: plenty for shared settings, and the end of a "billion laughs" file. */
const ALIASES_MAX = 1_000;

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlSource {
  readonly file: string;
  readonly value: unknown;
  /** Where the value at this path begins, or the nearest thing around it. */
  locate(path: ConfigPath): Position;
  locateKey(parent: ConfigPath, key: string): Position;
}

/** The parser's codes in our words: its own messages quote the text around, which may hold a key. */
const SYNTAX: Readonly<Record<string, string>> = {
  BAD_ALIAS: "this '*alias' has no matching '&anchor' before it.",
  BAD_DQ_ESCAPE: 'this backslash escape is not known inside double quotes.',
  BAD_INDENT: 'the indentation does not fit the lines above.',
  BAD_SCALAR_START: 'this text begins with a character that YAML reserves; put it in quotes.',
  BLOCK_AS_IMPLICIT_KEY: "two 'key: value' pairs stand on one line; put text that contains ': ' in quotes.",
  BLOCK_IN_FLOW: 'an indented block cannot stand inside [ ] or { }.',
  MISSING_CHAR: 'a closing quote, bracket, comma or colon is missing here.',
  MULTILINE_IMPLICIT_KEY: "a 'key:' must stand on one line; perhaps a ':' is missing.",
  MULTIPLE_DOCS: "the file holds several YAML documents; remove the '---' line.",
  TAB_AS_INDENT: 'YAML does not allow tabs as indentation; use spaces.',
  TAG_RESOLVE_FAILED: 'this YAML tag is not supported.',
  UNEXPECTED_TOKEN: 'this character is not expected here; put the text in quotes if it belongs to it.',
};

/** @throws ConfigError when the text is not well-formed YAML */
export function readYaml(text: string, file: string): YamlSource {
  // Characters, not bytes: close enough, for the loader has checked the file's size.
  if (text.length > FILE_BYTES_MAX) throw fileError(file, 'the file is larger than 1 MiB.');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const problems = syntaxProblems(document, text, positionOf);
  if (problems.length > 0) throw new ConfigError(file, problems);

  return {
    file,
    value: expand(document, file, positionOf),
    locate: (path) => positionOf(offsetAt(document, path)),
    locateKey: (parent, key) => {
      const pair = pairOf(document, nodeAt(document, parent), key);
      return positionOf(pair === undefined ? offsetAt(document, parent) : startOf(pair.key));
    },
  };
}

/** Every repeated key, but only the first of the other errors: the parser stumbles on from there. */
function syntaxProblems(document: Document.Parsed, text: string, positionOf: (offset: number) => Position) {
  const isRepeat = ({ code }: { code: string }) => code === 'DUPLICATE_KEY';
  const found = [...document.errors, ...document.warnings];
  const first = found.find((error) => !isRepeat(error));
  return [...found.filter(isRepeat), ...(first === undefined ? [] : [first])].map(({ code, pos }): ConfigProblem => {
    const message = isRepeat({ code }) ? duplicateKey(text.slice(pos[0])) : syntaxMessage(code, text, pos[0]);
    return { ...positionOf(pos[0]), path: '', message };
  });
}

function syntaxMessage(code: string, text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? '';
  // The classic: `{key: ${KEY}}`, where YAML takes the brace for its own.
  if (/[{[,].*[^"'\w]\$\{\w/.test(line)) return "inside { } and [ ] a '${VARIABLE}' must be in quotes.";
  return SYNTAX[code] ?? 'this is not valid YAML.';
}

/** @param rest the text from the repeated key on */
function duplicateKey(rest: string): string {
  const name = /^[\w.-]+/.exec(rest)?.[0];
  return name === undefined ? 'this key is given twice.' : `the key '${withoutSecrets(name)}' is given twice.`;
}

function expand(document: Document.Parsed, file: string, positionOf: (offset: number) => Position): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    // Dangling aliases and alias bombs are found only while expanding, without a position.
    const isBomb = cause instanceof ReferenceError && cause.message.includes('Excessive');
    if (isBomb) throw fileError(file, 'the aliases expand to too many values.', { cause });
    const place = positionOf(danglingOffset(document));
    throw new ConfigError(file, [{ ...place, path: '', message: SYNTAX.BAD_ALIAS as string }], { cause });
  }
}

function danglingOffset(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return undefined;
      offset = startOf(alias);
      return visit.BREAK;
    },
  });
  return offset;
}

type Node = unknown;

function offsetAt(document: Document.Parsed, path: ConfigPath): number {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    if (node !== undefined) return startOf(node);
  }
  return startOf(document.contents);
}

/** An alias counts where it is written, not where its anchor is. */
function nodeAt(document: Document.Parsed, path: ConfigPath): Node {
  let node: Node = document.contents;
  for (const segment of path) {
    const container = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(container) && typeof segment === 'number') node = container.items[segment];
    else node = pairOf(document, container, String(segment))?.value ?? undefined;
    if (node === undefined) return undefined;
  }
  return node;
}

function pairOf(document: Document.Parsed, node: Node, key: string): Pair | undefined {
  const map = isAlias(node) ? node.resolve(document) : node;
  if (!isMap(map)) return undefined;
  const own = map.items.find((pair) => keyText(pair) === key);
  if (own !== undefined) return own;
  for (const pair of map.items) {
    if (keyText(pair) !== '<<') continue;
    for (const merged of mergedMaps(document, pair.value)) {
      const found = pairOf(document, merged, key);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function mergedMaps(document: Document.Parsed, value: Node): readonly Node[] {
  const target = isAlias(value) ? value.resolve(document) : value;
  return isSeq(target) ? target.items : [target];
}

function keyText(pair: YAMLMap['items'][number]): string {
  return pair.key instanceof Scalar ? String(pair.key.value) : String(pair.key);
}

function startOf(node: Node): number {
  if (node instanceof Alias || node instanceof Scalar || isMap(node) || isSeq(node)) return node.range?.[0] ?? 0;
  return 0;
}
