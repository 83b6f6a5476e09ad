// A statement that SQLite compiles when it is used first. A node has some hundred and a half of them and uses a part: at
// its start they were most of the work with its files, and each one holds some kilobytes.

import type { RunResult, Statement } from 'better-sqlite3';

export class LazyStatement<Bind extends unknown[], Row> {
  readonly #compile: () => Statement<Bind, Row>;
  #compiled: Statement<Bind, Row> | undefined;
  #plucked: LazyStatement<Bind, Row> | undefined;
  #asArrays: LazyStatement<Bind, Row> | undefined;

  /** Only then can somebody be still at it when it is used again. */
  #isIterated = false;

  constructor(compile: () => Statement<Bind, Row>) {
    this.#compile = compile;
  }

  get(...values: Bind): Row | undefined {
    return this.#ready().get(...values);
  }

  all(...values: Bind): Row[] {
    return this.#ready().all(...values);
  }

  run(...values: Bind): RunResult {
    return this.#ready().run(...values);
  }

  iterate(...values: Bind): IterableIterator<Row> {
    this.#isIterated = true;
    return this.#ready().iterate(...values);
  }

  /** Apart from this one, which others may share. */
  pluck(): this {
    this.#plucked ??= new LazyStatement(() => this.#compile().pluck());
    return this.#plucked as this;
  }

  /** Apart from this one. */
  raw(): this {
    this.#asArrays ??= new LazyStatement(() => this.#compile().raw());
    return this.#asArrays as this;
  }

  #ready(): Statement<Bind, Row> {
    this.#compiled ??= this.#compile();
    // Somebody is still reading its rows, one by one.
    return this.#isIterated && this.#compiled.busy ? this.#compile() : this.#compiled;
  }
}
