// What may be kept of the traffic itself: the requests of clients, and pairs of answers of shadow traffic. Off until asked for.

import { section } from './section.ts';
import { bytes, flag, integer } from './values.ts';

/** What clients asked, to ask it again. */
export interface PromptsConfig extends TrafficLimits {
  readonly isStored: boolean;
}

export interface TrafficLimits {
  readonly retentionDays: number;
  readonly entriesMax: number;
  /** Of one entry; a larger one is not kept. */
  readonly entryBytesMax: number;
}

/** What chains with `shadow` have together. */
export interface ShadowConfig extends TrafficLimits {
  readonly queueMax: number;
  readonly concurrencyMax: number;
}

export const DEFAULT_PROMPTS: PromptsConfig = {
  // What people write is nobody's business until the operator says so.
  isStored: false,
  // Enough to compare models on last week's requests.
  retentionDays: 7,
  // Some 100 MB at 10 KB each.
  entriesMax: 10_000,
  // A long conversation; what agents send can be ten times that, and ten thousand of them fill a disk.
  entryBytesMax: 64 * 1024,
};

export const DEFAULT_SHADOW: ShadowConfig = {
  // Whoever compares two models wants a few weeks of them.
  retentionDays: 30,
  // Two answers and a question each: some 200 MB at 20 KB.
  entriesMax: 10_000,
  entryBytesMax: 128 * 1024,
  // A burst may wait; what waits longer than that is better dropped.
  queueMax: 100,
  // Enough for a few requests a second, too little to be felt.
  concurrencyMax: 4,
};

function limits({ retentionDays, entriesMax, entryBytesMax }: TrafficLimits) {
  return {
    retentionDays: integer({ min: 1, max: 3_650 }).default(retentionDays).describe('How long they are kept.'),
    entriesMax: integer({ min: 1, max: 10_000_000 })
      .default(entriesMax)
      .describe('How many are kept; the oldest go first.'),
    entryBytesMax: bytes({ min: 1024, max: 64 * 1024 ** 2 })
      .default(entryBytesMax)
      .describe('Larger ones are not kept.'),
  };
}

export const prompts = section({
  isStored: flag.default(DEFAULT_PROMPTS.isStored).describe('Keep them, for `flowmesh compare --from-log`.'),
  ...limits(DEFAULT_PROMPTS),
})
  .prefault({})
  .describe('What clients asked, kept in gateway.db. Off: no text of a prompt is stored.');

export const shadow = section({
  ...limits(DEFAULT_SHADOW),
  queueMax: integer({ min: 1, max: 10_000 })
    .default(DEFAULT_SHADOW.queueMax)
    .describe('Copies that may wait; more are dropped.'),
  concurrencyMax: integer({ min: 1, max: 1_000 })
    .default(DEFAULT_SHADOW.concurrencyMax)
    .describe('Copies under way at once.'),
})
  .prefault({})
  .describe('Copies of requests that chains with `shadow` send elsewhere too, and what is kept of both answers.');
