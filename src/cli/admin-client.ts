// The admin API of a running node, as the operator's commands use it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../gateway/upstream-http.ts';
import { asObject, asString, type JsonObject, parseObject } from '../model/json.ts';
import type { HttpResponse } from '../ports.ts';
import { withDeadline } from '../providers/deadline.ts';
import { CommandError } from './command-error.ts';
import type { Surroundings } from './surroundings.ts';

/** Storing a large document waits for the disk. */
const REQUEST_TIMEOUT_MS = 120_000;
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** The node answered with an error. */
export class AdminRefusal extends CommandError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export class AdminClient {
  readonly #url: string;
  readonly #token: string;
  readonly #around: Pick<Surroundings, 'http' | 'clock'>;

  /** @param url of the node, with or without `/v1` */
  constructor(url: string, token: string, around: Pick<Surroundings, 'http' | 'clock'>) {
    this.#url = url.replace(/\/+(v1\/*)?$/, '');
    this.#token = token;
    this.#around = around;
  }

  /** @throws AdminRefusal with the node's own words, CommandError when it does not answer */
  async request(method: string, path: string, body?: object, outer?: AbortSignal): Promise<JsonObject> {
    const { http, clock } = this.#around;
    const headers = { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) };
    try {
      return await withDeadline(clock, REQUEST_TIMEOUT_MS, outer, async (signal) => {
        const response = await http.request({
          method,
          url: this.#url + path,
          headers,
          signal,
          ...(body && { body: JSON.stringify(body) }),
        });
        if (response.status >= 300) throw await refusalOf(response);
        return parseObject(await readText(response, BODY_BYTES_MAX, 'fail')) ?? {};
      });
    } catch (error) {
      if (error instanceof CommandError || outer?.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(`The node at ${this.#url} did not answer: ${reason}`, undefined, { cause: error });
    }
  }
}

async function refusalOf(response: HttpResponse): Promise<AdminRefusal> {
  const error = asObject(parseObject(await readText(response, BODY_BYTES_MAX, 'cut'))?.error);
  const message = asString(error?.message) ?? `The node answered with status ${response.status}.`;
  return new AdminRefusal(message, response.status);
}

/** The token of a data directory's node; undefined where none has ever been. */
export function readAdminToken(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, 'admin.token'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
