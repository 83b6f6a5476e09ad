// A mapping of a LiteLLM file that remembers which keys were read, so that the others can be named: nothing is lost
// without a word. Values of unread keys are never shown, for they may be secrets.

import { asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { DURATION, formatQuantity } from '../quantity.ts';
import { withoutSecrets } from '../redact.ts';

/** Why a key has no counterpart, where there is more to say than that. */
const HINTS: Readonly<Record<string, string>> = {
  drop_params: 'docs/dialects.md says what each upstream cannot express and what happens to it.',
  set_verbose: 'set log.level to debug.',
  json_logs: 'set log.format to json.',
  database_url: 'flowmesh needs no database server.',
  redis_host: 'flowmesh needs no Redis.',
  redis_port: 'flowmesh needs no Redis.',
  redis_password: 'flowmesh needs no Redis.',
  rpm: 'flowmesh goes by the 429 answers and Retry-After of the provider.',
  tpm: 'flowmesh goes by the 429 answers and Retry-After of the provider.',
  disable_cooldowns: 'a large cooldown.failures comes near it.',
  enable_pre_call_checks: 'a prompt that is too long moves to onContextLength when the provider refuses it.',
};

export class LitellmSection {
  readonly #path: string;
  readonly #values: JsonObject;
  readonly #environment: JsonObject;
  readonly #unread: Set<string>;

  /** @param environment the file's `environment_variables`, which LiteLLM puts into its own environment */
  constructor(path: string, value: JsonValue | undefined, environment: JsonObject = {}) {
    this.#path = path;
    this.#values = asObject(value) ?? {};
    this.#environment = environment;
    this.#unread = new Set(Object.keys(this.#values).filter((key) => this.#values[key] !== null));
  }

  take(key: string): JsonValue | undefined {
    this.#unread.delete(key);
    return this.#values[key] ?? undefined;
  }

  /** Text in our notation: `os.environ/NAME` becomes `${NAME}`. */
  takeText(key: string): string | undefined {
    return this.toText(this.take(key));
  }

  toText(value: JsonValue | undefined): string | undefined {
    const text = asString(value);
    if (text === undefined) return asNumber(value)?.toString();
    const variable = /^os\.environ\/(\w+)$/.exec(text)?.[1];
    if (variable === undefined) return escaped(text);
    const given = this.#environment[variable];
    return given === undefined || given === null ? `\${${variable}}` : escaped(String(given));
  }

  /** Like `toText` for every text inside a value. */
  toValue(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.toText(value) ?? value;
    if (Array.isArray(value)) return value.map((item) => this.toValue(item));
    const inner = asObject(value);
    if (inner === undefined) return value;
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, this.toValue(item ?? null)]));
  }

  /** A whole number; anything else stays unread. */
  takeInteger(key: string): number | undefined {
    const value = asNumber(this.#values[key]);
    if (value === undefined || !Number.isInteger(value) || value < 0) return undefined;
    this.#unread.delete(key);
    return value;
  }

  /** Seconds as our duration text; anything else, such as a variable, stays unread. */
  takeSeconds(key: string): string | undefined {
    const seconds = Number(this.#values[key] ?? Number.NaN);
    if (!Number.isFinite(seconds) || seconds <= 0) return undefined;
    this.#unread.delete(key);
    return formatQuantity(Math.max(1, Math.round(seconds * 1000)), DURATION);
  }

  /** A sentence for every key that was not read. */
  unreadNotes(): string[] {
    return [...this.#unread].map((key) => {
      const value = this.#values[key];
      const shown = typeof value === 'number' || typeof value === 'boolean' ? ` (${value})` : '';
      const place = this.#path === '' ? withoutSecrets(key) : `${this.#path}.${withoutSecrets(key)}`;
      return `${place}${shown} has no equivalent${HINTS[key] === undefined ? '.' : `: ${HINTS[key]}`}`;
    });
  }
}

/** A function, for `$$` means a single dollar in a replacement's text. */
function escaped(text: string): string {
  return text.replaceAll('${', () => '$${');
}
