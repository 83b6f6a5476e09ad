// The settings of the token saver: which answers are kept and served again, and how prompts are compacted. Their shape,
// their defaults and their part of the file's schema.

import * as z from 'zod';
import { section } from './section.ts';
import { bytes, choice, duration, flag, integer } from './values.ts';

/** `deterministic`: requests with temperature 0, which ask for the same answer each time. */
const CACHED_REQUESTS = ['deterministic', 'all'] as const;
const CACHE_SCOPES = ['tenant', 'shared'] as const;

/** Which answers are kept, and for whom. A chain may have its own. */
export interface CacheRule {
  readonly isEnabled: boolean;
  /** How old an answer may get. */
  readonly ttlMs: number;
  readonly requests: (typeof CACHED_REQUESTS)[number];
  /** `shared`: one tenant's answer may serve another's equal request. */
  readonly scope: (typeof CACHE_SCOPES)[number];
}

export interface CacheConfig extends CacheRule {
  /** Of all entries together; what was used longest ago goes first. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** A larger answer is not kept. */
  readonly entryBytesMax: number;
}

/** What is left out of prompts before they are sent. A chain may have its own. */
export interface CompactionRule {
  /** Redundant white space, and white space between the tokens of JSON tool results. */
  readonly isEnabled: boolean;
  /** A long tool result that was already there is replaced by a reference to the first one. */
  readonly isDeduplicating: boolean;
}

/** What a chain says of either: `false`, `true`, or what differs. */
export type Override<Rule> = Partial<Rule>;

export const CACHE_DEFAULTS: CacheConfig = {
  // Who asks twice may want two answers: serving an old one is the operator's decision.
  isEnabled: false,
  // Long enough for a test suite, a batch that is run again, a busy help desk; short enough for facts that change daily.
  ttlMs: 3_600_000,
  // With a higher temperature the client has asked for variety.
  requests: 'deterministic',
  // Prompts hold private things, and whoever gets an answer learns that somebody has asked.
  scope: 'tenant',
  // Some hundred thousand answers, and an SD card can spare it.
  bytesMax: 256 * 1024 * 1024,
  // Keeps the index small where answers are tiny.
  entriesMax: 200_000,
  // Longer than any answer of text; what is larger would push out hundreds of others.
  entryBytesMax: 1024 * 1024,
};

export const COMPACTION_DEFAULTS: CompactionRule = {
  // Changing what clients have written is the operator's decision.
  isEnabled: false,
  // The model sees less than the client sent.
  isDeduplicating: false,
};

const rule = {
  isEnabled: flag.describe('Keep complete answers and serve equal requests from them.'),
  ttlMs: duration().describe('How old a kept answer may get.'),
  requests: choice(CACHED_REQUESTS).describe('`deterministic`: only those with temperature 0. `all`: any.'),
  scope: choice(CACHE_SCOPES).describe(
    '`tenant`: never between tenants. `shared`: an answer made for one tenant may serve another.',
  ),
};

const compactionRule = {
  isEnabled: flag.describe('Strip redundant white space of prompts, and white space inside JSON tool results.'),
  isDeduplicating: flag.describe(
    'Also replace a long tool result that was already in the conversation by a reference to the first one.',
  ),
};

export const cacheSchema = section({
  isEnabled: rule.isEnabled.default(CACHE_DEFAULTS.isEnabled),
  ttlMs: rule.ttlMs.default(CACHE_DEFAULTS.ttlMs),
  requests: rule.requests.default(CACHE_DEFAULTS.requests),
  scope: rule.scope.default(CACHE_DEFAULTS.scope),
  bytesMax: bytes({ min: 64 * 1024, max: 1024 ** 4 })
    .default(CACHE_DEFAULTS.bytesMax)
    .describe('Size of all kept answers together; those used longest ago go first.'),
  entriesMax: integer({ min: 1, max: 100_000_000 })
    .default(CACHE_DEFAULTS.entriesMax)
    .describe('How many answers are kept.'),
  entryBytesMax: bytes({ min: 1024, max: 64 * 1024 * 1024 })
    .default(CACHE_DEFAULTS.entryBytesMax)
    .describe('A larger answer is not kept.'),
})
  .prefault({})
  .describe('Answers kept for equal requests; chains may differ. docs/cache.md explains it.');

export const compactionSchema = section({
  isEnabled: compactionRule.isEnabled.default(COMPACTION_DEFAULTS.isEnabled),
  isDeduplicating: compactionRule.isDeduplicating.default(COMPACTION_DEFAULTS.isDeduplicating),
})
  .prefault({})
  .describe('Fewer tokens for the same words; chains may differ. docs/cache.md explains it.');

export const chainCache = z
  .union([
    section({
      isEnabled: rule.isEnabled.exactOptional(),
      ttlMs: rule.ttlMs.exactOptional(),
      requests: rule.requests.exactOptional(),
      scope: rule.scope.exactOptional(),
    }),
    flag,
  ])
  .describe('`true`, `false`, or what differs from the top-level `cache`; a mapping switches it on.')
  .exactOptional();

export const chainCompaction = z
  .union([
    section({
      isEnabled: compactionRule.isEnabled.exactOptional(),
      isDeduplicating: compactionRule.isDeduplicating.exactOptional(),
    }),
    flag,
  ])
  .describe('`true`, `false`, or what differs from the top-level `compaction`; a mapping switches it on.')
  .exactOptional();

/** What a chain has written, as what differs. */
export function overrideOf<Rule extends { readonly isEnabled: boolean }>(
  written: boolean | Override<Rule> | undefined,
): Override<Rule> | undefined {
  if (written === undefined) return undefined;
  if (typeof written === 'object') return { isEnabled: true, ...written } as Override<Rule>;
  return { isEnabled: written } as Override<Rule>;
}
