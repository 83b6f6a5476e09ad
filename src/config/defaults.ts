// Every default of the configuration, with the reason for its value.

import { CACHE_DEFAULTS, COMPACTION_DEFAULTS } from './cache.ts';
import type { Config } from './config.ts';
import { KNOWLEDGE_DEFAULTS } from './knowledge.ts';
import { DEFAULT_PROMPTS, DEFAULT_SHADOW } from './traffic.ts';

/** All sections that a configuration has without naming them. */
type Defaults = Omit<Config, 'accounts' | 'chains' | 'aliases' | 'rules' | 'defaultChain' | 'dataDirectory' | 'mesh'>;

export const DEFAULTS: Defaults = {
  server: {
    // Nobody else on the network may spend the operator's credit until keys are set.
    host: '127.0.0.1',
    // The port that clients of the original product already have in their base URL.
    port: 2402,
    // Without keys everyone on loopback may call: the first start needs no setup.
    apiKeys: [],
    // As nobody else can reach it; from the first key on everyone needs one.
    anonymous: 'until-first-key',
    // Several full-size images in base64 fit; a body is held in memory, so it must not be unlimited.
    bodyBytesMax: 32 * 1024 * 1024,
    // Far beyond any real conversation, low enough that a hostile body cannot stall the event loop.
    messagesMax: 20_000,
    // A waiting stream costs some 50 KB; 2,000 of them still fit a machine with 1 GB.
    concurrencyMax: 2_000,
    // Most answers end within it, and service managers kill after 90 s.
    drainTimeoutMs: 30_000,
    // Proxies cut silent connections after 60 s at the earliest; a lost keep-alive or two must not matter.
    keepAliveMs: 15_000,
  },
  timeouts: {
    // A TCP and TLS handshake around the world takes under 1 s; one lost packet is retried after 1 and 3 s.
    connectMs: 5_000,
    // Reasoning models think for a minute and more before the first token.
    ttftMs: 120_000,
    // Reasoning models also pause in the middle of an answer.
    idleMs: 120_000,
    // What the official OpenAI SDK gives a request; longer ones ask for it.
    totalMs: 600_000,
  },
  retries: {
    // One more try heals a dropped connection; the next target heals the rest sooner than waiting does.
    max: 1,
    // Long enough for a load balancer to leave a dying backend, short enough to go unnoticed.
    backoffMs: 250,
    // Beyond it the next target is always the better choice.
    backoffMaxMs: 4_000,
  },
  cooldown: {
    // One failure is noise, two may be; three in a row are an outage.
    failures: 3,
    // A brief hiccup costs five seconds of a target, not a minute.
    baseMs: 5_000,
    // A target that came back is found within five minutes.
    maxMs: 300_000,
  },
  log: {
    // One line a request and every change of state.
    level: 'info',
    // People read terminals, machines read pipes.
    format: 'auto',
  },
  responses: {
    // The Responses API promises previous_response_id.
    isStored: true,
    // As long as OpenAI keeps them.
    retentionDays: 30,
    // Some 100 MB at 10 KB each, which a small SD card can spare.
    entriesMax: 10_000,
  },
  ledger: {
    // A year and a month: this month can be compared with the same one of last year.
    retentionDays: 400,
  },
  prompts: DEFAULT_PROMPTS,
  shadow: DEFAULT_SHADOW,
  cache: CACHE_DEFAULTS,
  compaction: COMPACTION_DEFAULTS,
  knowledge: KNOWLEDGE_DEFAULTS,
  // The built-in table knows the rest.
  prices: [],
};

/** The chain of this name serves every unmatched model name, unless `defaultChain` says otherwise: the article's config has it. */
export const DEFAULT_CHAIN_NAME = 'default';
