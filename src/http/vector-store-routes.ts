// OpenAI's /v1/vector_stores: stores, their files, batches of files, and search.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { badRequest, optionalArray, optionalObject, optionalString, requiredString } from '../dialects/fields.ts';
import { GatewayError } from '../errors.ts';
import { knowledgeAccess } from '../gateway/knowledge-wish.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import { atMost } from '../model/at-most.ts';
import { asObject, type JsonObject } from '../model/json.ts';
import type { Random } from '../ports.ts';
import { type ExchangeDeps, exchange, sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';
import { demandKnowledge, type KnowledgeDeps } from './knowledge-guard.ts';
import { type StoredFile, VectorStoreCatalog } from './vector-store-catalog.ts';
import {
  counts,
  deleted,
  listObject,
  readPage,
  storeFileObject,
  storeId,
  storeObject,
} from './vector-store-objects.ts';
import { readSearch, searchStore } from './vector-store-search.ts';

export interface VectorStoreDeps extends ExchangeDeps, KnowledgeDeps {
  readonly random: Random;
}

/** What a route works with. */
interface Call {
  readonly request: FastifyRequest;
  readonly context: RequestContext;
  readonly catalog: VectorStoreCatalog;
  readonly params: { readonly store: string; readonly file: string; readonly batch: string };
}

const OPENAI = { config: { dialect: 'openai-chat' } } as const;
const BASE = '/v1/vector_stores';
const FILES_AT_ONCE_MAX = 500;
const ATTRIBUTES_MAX = 16;

type Route = (path: string, work: (call: Call) => Promise<JsonObject>) => void;

export function vectorStoreRoutes(server: FastifyInstance, deps: VectorStoreDeps): void {
  const handler = (work: (call: Call) => Promise<JsonObject>) => (request: FastifyRequest, reply: FastifyReply) =>
    exchange(request, reply, 'vector-stores', deps, async (context) => {
      demandKnowledge(context.principal);
      const catalog = new VectorStoreCatalog({ ...deps, access: knowledgeAccess(context.principal) });
      const params = request.params as Call['params'];
      sendJson(reply, 200, JSON.stringify(await work({ request, context, catalog, params })), {
        'x-request-id': request.id,
      });
    });
  const get: Route = (path, work) => void server.get(BASE + path, OPENAI, handler(work));
  const post: Route = (path, work) => void server.post(BASE + path, OPENAI, handler(work));
  const remove: Route = (path, work) => void server.delete(BASE + path, OPENAI, handler(work));
  storeRoutes(get, post, remove, deps);
  storeFileRoutes(get, post, remove);
  batchRoutes(get, post, deps);
}

function storeRoutes(get: Route, post: Route, remove: Route, { knowledge }: VectorStoreDeps): void {
  get('', async ({ request, catalog }) => {
    const { after, limit } = readPage(request.query as Record<string, unknown>);
    const all = (await catalog.stores()).map(storeObject);
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    return listObject(all.slice(start, start + limit), start + limit < all.length);
  });
  post('', async ({ request, catalog }) => {
    const body = jsonBody(request);
    if (body.expires_after) throw badRequest('expires_after', 'Vector stores do not expire here.');
    const store = await catalog.createStore(optionalString(body, 'name') ?? '', optionalObject(body, 'metadata') ?? {});
    const ref = catalog.ref(storeId(store.collection));
    const ids = readFileIds(body);
    for (const id of ids) await catalog.attach(ref, id, {});
    return storeObject({ ...store, fileCount: ids.length });
  });
  get('/:store', async ({ catalog, params }) => storeObject(await catalog.store(params.store)));
  post('/:store', async ({ request, catalog, params }) => {
    const body = jsonBody(request);
    if (body.expires_after) throw badRequest('expires_after', 'Vector stores do not expire here.');
    const name = optionalString(body, 'name');
    const metadata = optionalObject(body, 'metadata');
    const changes = { ...(name !== undefined && { name }), ...(metadata && { metadata }) };
    return storeObject(await catalog.updateStore(params.store, changes));
  });
  remove('/:store', async ({ catalog, params }) => {
    await catalog.deleteStore(params.store);
    return deleted(params.store, 'vector_store.deleted');
  });
  post('/:store/search', async ({ request, context, catalog, params }) => {
    const search = readSearch(jsonBody(request));
    await catalog.store(params.store);
    const data = await searchStore(catalog.ref(params.store), search, knowledge, context.signal);
    return {
      object: 'vector_store.search_results.page',
      search_query: [...search.queries],
      data,
      has_more: false,
      next_page: null,
    };
  });
}

function storeFileRoutes(get: Route, post: Route, remove: Route): void {
  get('/:store/files', async ({ request, catalog, params }) => {
    const query = request.query as Record<string, unknown>;
    const { collection } = await catalog.store(params.store);
    const page = readPage(query);
    // Files are taken in before they are told of: none is ever in another state.
    if (query.filter !== undefined && query.filter !== 'completed') return listObject([], false);
    const files = await catalog.filesOf(catalog.ref(params.store), { ...page, limit: page.limit + 1 });
    const shown = files.slice(0, page.limit).map((file) => storeFileObject(file, collection));
    return listObject(shown, files.length > page.limit);
  });
  post('/:store/files', async ({ request, catalog, params }) => {
    const body = jsonBody(request);
    const { collection } = await catalog.store(params.store);
    const file = await catalog.attach(catalog.ref(params.store), requiredString(body, 'file_id'), readAttributes(body));
    return storeFileObject(file, collection);
  });
  get('/:store/files/:file', async ({ catalog, params }) => {
    const ref = catalog.ref(params.store);
    return storeFileObject(await catalog.file(ref, params.file), ref.collection);
  });
  post('/:store/files/:file', async ({ request, catalog, params }) => {
    const ref = catalog.ref(params.store);
    const file = await catalog.setAttributes(ref, params.file, readAttributes(jsonBody(request)));
    return storeFileObject(file, ref.collection);
  });
  remove('/:store/files/:file', async ({ catalog, params }) => {
    await catalog.detach(catalog.ref(params.store), params.file);
    return deleted(params.file, 'vector_store.file.deleted');
  });
  get('/:store/files/:file/content', async ({ catalog, params }) => {
    const file = await catalog.file(catalog.ref(params.store), params.file);
    return {
      object: 'vector_store.file_content.page',
      file_id: file.id,
      filename: file.name,
      attributes: file.attributes,
      data: [{ type: 'text', text: await catalog.textOf(file) }],
      has_more: false,
      next_page: null,
    };
  });
}

/** A batch is done when it is answered; its record is kept for those who ask again. */
interface Batch {
  readonly tenant: string;
  readonly object: JsonObject;
  readonly files: readonly JsonObject[];
}

const BATCHES_MAX = 1_000;

function batchRoutes(get: Route, post: Route, { clock, random }: VectorStoreDeps): void {
  const batches = new LRUCache<string, Batch>(atMost(BATCHES_MAX));
  const batchOf = ({ context, params }: Call): Batch => {
    const batch = batches.get(params.batch);
    const isTheirs = batch?.tenant === context.principal.tenant && batch.object.vector_store_id === params.store;
    if (batch && isTheirs) return batch;
    throw new GatewayError('not_found', `No file batch with id '${params.batch.slice(0, 100)}' is remembered.`);
  };
  post('/:store/file_batches', async ({ request, context, catalog, params }) => {
    const entries = readBatch(jsonBody(request));
    const { collection } = await catalog.store(params.store);
    const files: StoredFile[] = [];
    for (const { id, attributes } of entries) {
      const file = await catalog.attach(catalog.ref(params.store), id, attributes).catch(unlessUnknown);
      if (file) files.push(file);
    }
    const object = {
      id: `vsfb_${random.uuid().replaceAll('-', '')}`,
      object: 'vector_store.files_batch',
      created_at: Math.floor(clock.now() / 1_000),
      vector_store_id: params.store,
      status: 'completed',
      file_counts: counts(files.length, entries.length - files.length),
    };
    const { tenant } = context.principal;
    batches.set(object.id, { tenant, object, files: files.map((file) => storeFileObject(file, collection)) });
    return object;
  });
  get('/:store/file_batches/:batch', async (call) => batchOf(call).object);
  post('/:store/file_batches/:batch/cancel', async (call) => batchOf(call).object);
  get('/:store/file_batches/:batch/files', async (call) => {
    const { after, limit } = readPage(call.request.query as Record<string, unknown>);
    const { files } = batchOf(call);
    const start = after === undefined ? 0 : files.findIndex(({ id }) => id === after) + 1;
    return listObject(files.slice(start, start + limit), start + limit < files.length);
  });
}

/** One missing file does not fail the others; it is counted. */
function unlessUnknown(error: unknown): undefined {
  if (error instanceof GatewayError && error.code === 'not_found') return undefined;
  throw error;
}

function readBatch(body: JsonObject): readonly { readonly id: string; readonly attributes: JsonObject }[] {
  const files = optionalArray(body, 'files');
  if (!files) {
    const attributes = readAttributes(body);
    return readFileIds(body).map((id) => ({ id, attributes }));
  }
  return bounded(files, 'files').map((value) => {
    const file = asObject(value) ?? {};
    return { id: requiredString(file, 'file_id', 'files.file_id'), attributes: readAttributes(file) };
  });
}

function readFileIds(body: JsonObject): readonly string[] {
  const ids = bounded(optionalArray(body, 'file_ids') ?? [], 'file_ids');
  if (!ids.every((id) => typeof id === 'string')) throw badRequest('file_ids', "'file_ids' must be a list of texts.");
  return ids;
}

function bounded<Value>(values: readonly Value[], param: string): readonly Value[] {
  if (values.length <= FILES_AT_ONCE_MAX) return values;
  throw badRequest(param, `'${param}' may have at most ${FILES_AT_ONCE_MAX} entries.`);
}

function readAttributes(body: JsonObject): JsonObject {
  const attributes = optionalObject(body, 'attributes') ?? {};
  const isPlain = Object.values(attributes).every((value) => ['string', 'number', 'boolean'].includes(typeof value));
  if (isPlain && Object.keys(attributes).length <= ATTRIBUTES_MAX) return attributes;
  throw badRequest('attributes', `'attributes' may have ${ATTRIBUTES_MAX} keys with texts, numbers, true or false.`);
}
