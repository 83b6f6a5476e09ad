// The real outside world that a command works in.

import type { Clock, HttpClient } from '../ports.ts';
import { systemClock } from '../system/system-clock.ts';
import { UndiciHttpClient } from '../system/undici-http-client.ts';

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** Runs a command's work, and closes its connections however it ends. */
export async function withSurroundings<Result>(work: (around: Surroundings) => Promise<Result>): Promise<Result> {
  const http = new UndiciHttpClient();
  try {
    return await work({ env: process.env, directory: process.cwd(), http, clock: systemClock });
  } finally {
    await http.close();
  }
}
