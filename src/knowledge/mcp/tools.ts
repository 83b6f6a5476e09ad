// The knowledge brain as tools for agents: what each takes, what it does, and what it says.

import { hash } from 'node:crypto';
import { GatewayError } from '../../errors.ts';
import { asNumber, asString, type JsonObject } from '../../model/json.ts';
import type { KnowledgeAccess } from '../access.ts';
import { placeOf, selectPassages } from '../augment.ts';
import { UnreadableFile } from '../formats/extracted.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Knowledge } from '../knowledge.ts';
import { wholeText } from '../whole-text.ts';

export interface ToolDeps {
  readonly knowledge: Knowledge;
  readonly ingest: Pick<Ingest, 'storeUpload'>;
  readonly access: KnowledgeAccess;
}

export interface ToolResult {
  readonly text: string;
  /** The same as data. */
  readonly data: JsonObject;
}

export interface KnowledgeTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
  readonly isReadOnly: boolean;
  /** @throws GatewayError for arguments that cannot be, and what the key may not */
  run(input: JsonObject, deps: ToolDeps): Promise<ToolResult>;
}

const TOP_K_DEFAULT = 8;
const TOP_K_MAX = 50;
const DOCUMENTS_DEFAULT = 50;
const DOCUMENTS_MAX = 500;
/** Of a document in one call: agents read on with `from`. */
const READ_LENGTH_MAX = 20_000;
const DEFAULT_COLLECTION = 'notes';

const text = (description: string): object => ({ type: 'string', description });
const count = (description: string, maximum: number): object => ({ type: 'integer', minimum: 1, maximum, description });

const searchTool: KnowledgeTool = {
  name: 'search_knowledge',
  title: 'Search knowledge',
  description:
    'Searches the documents of the knowledge base and returns the best matching passages with their sources. Ask in natural language; "quoted words" stay together.',
  inputSchema: {
    type: 'object',
    properties: {
      query: text('What to look for.'),
      collections: {
        type: 'array',
        items: { type: 'string' },
        description: 'Collections to search; `*` at the end of a name stands for anything. Default: all.',
      },
      topK: count(`Passages at most. Default: ${TOP_K_DEFAULT}.`, TOP_K_MAX),
    },
    required: ['query'],
  },
  isReadOnly: true,
  async run(input, { knowledge, access }) {
    const query = requiredText(input, 'query');
    const collections = access.permitted(names(input.collections));
    const topK = bounded(input, 'topK', TOP_K_DEFAULT, TOP_K_MAX);
    // A file may be in several collections: what says the same is told once.
    const hits = await knowledge.search({ tenant: access.tenant, collections, query, topK: topK * 2 });
    const passages = selectPassages(hits, { topK, minScore: 0 }).map(({ hit }) => ({
      documentId: hit.documentId,
      collection: hit.collection,
      title: placeOf(hit),
      source: hit.source,
      position: hit.position,
      ...(hit.page !== undefined && { page: hit.page }),
      text: hit.text,
      score: hit.score,
    }));
    const lines = passages.map(
      (passage, index) => `[${index + 1}] ${passage.title} (document ${passage.documentId})\n${passage.text}`,
    );
    return { text: lines.length > 0 ? lines.join('\n\n') : 'Nothing was found.', data: { passages } };
  },
};

const addTool: KnowledgeTool = {
  name: 'add_document',
  title: 'Add document',
  description:
    'Stores a text (plain or Markdown) in the knowledge base so that it can be found later. The same source again replaces what it said before.',
  inputSchema: {
    type: 'object',
    properties: {
      text: text('The whole text.'),
      title: text('Its title.'),
      collection: text(`The collection it goes into. Default: ${DEFAULT_COLLECTION}.`),
      source: text('What names it within its collection, such as an address. Default: its title.'),
    },
    required: ['text', 'title'],
  },
  isReadOnly: false,
  async run(input, { ingest, access }) {
    const title = requiredText(input, 'title');
    const content = requiredText(input, 'text');
    const collection = asString(input.collection) ?? DEFAULT_COLLECTION;
    demandUse(access, collection);
    const source = asString(input.source) ?? title;
    // Markdown takes the first heading for the title.
    const body = /^#\s/.test(content) ? content : `# ${title.replace(/\s+/g, ' ')}\n\n${content}`;
    const { outcome, passages } = await stored(() =>
      ingest.storeUpload({
        tenant: access.tenant,
        collection,
        source,
        name: `${hash('sha256', source).slice(0, 12)}.md`,
        mimeType: 'text/markdown',
        bytes: Buffer.from(body),
      }),
    );
    const data = { outcome, collection, source, passages };
    return { text: `The document '${title}' was ${outcome} in the collection '${collection}'.`, data };
  },
};

