// An entry of the ledger as a list of columns, in two parts: the first is known when its request is sent, the second says
// how it ended. Notes of the journal are an opening with its estimate, or both parts in one; a line has all notes of a
// moment as JSON, for making it of each alone costs several times as much.

import type { Usage } from '../model/chat.ts';

export interface OpenEntry {
  readonly requestId: string;
  readonly tenant: string;
  readonly keyId?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly model: string;
  /** Names or fingerprints the prompt's template, never its text. */
  readonly prompt?: string | undefined;
  /** What it is entered with when nobody learns what it did use. */
  readonly estimatedInputTokens: number;
  /** Default: none. */
  readonly estimatedOutputTokens?: number | undefined;
  /** US dollars; absent while the price is unknown. */
  readonly estimatedCost?: number | undefined;
}

/** `forwarded`: another node has answered, and has the usage in its own ledger. */
export type EntryStatus = 'done' | 'error' | 'aborted' | 'cached' | 'recovered' | 'forwarded';

export interface Settlement {
  readonly status: EntryStatus;
  readonly chain?: string | undefined;
  readonly target?: string | undefined;
  readonly provider?: string | undefined;
  readonly usage?: Usage | undefined;
  /** US dollars; absent while the price is unknown. */
  readonly cost?: number | undefined;
  readonly savedTokens?: number | undefined;
  readonly savedCost?: number | undefined;
  readonly attempts: number;
  readonly ttftMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
}

