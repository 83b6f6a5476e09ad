// The one schema of the YAML file. What it accepts is close to the file; resolve.ts turns that into the Config.
// The JSON schema for editors and docs/configuration.md are made from it, so every key has its meaning here.

import * as z from 'zod';
import { CAPABILITIES } from '../model/capability.ts';
import { cacheSchema, chainCache, chainCompaction, compactionSchema } from './cache.ts';
import { DEFAULTS } from './defaults.ts';
import { ANONYMOUS_MODES } from './exposure.ts';
import { chainKnowledge, knowledge } from './knowledge.ts';
import { meshSection } from './mesh.ts';
import {
  affinity,
  capacity,
  chainShadow,
  type FileRule,
  hedge,
  peers,
  rules,
  strategy,
  weight,
} from './routing-schema.ts';
import { section } from './section.ts';
import { prompts, shadow } from './traffic.ts';
import { address, bytes, choice, decimal, duration, flag, headers, integer, json, secret, text } from './values.ts';

const timeouts = {
  connectMs: duration().describe('How long connecting to the upstream may take.'),
  ttftMs: duration().describe('From the start of an attempt to its first content.'),
  idleMs: duration().describe('Longest silence inside a running answer.'),
  totalMs: duration().describe('The whole request, all attempts together.'),
};

const retries = {
  max: integer({ min: 0, max: 10 }).describe(
    'Tries at one target after the first, for network errors and 5xx answers; then comes the next target.',
  ),
  backoffMs: duration(0).describe('Wait before the first retry; doubles with each, and is jittered.'),
  backoffMaxMs: duration(0).describe('The longest wait between two tries.'),
};

function timeoutOverrides() {
  return section({
    connectMs: timeouts.connectMs.exactOptional(),
    ttftMs: timeouts.ttftMs.exactOptional(),
    idleMs: timeouts.idleMs.exactOptional(),
    totalMs: timeouts.totalMs.exactOptional(),
  }).describe('Differ from the top-level `timeouts`.');
}

function retryOverrides() {
  return section({
    max: retries.max.exactOptional(),
    backoffMs: retries.backoffMs.exactOptional(),
    backoffMaxMs: retries.backoffMaxMs.exactOptional(),
  }).describe('Differ from the top-level `retries`.');
}

const UPSTREAM_DIALECTS = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama'] as const;

/** What makes an account, in `accounts` or inline in a target. */
const credential = {
  key: secret
    .describe('The provider key, best as `${VARIABLE}`. When the variable is not set, the target is skipped.')
    .exactOptional(),
  keys: z
    .array(secret)
    .describe('Several keys, tried in rotation when one is rate-limited or refused. Instead of `key`.')
    .exactOptional(),
  url: address.describe("The server's base URL; replaces the provider's own.").exactOptional(),
  organization: text.describe('OpenAI organization, sent as `OpenAI-Organization`.').exactOptional(),
  project: text.describe('OpenAI project, sent as `OpenAI-Project`.').exactOptional(),
  apiVersion: text.describe('API version, for Azure OpenAI.').exactOptional(),
  dialect: choice(UPSTREAM_DIALECTS).describe("The wire format to speak; replaces the provider's own.").exactOptional(),
};

/** Above the strongest rack; a typing slip of three digits is caught. */
const WATTS_MAX = 1_000_000;
const SPEED = { min: 0.001, max: 10_000_000 };

const energy = section({
  watts: decimal({ min: 0, max: WATTS_MAX }).describe('Power that the machine draws while it answers.'),
  pricePerKwh: decimal({ min: 0, max: 1_000 }).describe('What a kilowatt-hour costs, in US dollars.'),
  tokensPerSecond: decimal(SPEED).describe('Tokens that the machine writes a second, all its answers together.'),
  promptTokensPerSecond: decimal(SPEED)
    .describe('Tokens of prompt that it reads a second. Default: as `tokensPerSecond`, which overstates long prompts.')
    .exactOptional(),
});

