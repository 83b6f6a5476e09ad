// The settings of the knowledge brain: what chains put into their prompts, and which folders a node keeps up with.

import * as z from 'zod';
import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';
import { section } from './section.ts';
import { bytes, decimal, duration, flag, integer, text, texts } from './values.ts';

export interface KnowledgeConfig {
  /** The model name that passages and questions are embedded with, as a client would ask for it. Absent: words only. */
  readonly embeddings?: string;
  /** How many passages a request gets, unless its chain or itself says otherwise. */
  readonly topK: number;
  /** How many tokens they may have together. */
  readonly maxTokens: number;
  /** Passages that score less than this part of the best one are left out; 0 keeps all. */
  readonly minScore: number;
  /** A request whose passages take longer goes on without them. */
  readonly searchTimeoutMs: number;
  readonly fileBytesMax: number;
  readonly watch: readonly WatchedFolder[];
}

/** A folder or file on this machine whose changes are taken over while the node runs. */
export interface WatchedFolder {
  /** Absolute. */
  readonly path: string;
  readonly tenant: string;
  readonly collection: string;
}

/** What a chain puts into the prompts of its requests. */
export interface ChainKnowledge {
  /** Names, `*` at the end stands for anything. */
  readonly collections: readonly string[];
  readonly topK: number;
  readonly maxTokens: number;
  readonly minScore: number;
  /** Its requests fail while knowledge cannot be searched. */
  readonly required: boolean;
}

export const KNOWLEDGE_DEFAULTS: KnowledgeConfig = {
  // Six passages of a page's paragraph each answer most questions; more dilute the prompt.
  topK: 6,
  // Holds six passages of usual length, and costs little beside a conversation.
  maxTokens: 2_000,
  minScore: 0,
  // Three times what the slowest search of a million passages takes.
  searchTimeoutMs: 300,
  // Larger than any book; a file is read into memory whole.
  fileBytesMax: 64 * 1024 ** 2,
  watch: [],
};

const TOP_K = { min: 1, max: 100 };
const MAX_TOKENS = { min: 50, max: 1_000_000 };
const SCORE_SHARE = { min: 0, max: 1 };

const watched = section({
  path: text.describe('Folder or file. Relative to this file; `~` is the home directory.'),
  collection: text.describe('Where its documents go.'),
  tenant: text.default('default').describe('Whose collection it is.'),
});

export const knowledge = section({
  embeddings: text
    .describe('Chain, alias or `account/model` that embeds passages and questions. Default: none, words alone decide.')
    .exactOptional(),
  topK: integer(TOP_K).default(KNOWLEDGE_DEFAULTS.topK).describe('Passages that a request gets at most.'),
  maxTokens: integer(MAX_TOKENS).default(KNOWLEDGE_DEFAULTS.maxTokens).describe('Tokens that they may have together.'),
  minScore: decimal(SCORE_SHARE)
    .default(KNOWLEDGE_DEFAULTS.minScore)
    .describe('Passages that score less than this part of the best one are left out: from 0 (none) to 1.'),
  searchTimeoutMs: duration()
    .default(KNOWLEDGE_DEFAULTS.searchTimeoutMs)
    .describe('How long a request waits for its passages before it goes on without them.'),
  fileBytesMax: bytes({ min: 1024, max: 1024 ** 3 })
    .default(KNOWLEDGE_DEFAULTS.fileBytesMax)
    .describe('Largest file that is taken in.'),
  watch: z
    .array(watched)
    .default([])
    .describe('Folders whose changes are taken over while the node runs: each with `path`, `collection` and `tenant`.'),
})
  .prefault({})
  .describe('Your own documents: how they are taken in and how much of them a request gets; see docs/knowledge.md.');

export const chainKnowledge = section({
  collections: texts.describe("Collections of the client's tenant to search; `*` at the end stands for anything."),
  topK: integer(TOP_K).describe('Passages at most. Default: `knowledge.topK`.').exactOptional(),
  maxTokens: integer(MAX_TOKENS).describe('Tokens at most. Default: `knowledge.maxTokens`.').exactOptional(),
  minScore: decimal(SCORE_SHARE)
    .describe('Part of the best score that a passage must have. Default: `knowledge.minScore`.')
    .exactOptional(),
  required: flag
    .default(false)
    .describe(
      'true: requests fail with `unavailable` while knowledge cannot be searched. Default: they go on without.',
    ),
}).describe('Passages of your documents that are put into the prompts of this chain.');

type FileKnowledge = z.output<typeof knowledge>;
export type FileChainKnowledge = z.output<typeof chainKnowledge>;

interface KnowledgeContext {
  /** A path of the file as an absolute one. */
  readonly pathOf: (written: string) => string;
  /** Can this name serve a request? */
  readonly isServed: (model: string) => boolean;
}

export function resolveKnowledge(
  written: FileKnowledge,
  { pathOf, isServed }: KnowledgeContext,
  findings: Findings,
): KnowledgeConfig {
  const { embeddings, watch } = written;
  if (embeddings !== undefined && !isServed(embeddings)) {
    findings.problem(['knowledge', 'embeddings'], `'${embeddings}' is neither a chain nor account/model.`);
  }
  for (const [index, { collection, tenant }] of watch.entries()) {
    const path = ['knowledge', 'watch', index];
    checkName('collection', collection, path, findings);
    checkName('tenant', tenant, path, findings);
  }
  return { ...written, watch: watch.map((folder) => ({ ...folder, path: pathOf(folder.path) })) };
}

/** What the chain does not say, the top level does. */
export function resolveChainKnowledge(
  written: FileChainKnowledge | undefined,
  { topK, maxTokens, minScore }: Pick<KnowledgeConfig, 'topK' | 'maxTokens' | 'minScore'>,
): ChainKnowledge | undefined {
  return written && { topK, maxTokens, minScore, ...written };
}

/** Names of collections and tenants stand in paths and patterns. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._:@-]{0,127}$/u;

export function isCollectionName(name: string): boolean {
  return NAME.test(name);
}

function checkName(key: string, name: string, path: ConfigPath, findings: Findings): void {
  if (isCollectionName(name)) return;
  findings.problem([...path, key], "the name may have letters, digits and '._:@-', at most 128 of them.");
}
