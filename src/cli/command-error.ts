// How a command ends when it cannot do what was asked: a sentence for the terminal and an exit code.

/** Documented in `flowmesh --help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  /** @param exitCode `EXIT.usage` when the arguments or the configuration are wrong */
  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The system's code of an error (`ENOENT`, `SQLITE_CANTOPEN` …), or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
