// Everything that is wrong with a configuration file, told at once, each with its place. Never contains a key's value.

export interface ConfigProblem {
  /** Counted from 1; 0 when the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Where in the document, such as `chains.default[1]`; empty for the top. */
  readonly path: string;
  /** A sentence. */
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map((problem) => formatProblem(file, problem)).join('\n'), options);
    this.file = file;
    this.problems = problems;
  }
}

/** A problem of the file as a whole: missing, unreadable, too big. */
export function fileError(file: string, message: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(file, [{ line: 0, column: 0, path: '', message }], options);
}

/** One line that terminals and editors make clickable: `config.yaml:7:5 chains.default[1]: message`. */
export function formatProblem(file: string, { line, column, path, message }: ConfigProblem): string {
  const place = line === 0 ? `${file}:` : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}
