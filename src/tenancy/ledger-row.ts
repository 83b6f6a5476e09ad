// An entry of the ledger as text: a JSON list of its columns, in two parts. The first is known when its request is sent,
// the second says how it ended. Lines of the journal are an opening, its ending under its id, or both in one; the table
// keeps both in one, too, many of them in a block.

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

/** What can be summed up of an entry; no text is empty text. */
export interface SettledEntry {
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
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
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

/** One of both parts, and its text without the bracket towards the other. */
export interface Part {
  readonly columns: Columns;
  readonly text: string;
}

/** A whole entry. */
export interface LedgerRow {
  readonly columns: Columns;
  readonly text: string;
}

export function openingOf(id: number, startedAt: number, entry: OpenEntry, model = entry.model): Part {
  const { requestId, tenant, keyId = null, tags, operation, prompt = null } = entry;
  const columns = [id, requestId, startedAt, tenant, keyId, tagsText(tags), operation, prompt, model];
  return { columns, text: JSON.stringify(columns).slice(0, -1) };
}

export function endingOf(settlement: Settlement): Part {
  const { usage } = settlement;
  const columns = [
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
    settlement.ttftMs ?? null,
    settlement.durationMs ?? null,
    settlement.error ?? null,
  ];
  return { columns, text: JSON.stringify(columns).slice(1) };
}

export function rowOf(opening: Part, ending: Part): LedgerRow {
  return { columns: [...opening.columns, ...ending.columns], text: `${opening.text},${ending.text}` };
}

export function idOf({ columns: [id] }: Part | LedgerRow): number {
  return Number(id);
}

/** Of a request that is sent. */
export function openingLine({ text }: Part, { estimatedInputTokens, estimatedCost }: OpenEntry): string {
  return `${text},${estimatedInputTokens},${estimatedCost ?? null}]\n`;
}

/** Of one whose opening is there. */
export function endingLine(id: number, { text }: Part): string {
  return `[${id},${text}\n`;
}

export function rowLine({ text }: LedgerRow): string {
  return `${text}\n`;
}

/** What a journal holds, as rows of the table; an entry's later line replaces or completes its earlier one. */
export function recoverRows(lines: readonly string[]): { readonly rows: LedgerRow[]; readonly unreadable: number } {
  const rows = new Map<unknown, Columns>();
  let unreadable = 0;
  for (const line of lines) {
    if (line === '') continue;
    const noted = notedColumns(line);
    const columns = noted && completed(noted, rows.get(noted[0]));
    if (columns) rows.set(columns[0], columns);
    else unreadable += 1;
  }
  return {
    rows: Array.from(rows.values(), (columns) => ({ columns, text: JSON.stringify(columns) })),
    unreadable,
  };
}

const OPENINGS = OPENING_NAMES.length;
const ENDINGS = ENDING_NAMES.length;

function completed(noted: Columns, before: Columns | undefined): Columns | undefined {
  switch (noted.length) {
    case OPENINGS + 2:
      return [...noted.slice(0, OPENINGS), ...recoveredEnding(noted.slice(OPENINGS))];
    case 1 + ENDINGS:
      return before && [...before.slice(0, OPENINGS), ...noted.slice(1)];
    case OPENINGS + ENDINGS:
      return noted;
    default:
      return undefined;
  }
}

/** Nobody knows how it ended: the estimate is the best there is. */
function recoveredEnding([inputTokens = 0, cost = null]: Columns): Columns {
  return ['recovered', null, null, null, inputTokens, 0, 0, 0, 0, 1, cost, 0, null, 0, null, null, null];
}

function notedColumns(line: string): Columns | undefined {
  try {
    return JSON.parse(line) as Columns;
  } catch {
    // The write was cut short; the caller counts it.
    return undefined;
  }
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