const account = section({
  provider: text.describe('A known provider, or `openai-compatible` (same as `local`) together with `url`.'),
  ...credential,
  headers: headers.default({}).describe('Headers sent with every call of this account.'),
  models: z
    .array(text)
    .default([])
    .describe(
      'Model names this account serves, for `/v1/models` and routing by bare name. Empty: the server is asked.',
    ),
  energy: energy.describe("What this account's models cost, when they run on your own machine.").exactOptional(),
});

/** Far above any real price; more is a slip of units. */
const rate = decimal({ min: 0, max: 100_000 });

const price = section({
  model: text.describe("The provider's own name of the model; `*` at its end stands for anything."),
  provider: text.describe('Only at this provider. Default: the model at every provider.').exactOptional(),
  account: text.describe('Only of this account; Azure deployments and own servers are priced so.').exactOptional(),
  input: rate.describe('US dollars for a million tokens of prompt.').exactOptional(),
  output: rate.describe('US dollars for a million tokens of answer, reasoning included.').exactOptional(),
  cacheRead: rate.describe("For prompt tokens read from the provider's cache. Default: as `input`.").exactOptional(),
  cacheWrite: rate.describe('For prompt tokens written to it. Default: as `input`.').exactOptional(),
  contextLength: integer({ min: 1, max: 1_000_000_000 })
    .describe('Tokens of prompt and answer together.')
    .exactOptional(),
  maxOutputTokens: integer({ min: 1, max: 1_000_000_000 })
    .describe('The longest answer, in tokens. The larger bound of a client is lowered to it.')
    .exactOptional(),
  capabilities: z.array(choice(CAPABILITIES)).describe('What the model can do.').exactOptional(),
  quality: decimal({ min: 0, max: 100 })
    .describe('How good the model is, on a scale of your own from 0 to 100.')
    .exactOptional(),
});

const traits = section({
  maxTokensField: choice(['max_tokens', 'max_completion_tokens'])
    .describe('The field that bounds the output (OpenAI chat).')
    .exactOptional(),
  dimensionsField: choice(['dimensions', 'output_dimension'])
    .describe('The field that names the length of the vectors (OpenAI-like embeddings).')
    .exactOptional(),
  hasStreamUsage: flag.describe('Understands `stream_options.include_usage` (OpenAI chat).').exactOptional(),
  hasShortToolCallIds: flag.describe('Tool call ids must be exactly nine letters or digits.').exactOptional(),
  refusedFields: z.array(text).describe('Top-level request fields that the server refuses; dropped.').exactOptional(),
  refusedMessageFields: z
    .array(text)
    .describe('Fields of a message that the server refuses; dropped (OpenAI chat).')
    .exactOptional(),
  wantsReasoningBack: flag
    .describe('Wants `reasoning_content` of earlier turns back in conversations with tool calls (OpenAI chat).')
    .exactOptional(),
  responsesModels: z
    .array(text)
    .describe(
      'Models (`*` for any text) that take function tools with reasoning only on `/responses`: asked there (OpenAI chat).',
    )
    .exactOptional(),
  systemRole: choice(['system', 'developer']).describe('The role for instructions (OpenAI chat).').exactOptional(),
  hasOneSystemMessage: flag
    .describe('Its models take one system message, the first; others are merged into it or told as user text.')
    .exactOptional(),
  defaultMaxOutputTokens: integer({ min: 1, max: 10_000_000 })
    .describe('Output bound when the client gives none (Anthropic requires one).')
    .exactOptional(),
});

