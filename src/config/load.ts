// From a file, or its text, to a frozen Config: read, expand variables, check, resolve. All problems are told at once.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { isObject } from '../model/json.ts';
import type { Config } from './config.ts';
import { type ConfigProblem, fileError } from './config-error.ts';
import { valueAt } from './config-path.ts';
import { type Entry, explain } from './explain.ts';
import { Findings } from './findings.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { configCandidates, defaultDataDirectory, resolveFrom } from './paths.ts';
import { resolveConfig } from './resolve.ts';
import { type FileConfig, fileSchema } from './schema.ts';
import { FILE_BYTES_MAX, readYaml } from './yaml-source.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** What was left out and why; `formatProblem` makes a line of each. */
  readonly warnings: readonly ConfigProblem[];
}

export interface LoadOptions {
  readonly env: Environment;
  /** Provider names that may be used, `openai-compatible` and `local` among them. */
  readonly providers: ReadonlySet<string>;
}

/**
 * Reads and checks a configuration file.
 * @throws ConfigError with every problem of the file
 */
export function loadConfig(path: string, options: LoadOptions): LoadedConfig {
  return parseConfig(readConfigFile(path), { ...options, path, env: withHome(options.env) });
}

/** The file to use when none was named, or undefined. */
export function findConfigFile(env: Environment, directory: string): string | undefined {
  const candidates = configCandidates(withHome(env), directory);
  return candidates.length === 1 ? candidates[0] : candidates.find((path) => existsSync(path));
}

/** The file's text, with a sentence instead of an errno. */
export function readConfigFile(path: string): string {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw fileError(path, 'this is a directory, not a file.');
    if (stats.size > FILE_BYTES_MAX) throw fileError(path, 'the file is larger than 1 MiB.');
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    if (cause instanceof TypeError) throw fileError(path, 'the file is not UTF-8 text.', { cause });
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') throw fileError(path, 'there is no such file.', { cause });
    if (code === 'EACCES') throw fileError(path, 'this user may not read the file.', { cause });
    throw cause;
  }
}

export interface ParseOptions extends LoadOptions {
  /** Shown in messages; relative paths inside the file start at its directory. */
  readonly path: string;
}

/**
 * Checks the text of a configuration; reads nothing but its arguments.
 * @throws ConfigError with every problem of the text
 */
export function parseConfig(text: string, options: ParseOptions): LoadedConfig {
  const source = readYaml(text, options.path);
  const findings = new Findings(source);
  const written = interpolate(withoutEmptySections(source.value), options.env, findings);
  const file = checkShape(written, findings);
  const dataDirectory = resolveDataDirectory(file.dataDirectory, options);
  const pathOf = (path: string): string => resolveFrom(dirname(resolve(options.path)), path, options.env);
  const config = resolveConfig(file, { providers: options.providers, dataDirectory, pathOf }, findings);
  findings.throwProblems();
  return { config: deepFreeze(config), warnings: findings.warnings };
}

/** `server:` with nothing under it, as when all its lines are commented out, is the same as no `server:`. */
function withoutEmptySections(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null));
}

/** @throws ConfigError when too much is wrong to check references; else they are checked without what is wrong */
function checkShape(written: unknown, findings: Findings): FileConfig {
  const parsed = fileSchema.safeParse(written);
  if (parsed.success) return parsed.data;
  const wrong = explain(parsed.error.issues, written, findings);
  const rest = fileSchema.safeParse(without(written, wrong));
  if (rest.success) return rest.data;
  throw findings.toError();
}

function without(written: unknown, entries: readonly Entry[]): unknown {
  const copy = copyPlain(written);
  for (const { parent, key } of entries) {
    const owner = valueAt(copy, parent);
    if (isObject(owner)) delete owner[key];
  }
  return copy;
}

/** Like structuredClone, but keeps instances (unset variables) as they are. */
function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyPlain(item)]));
}

function resolveDataDirectory(written: string | undefined, { env, path }: ParseOptions): string {
  if (written !== undefined) return resolveFrom(dirname(resolve(path)), written, env);
  const found = defaultDataDirectory(env);
  if (found !== undefined) return found;
  throw fileError(path, 'set dataDirectory, FLOWMESH_HOME or HOME: there is no place for the state.');
}

function withHome(env: Environment): Environment {
  return { ...env, HOME: env.HOME || homedir() };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
