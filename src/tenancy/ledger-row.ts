// An entry of the ledger as columns of its table, in two parts: what is known when its request is sent, and how it ended.
// Lines of the journal are these parts as JSON: an opening, its ending under its id, or both in one.

import type { Usage } from '../model/chat.ts';
import type { Spending } from './day-sums.ts';

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

/** Values of columns, in the order of these names. */
export type Columns = readonly (string | number | null)[];

const OPENING_NAMES = ['id', 'request_id', 'started_at', 'tenant', 'key_id', 'tags', 'operation', 'prompt', 'model'];
const ENDING_NAMES = [
  ...['status', 'chain', 'target', 'provider'],
  ...['input_tokens', 'cached_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'is_estimated'],
  ...['cost', 'saved_tokens', 'saved_cost', 'attempts', 'ttft_ms', 'duration_ms', 'error'],
];
const NAMES = [...OPENING_NAMES, ...ENDING_NAMES];

/** Takes the two parts of a row, one after the other. */
export const INSERT_ROW = `INSERT OR IGNORE INTO ledger (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})`;

/** One row of the table. */
export interface LedgerRow {
  readonly opening: Columns;
  readonly ending: Columns;
}

export function openingOf(id: number, startedAt: number, entry: OpenEntry, model = entry.model): Columns {
  return [
    id,
    entry.requestId,
    startedAt,
    entry.tenant,
    entry.keyId ?? null,
    tagsText(entry.tags),
    entry.operation,
    entry.prompt ?? null,
    model,
  ];
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
    settlement.ttftMs ?? null,
    settlement.durationMs ?? null,
    settlement.error ?? null,
  ];
}

export function idOf({ opening }: LedgerRow): number {
  return Number(opening[0]);
}

export function spendingOf({ opening, ending }: LedgerRow): Spending {
  const [, , at, tenant, keyId, , , , model] = opening;
  const [, , , , input, , , output, , , cost] = ending;
  return {
    at: Number(at),
    tenant: String(tenant),
    keyId: String(keyId ?? ''),
    model: String(model),
    tokens: Number(input) + Number(output),
    cost: Number(cost ?? 0),
  };
}

/** Of a request that is sent. */
export function openingLine(opening: Columns, { estimatedInputTokens, estimatedCost }: OpenEntry): string {
  return `${JSON.stringify(opening).slice(0, -1)},${estimatedInputTokens},${estimatedCost ?? null}]\n`;
}

/** Of one whose opening is there. */
export function endingLine({ opening: [id], ending }: LedgerRow): string {
  return `[${id},${JSON.stringify(ending).slice(1)}\n`;
}

export function rowLine({ opening, ending }: LedgerRow): string {
  return `${JSON.stringify(opening).slice(0, -1)},${JSON.stringify(ending).slice(1)}\n`;
}

/** What a journal holds, as rows of the table; an entry's later line replaces or completes its earlier one. */
export function recoverRows(lines: readonly string[]): { readonly rows: LedgerRow[]; readonly unreadable: number } {
  const rows = new Map<number, LedgerRow>();
  let unreadable = 0;
  for (const line of lines) {
    if (line === '') continue;
    const noted = notedColumns(line);
    const row = noted && completed(noted, rows.get(Number(noted[0])));
    if (row) rows.set(idOf(row), row);
    else unreadable += 1;
  }
  return { rows: [...rows.values()], unreadable };
}

const OPENINGS = OPENING_NAMES.length;

function completed(noted: Columns, before: LedgerRow | undefined): LedgerRow | undefined {
  switch (noted.length) {
    case OPENINGS + 2:
      return { opening: noted.slice(0, OPENINGS), ending: recoveredEnding(noted.slice(OPENINGS)) };
    case 1 + ENDING_NAMES.length:
      return before && { opening: before.opening, ending: noted.slice(1) };
    case NAMES.length:
      return { opening: noted.slice(0, OPENINGS), ending: noted.slice(OPENINGS) };
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

function tagsText(tags: OpenEntry['tags']): string | null {
  for (const _ in tags) return JSON.stringify(tags);
  return null;
}