const targetMapping = section({
  model: text.describe("The provider's own name of the model. Required, except with `chain`.").exactOptional(),
  chain: text
    .describe('Name of another chain, which stands here as one target. Of the other keys only `weight` goes with it.')
    .exactOptional(),
  weight,
  capacity: capacity.exactOptional(),
  provider: text
    .describe('A known provider. With `key`, `url` and so on the target gets an account of its own, named after it.')
    .exactOptional(),
  account: text.describe('Name of an account under `accounts`. Instead of `provider`.').exactOptional(),
  ...credential,
  headers: headers.default({}).describe("Headers added to the account's."),
  extraBody: json.default({}).describe('Fields put into the upstream request over what the client sent.'),
  traits: traits.default({}).describe("Where this server deviates from its dialect; replaces the provider's own."),
  timeouts: timeoutOverrides().default({}),
  retries: retryOverrides().default({}),
});

const target = z
  .union([z.string(), targetMapping])
  .describe('One place to ask: `account/model`, or a mapping.')
  .meta({ id: 'Target' });

const targets = z.array(target);

const chainMapping = section({
  targets: targets.describe('Tried until one answers, in the order that the strategy says.'),
  strategy: strategy.exactOptional(),
  affinity: affinity.exactOptional(),
  hedge: hedge.exactOptional(),
  shadow: chainShadow.exactOptional(),
  peers: peers.exactOptional(),
  onContextLength: targets
    .default([])
    .describe('Tried instead of the rest of the chain when the prompt is too long for a target. Empty: the rest.'),
  onContentFilter: targets
    .default([])
    .describe('Tried when a target refuses by content policy. Empty: the refusal is final.'),
  timeouts: timeoutOverrides().default({}),
  retries: retryOverrides().default({}),
  cache: chainCache,
  compaction: chainCompaction,
  knowledge: chainKnowledge.exactOptional(),
});

const chain = z.union([targets, chainMapping]).describe('A list of targets, best first, or a mapping with `targets`.');

const server = section({
  host: text
    .default(DEFAULTS.server.host)
    .describe('Address to listen on. Anything wider than loopback needs a virtual key, `apiKeys`, or `anonymous`.'),
  port: integer({ min: 0, max: 65_535 })
    .default(DEFAULTS.server.port)
    .describe('Port to listen on; 0 picks a free one.'),
  apiKeys: z
    .array(text)
    .default([...DEFAULTS.server.apiKeys])
    .describe('Keys that clients may send, in any of the usual headers, beside the virtual keys of docs/tenancy.md.'),
  anonymous: choice(ANONYMOUS_MODES)
    .default(DEFAULTS.server.anonymous)
    .describe(
      'Who needs no key. `until-first-key`: everyone on this machine, while there is no key at all. `never`: nobody, so that a node may listen anywhere and get its keys later. `always`: everyone who reaches the address.',
    ),
  bodyBytesMax: bytes({ min: 1024, max: 1024 ** 3 })
    .default(DEFAULTS.server.bodyBytesMax)
    .describe('Largest request body.'),
  messagesMax: integer({ min: 1, max: 1_000_000 })
    .default(DEFAULTS.server.messagesMax)
    .describe('Most messages in one request.'),
  concurrencyMax: integer({ min: 1, max: 100_000 })
    .default(DEFAULTS.server.concurrencyMax)
    .describe('Requests running at once; more are answered 503 with Retry-After.'),
  drainTimeoutMs: duration(0)
    .default(DEFAULTS.server.drainTimeoutMs)
    .describe('How long a shutdown waits for running answers.'),
  keepAliveMs: duration()
    .default(DEFAULTS.server.keepAliveMs)
    .describe('Silence on a stream after which a keep-alive is written.'),
});

const log = section({
  level: choice(['debug', 'info', 'warn', 'error', 'silent'])
    .default(DEFAULTS.log.level)
    .describe('The least that is written.'),
  format: choice(['auto', 'json', 'pretty'])
    .default(DEFAULTS.log.format)
    .describe('`auto`: pretty on a terminal, else JSON lines.'),
});

const cooldown = section({
  failures: integer({ min: 1, max: 1_000 })
    .default(DEFAULTS.cooldown.failures)
    .describe('Failures in a row after which a target is skipped for a while.'),
  baseMs: duration().default(DEFAULTS.cooldown.baseMs).describe('The first pause; doubles with each failed probe.'),
  maxMs: duration().default(DEFAULTS.cooldown.maxMs).describe('The longest pause.'),
});

