// Collects what is wrong and what is only worth telling, each with its line and column.

import { ConfigError, type ConfigProblem } from './config-error.ts';
import { type ConfigPath, formatPath } from './config-path.ts';
import { withoutSecrets } from './redact.ts';
import type { Position, YamlSource } from './yaml-source.ts';

export class Findings {
  readonly #warnings: ConfigProblem[] = [];
  readonly #problems = new Map<string, ConfigProblem>();
  readonly #source: YamlSource;

  constructor(source: YamlSource) {
    this.#source = source;
  }

  /** The first problem of a place, or of something inside it, wins: what follows from it would only repeat it. */
  problem(path: ConfigPath, message: string): void {
    const place = formatPath(path);
    const isKnown = [...this.#problems.keys()].some((known) => known === place || isInside(known, place));
    if (!isKnown) this.#problems.set(place, this.#at(path, message));
  }

  /** A problem of a key itself rather than its value; several of one mapping are all told. */
  keyProblem(parent: ConfigPath, key: string, message: string): void {
    const position = this.#source.locateKey(parent, key);
    this.#problems.set(`${formatPath([...parent, key])} key`, guarded(position, parent, message));
  }

  warning(path: ConfigPath, message: string): void {
    this.#warnings.push(this.#at(path, message));
  }

  /** Down the file. */
  get warnings(): readonly ConfigProblem[] {
    return inOrder(this.#warnings);
  }

  throwProblems(): void {
    if (this.#problems.size > 0) throw this.toError();
  }

  toError(): ConfigError {
    return new ConfigError(this.#source.file, inOrder(this.#problems.values()));
  }

  #at(path: ConfigPath, message: string): ConfigProblem {
    return guarded(this.#source.locate(path), path, message);
  }
}

function guarded(position: Position, path: ConfigPath, message: string): ConfigProblem {
  return { ...position, path: withoutSecrets(formatPath(path)), message: withoutSecrets(message) };
}

function isInside(inner: string, outer: string): boolean {
  return inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length));
}

function inOrder(problems: Iterable<ConfigProblem>): ConfigProblem[] {
  return [...problems].sort((left, right) => left.line - right.line || left.column - right.column);
}
