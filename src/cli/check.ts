// One line of the doctor's report.

export interface Check {
  readonly status: 'ok' | 'warning' | 'problem';
  /** What was looked at. */
  readonly name: string;
  /** What was found. */
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
}

export function ok(name: string, message: string): Check {
  return { status: 'ok', name, message };
}

export function warning(name: string, message: string, advice?: string): Check {
  return { status: 'warning', name, message, ...(advice !== undefined && { advice }) };
}

export function problem(name: string, message: string, advice?: string): Check {
  return { status: 'problem', name, message, ...(advice !== undefined && { advice }) };
}