const responses = section({
  isStored: flag
    .default(DEFAULTS.responses.isStored)
    .describe('Keep answers of the Responses API for `previous_response_id`.'),
  retentionDays: integer({ min: 1, max: 3_650 })
    .default(DEFAULTS.responses.retentionDays)
    .describe('How long they are kept.'),
  entriesMax: integer({ min: 1, max: 10_000_000 })
    .default(DEFAULTS.responses.entriesMax)
    .describe('How many are kept; the oldest go first.'),
});

const ledger = section({
  retentionDays: integer({ min: 32, max: 3_650 })
    .default(DEFAULTS.ledger.retentionDays)
    .describe('How long entries are kept. Monthly budgets are summed from them, so never less than a month.'),
});

export const fileSchema = section({
  server: server.prefault({}).describe('Where clients connect, and what they may send.'),
  chains: z
    .record(z.string(), chain)
    .default({})
    .describe(
      'By name: which targets serve a request, best first. Clients ask for a chain by giving its name as the model.',
    ),
  defaultChain: text
    .describe(
      'The chain for every model name that nothing else matches. Default: the chain named `default`, if there is one.',
    )
    .exactOptional(),
  accounts: z
    .record(z.string(), account)
    .default({})
    .describe(
      'By name: credentials and addresses that several targets share. Clients may also ask for `account/model`.',
    ),
  aliases: z
    .record(z.string(), text)
    .default({})
    .describe('By model name a client asks for: the chain or `account/model` that serves it.'),
  timeouts: section({
    connectMs: timeouts.connectMs.default(DEFAULTS.timeouts.connectMs),
    ttftMs: timeouts.ttftMs.default(DEFAULTS.timeouts.ttftMs),
    idleMs: timeouts.idleMs.default(DEFAULTS.timeouts.idleMs),
    totalMs: timeouts.totalMs.default(DEFAULTS.timeouts.totalMs),
  })
    .prefault({})
    .describe('Deadlines of every request; chains and targets may differ.'),
  retries: section({
    max: retries.max.default(DEFAULTS.retries.max),
    backoffMs: retries.backoffMs.default(DEFAULTS.retries.backoffMs),
    backoffMaxMs: retries.backoffMaxMs.default(DEFAULTS.retries.backoffMaxMs),
  })
    .prefault({})
    .describe('Second tries at the same target; chains and targets may differ.'),
  cooldown: cooldown.prefault({}).describe('When a failing target is left alone.'),
  responses: responses.prefault({}).describe('What `previous_response_id` needs kept.'),
  ledger: ledger
    .prefault({})
    .describe('The record of what every request used; no text of prompts or answers is in it.'),
  prompts,
  shadow,
  cache: cacheSchema,
  compaction: compactionSchema,
  knowledge,
  mesh: meshSection
    .prefault({})
    .describe('Other nodes: how they find and know each other; see docs/mesh.md. Off unless `enabled`.'),
  log: log.prefault({}).describe('What the process writes about itself.'),
  rules,
  prices: z
    .array(price)
    .default([])
    .describe('What models cost and can do, where the built-in table is wrong or silent; see docs/prices.md.'),
  dataDirectory: text
    .describe(
      'Where state lives. Relative to this file; `~` is the home directory. Default: `$FLOWMESH_HOME`, else `$XDG_DATA_HOME/flowmesh`, else `~/.local/share/flowmesh`.',
    )
    .exactOptional(),
});

export type FileConfig = z.output<typeof fileSchema>;
export type { FileRule };
export type FilePrice = z.output<typeof price>;
export type FileAccount = FileConfig['accounts'][string];
export type FileChain = FileConfig['chains'][string];
export type FileTarget = z.output<typeof target>;
export type FileTargetMapping = z.output<typeof targetMapping>;
