// The part of the file's schema that says how a target is chosen: strategies, affinity, weights and rules.

import * as z from 'zod';
import {
  AFFINITY_MODES,
  DEFAULT_HEDGE,
  LANGUAGES,
  PEER_USES,
  type RuleCondition,
  STRATEGY_NAMES,
  UNFIT_MODES,
  WEEKDAYS,
} from './routing.ts';
import { section } from './section.ts';
import { choice, decimal, duration, flag, headers, integer, pattern, text, texts, timeOfDay } from './values.ts';

const strategyMapping = section({
  type: choice(STRATEGY_NAMES).describe('The strategy itself.'),
  maxTtftMs: duration()
    .describe('Targets that lately took longer to their first content come after the others.')
    .exactOptional(),
  minQuality: decimal({ min: 0, max: 100 })
    .describe('Targets whose model has less quality in the price table, or an unknown one, come after the others.')
    .exactOptional(),
  unfit: choice(UNFIT_MODES)
    .default('skip')
    .describe(
      '`skip`: targets known not to fit the request (context length, tools, images …) are left out while another fits. `last`: they come last.',
    ),
});

export const strategy = z
  // The mapping first: a problem inside it is then told as such.
  .union([strategyMapping, choice(STRATEGY_NAMES)])
  .describe(
    'How the targets are ordered for each request; docs/routing.md explains the strategies. Default: priority.',
  );

export const affinity = choice(AFFINITY_MODES).describe(
  "Whether a conversation stays at its target, where the provider's prompt cache is warm. `auto`: by session header, user or beginning. `session`: only by header or `prompt_cache_key`. Default: auto.",
);

const hedgeMapping = section({
  afterMs: duration()
    .default(DEFAULT_HEDGE.afterMs)
    .describe("How long the first content is waited for while the target's own p95 is not known (20 answers)."),
  budgetPercent: decimal({ min: 0, max: 100 })
    .default(DEFAULT_HEDGE.budgetPercent)
    .describe("Of the chain's last 100 requests, how many may be asked twice."),
});

export const hedge = z
  .union([hedgeMapping, flag])
  .describe(
    'Asks the next target too when the first content is late, and takes whichever answers first; the other is cancelled. Default: false.',
  );

export const chainShadow = section({
  to: text.describe('The chain or `account/model` that gets the copies.'),
  share: decimal({ min: 0, max: 1 }).describe(
    'Of the requests that were answered well, how many are copied: 0.05 is 5 %.',
  ),
}).describe('Sends copies of some requests elsewhere too and keeps both answers, to compare them.');

export const peers = choice(PEER_USES).describe(
  'Other nodes of the mesh that can serve the request. `overflow`: asked when none of the targets has answered. `equal`: asked first where that is clearly sooner. `never`: not asked. Default: overflow.',
);

export const weight = decimal({ min: 0, max: 1_000_000 })
  .default(1)
  .describe('Share of the requests, relative to the other targets. 0: only when no other can serve.');

export const capacity = integer({ min: 1, max: 100_000 }).describe(
  'Requests that it can run at once. While it runs as many, the others come first. Default: unknown.',
);

function bounds(range: { readonly min: number; readonly max: number }, meaning: string) {
  return section({
    min: integer(range).describe('At least.').exactOptional(),
    max: integer(range).describe('At most.').exactOptional(),
  })
    .describe(meaning)
    .exactOptional();
}

const TOKENS = { min: 0, max: 1_000_000_000 };

const time = section({
  from: timeOfDay.describe('Beginning, such as "22:00", in the local time of the node.'),
  to: timeOfDay.describe('End, such as "06:00"; before `from` it is on the next day.'),
  days: z.array(choice(WEEKDAYS)).default([]).describe('Days on which it begins. Empty: every day.'),
});

/** An empty list would hold never, or always, and look as if it did something. */
const EMPTY = 'must not be empty.';

const condition: z.ZodType<RuleCondition> = section({
  models: texts.describe('The model name that the client asks for; `*` stands for anything.').exactOptional(),
  promptTokens: bounds(TOKENS, 'Tokens of the whole prompt, estimated: `min`, `max` or both.'),
  turns: bounds(TOKENS, 'Messages of the user, 1 for a first question: `min`, `max` or both.'),
  complexity: bounds(
    { min: 0, max: 100 },
    'The complexity score of docs/routing.md, where 20 and more is complex: `min`, `max` or both.',
  ),
  tools: flag.describe('The request offers tools.').exactOptional(),
  images: flag.describe('The conversation has images.').exactOptional(),
  audio: flag.describe('The conversation has audio.').exactOptional(),
  documents: flag.describe('The conversation has documents.').exactOptional(),
  jsonSchema: flag.describe('The answer must follow a JSON schema.').exactOptional(),
  reasoning: flag.describe('The client asks for reasoning.').exactOptional(),
  keywords: texts
    .describe('The newest user message has one of these words or phrases; `*` at the end stands for any ending.')
    .exactOptional(),
  pattern: pattern
    .describe('A regular expression somewhere in the newest user message; case is ignored.')
    .exactOptional(),
  languages: z
    .array(choice(LANGUAGES))
    .min(1, EMPTY)
    .describe('The language of the newest user message, as far as it can be told.')
    .exactOptional(),
  headers: headers.describe('By header: its value, with `*` for anything.').exactOptional(),
  tenants: texts.describe('Tenant names, with `*` for anything.').exactOptional(),
  keyTags: texts.describe("Tags of the client's key, with `*` for anything.").exactOptional(),
  metadata: z
    .record(z.string(), text)
    .describe("By key: the value in the request's `metadata`, with `*` for anything.")
    .exactOptional(),
  time: time
    .describe('Hours of the day: `from` and `to` as "22:00", and the `days` (mon, tue …) on which they begin.')
    .exactOptional(),
  all: z
    .array(z.lazy(() => condition))
    .min(1, EMPTY)
    .describe('All of these hold too.')
    .exactOptional(),
  any: z
    .array(z.lazy(() => condition))
    .min(1, EMPTY)
    .describe('At least one of these holds too.')
    .exactOptional(),
  not: z
    .lazy(() => condition)
    .describe('This does not hold.')
    .exactOptional(),
}).meta({ id: 'Condition' });

const rule = section({
  name: text.describe('For explanations and metrics.').exactOptional(),
  when: z.lazy(() => condition).describe('What must hold, every key of it. Empty: always.'),
  use: text.describe('The chain or `account/model` that serves the request.'),
});

export const rules = z
  .array(rule)
  .default([])
  .describe('Chat requests go where the first rule says whose condition holds; where none does, by their model name.');

export type FileRule = z.output<typeof rule>;