const listTool: KnowledgeTool = {
  name: 'list_documents',
  title: 'List documents',
  description: 'Lists the documents of a collection, or the collections when none is named.',
  inputSchema: {
    type: 'object',
    properties: {
      collection: text('The collection. Default: the list of collections.'),
      after: text('The source of the last document of the page before.'),
      limit: count(`Documents at most. Default: ${DOCUMENTS_DEFAULT}.`, DOCUMENTS_MAX),
    },
  },
  isReadOnly: true,
  async run(input, { knowledge, access }) {
    const collection = asString(input.collection);
    if (collection === undefined) return collectionList(knowledge, access);
    demandUse(access, collection);
    const limit = bounded(input, 'limit', DOCUMENTS_DEFAULT, DOCUMENTS_MAX);
    const after = asString(input.after);
    const page = await knowledge.documents(
      { tenant: access.tenant, collection },
      { limit, ...(after !== undefined && { after }) },
    );
    const documents = page.map(({ id, title, source, passageCount, updatedAt }) => ({
      id,
      title,
      source,
      passages: passageCount,
      updatedAt: new Date(updatedAt).toISOString(),
    }));
    const lines = documents.map(({ id, title, source }) => `${id}  ${title} (${source})`);
    return { text: lines.length > 0 ? lines.join('\n') : 'There are no documents.', data: { documents } };
  },
};

async function collectionList(knowledge: Knowledge, access: KnowledgeAccess): Promise<ToolResult> {
  const collections = (await knowledge.stats(access.tenant))
    .filter(({ collection }) => access.mayUse(collection))
    .map(({ collection, documents, passages }) => ({ collection, documents, passages }));
  const lines = collections.map(({ collection, documents }) => `${collection}: ${documents} documents`);
  return { text: lines.length > 0 ? lines.join('\n') : 'There are no collections.', data: { collections } };
}

const readTool: KnowledgeTool = {
  name: 'read_document',
  title: 'Read document',
  description: `Returns the text of a document, at most ${READ_LENGTH_MAX} characters a call; read on with \`from\`.`,
  inputSchema: {
    type: 'object',
    properties: {
      documentId: text('As search_knowledge and list_documents name it.'),
      from: { type: 'integer', minimum: 0, description: 'Character to begin at. Default: 0.' },
    },
    required: ['documentId'],
  },
  isReadOnly: true,
  async run(input, { knowledge, access }) {
    const documentId = requiredText(input, 'documentId');
    const info = await knowledge.document(access.tenant, documentId);
    if (!info || !access.mayUse(info.collection)) {
      throw new GatewayError('not_found', `There is no document '${documentId.slice(0, 100)}'.`);
    }
    const from = Math.max(0, Math.floor(asNumber(input.from) ?? 0));
    const whole = wholeText(await knowledge.passages(access.tenant, documentId));
    const end = Math.min(whole.length, from + READ_LENGTH_MAX);
    const { title, source, collection } = info;
    const content = whole.slice(from, end).toWellFormed();
    const data = { documentId, title, source, collection, text: content, from, end, length: whole.length };
    const rest = end < whole.length ? `\n\n(${whole.length - end} characters follow: read on from ${end}.)` : '';
    return { text: `${title}\n\n${content}${rest}`, data };
  },
};

export const KNOWLEDGE_TOOLS: readonly KnowledgeTool[] = [searchTool, addTool, listTool, readTool];

/** What a reader says of a file that it cannot take is the client's to know. */
async function stored<Report>(store: () => Promise<Report>): Promise<Report> {
  try {
    return await store();
  } catch (error) {
    if (error instanceof UnreadableFile) throw new GatewayError('bad_request', error.message, { cause: error });
    throw error;
  }
}

/** @throws GatewayError `forbidden` */
function demandUse(access: KnowledgeAccess, collection: string): void {
  if (access.mayUse(collection)) return;
  throw new GatewayError('forbidden', `This key may not use the collection '${collection.slice(0, 100)}'.`);
}

function requiredText(input: JsonObject, name: string): string {
  const value = asString(input[name]);
  if (value === undefined || value.trim() === '') {
    throw new GatewayError('bad_request', `'${name}' must be a text.`, { param: name });
  }
  return value;
}

function names(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw new GatewayError('bad_request', "'collections' must be a list of texts.", { param: 'collections' });
}

function bounded(input: JsonObject, name: string, fallback: number, max: number): number {
  return Math.min(max, Math.max(1, Math.floor(asNumber(input[name]) ?? fallback)));
}