/** Parts are counted in their wholes, too: cached and written tokens in input, reasoning in output. */
export interface TokenCounts {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** What can be summed up of an entry; no text is empty text. */
export interface SettledEntry extends TokenCounts {
  readonly id: number;
  /** When its request was admitted. */
  readonly startedAt: number;
  readonly tenant: string;
  readonly keyId: string;
  readonly operation: string;
  readonly prompt: string;
  readonly model: string;
  readonly status: EntryStatus;
  readonly target: string;
  readonly provider: string;
  /** US dollars; null while the price is unknown. */
  readonly cost: number | null;
  readonly savedTokens: number;
  readonly savedCost: number;
  readonly attempts: number;
}

/** Values of columns, in the order of their names. */
export type Columns = readonly (string | number | null)[];

/** Released orders never change; what is new comes at the end of the second one. */
const OPENING_NAMES = ['id', 'request_id', 'started_at', 'tenant', 'key_id', 'tags', 'operation', 'prompt', 'model'];
const ENDING_NAMES = [
  ...['status', 'chain', 'target', 'provider'],
  ...['input_tokens', 'cached_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'is_estimated'],
  ...['cost', 'saved_tokens', 'saved_cost', 'attempts', 'ttft_ms', 'duration_ms', 'error'],
];

export function openingOf(id: number, startedAt: number, entry: OpenEntry, model = entry.model): Columns {
  const { requestId, tenant, keyId = null, tags, operation, prompt = null } = entry;
  return [id, requestId, startedAt, tenant, keyId, tagsText(tags), operation, prompt, model];
}

export function endingOf(settlement: Settlement): Columns {
  const { usage } = settlement;
  return [
    settlement.status,
    settlement.chain ?? null,
    settlement.target ?? null,
    settlement.provider ?? null,
    usage?.inputTokens ?? 0,
    usage?.cachedInputTokens ?? 0,
    usage?.cacheWriteTokens ?? 0,
    usage?.outputTokens ?? 0,
    usage?.reasoningTokens ?? 0,
    usage?.isEstimated ? 1 : 0,
    settlement.cost ?? null,
    settlement.savedTokens ?? 0,
    settlement.savedCost ?? null,
    settlement.attempts,
    toMicros(settlement.ttftMs),
    toMicros(settlement.durationMs),
    settlement.error ?? null,
  ];
}

/** Nobody needs more digits, and each has to be written twice. */
function toMicros(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.round(milliseconds * 1_000) / 1_000;
}

export function idOf([id]: Columns): number {
  return Number(id);
}

export function startedAtOf([, , startedAt]: Columns): number {
  return Number(startedAt);
}

/** The note of a request that is sent. */
export function openingNote(opening: Columns, entry: OpenEntry): Columns {
  const { estimatedInputTokens, estimatedCost = null, estimatedOutputTokens = 0 } = entry;
  return [...opening, estimatedInputTokens, estimatedCost, estimatedOutputTokens];
}

/** Several lists as JSON, as one. */
export function joined(lists: readonly string[]): string {
  return `[${lists.map((list) => list.slice(1, -1)).join(',')}]`;
}

/** What a journal holds, as rows of the table; an entry's later note replaces or completes its earlier one. */
export function recoverRows(lines: readonly string[]): { readonly rows: Columns[]; readonly unreadable: number } {
  const rows = new Map<unknown, Columns>();
  let unreadable = 0;
  for (const line of lines) {
    if (line === '') continue;
    for (const note of notesOf(line)) {
      const row = note && completed(note, rows.get(note[0]));
      if (row) rows.set(row[0], row);
      else unreadable += 1;
    }
  }
  return { rows: [...rows.values()], unreadable };
}

const OPENINGS = OPENING_NAMES.length;
const ENDINGS = ENDING_NAMES.length;

function completed(note: Columns, before: Columns | undefined): Columns | undefined {
  switch (note.length) {
    // Without the output, in journals of earlier versions.
    case OPENINGS + 2:
    case OPENINGS + 3:
      return [...note.slice(0, OPENINGS), ...recoveredEnding(note.slice(OPENINGS))];
    case 1 + ENDINGS:
      // An ending under its id, in journals of earlier versions.
      return before && [...before.slice(0, OPENINGS), ...note.slice(1)];
    case OPENINGS + ENDINGS:
      return note;
    default:
      return undefined;
  }
}

/** Nobody knows how it ended: the estimate is the best there is. */
function recoveredEnding([inputTokens = 0, cost = null, outputTokens = 0]: Columns): Columns {
  return ['recovered', null, null, null, inputTokens, 0, 0, outputTokens, 0, 1, cost, 0, null, 0, null, null, null];
}

/** Undefined in place of what cannot be read: its write was cut short. */
function notesOf(line: string): readonly (Columns | undefined)[] {
  try {
    const noted = JSON.parse(line) as Columns | readonly Columns[];
    // A line was a single note in journals of earlier versions.
    return Array.isArray(noted[0]) ? (noted as readonly Columns[]) : [noted as Columns];
  } catch {
    return [undefined];
  }
}

/** Of a whole entry, what only it itself can tell: sums have no use for it. */
export interface EntryDetails {
  readonly requestId: string;
  /** As JSON; no text is no tags. */
  readonly tags: string;
  readonly chain: string;
  readonly isEstimated: boolean;
  readonly ttftMs: number | null;
  readonly durationMs: number | null;
  /** The code of an error. */
  readonly error: string;
}

export function entryDetails(columns: Columns): EntryDetails {
  const text = (index: number): string => (columns[index] as string | null | undefined) ?? '';
  const duration = (index: number): number | null => (columns[index] as number | null | undefined) ?? null;
  return {
    requestId: text(1),
    tags: text(5),
    chain: text(10),
    isEstimated: columns[18] === 1,
    ttftMs: duration(23),
    durationMs: duration(24),
    error: text(25),
  };
}

/** Of the columns of a whole entry. */
export function settledEntry(columns: Columns): SettledEntry {
  const text = (index: number): string => (columns[index] as string | null | undefined) ?? '';
  const amount = (index: number): number => (columns[index] as number | null | undefined) ?? 0;
  return {
    id: amount(0),
    startedAt: amount(2),
    tenant: text(3),
    keyId: text(4),
    operation: text(6),
    prompt: text(7),
    model: text(8),
    status: text(9) as EntryStatus,
    target: text(11),
    provider: text(12),
    inputTokens: amount(13),
    cachedTokens: amount(14),
    cacheWriteTokens: amount(15),
    outputTokens: amount(16),
    reasoningTokens: amount(17),
    cost: (columns[19] as number | null | undefined) ?? null,
    savedTokens: amount(20),
    savedCost: amount(21),
    attempts: amount(22),
  };
}

function tagsText(tags: OpenEntry['tags']): string | null {
  for (const _ in tags) return JSON.stringify(tags);
  return null;
}
