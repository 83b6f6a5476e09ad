// The operator's API to the knowledge brain, under /admin/knowledge: collections, documents, upload and search.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { checkName, readCutDocument, readSourceName } from '../knowledge/document-json.ts';
import { UnreadableFile } from '../knowledge/formats/extracted.ts';
import type { Ingest } from '../knowledge/ingest/ingest.ts';
import type { CollectionRef, DocumentInfo, Knowledge, SearchRequest } from '../knowledge/knowledge.ts';
import { asNumber, asObject, asString } from '../model/json.ts';
import { ADMIN, type Administration, queryOf, sendObject, timestamp } from './admin-routes.ts';
import { jsonBody } from './json-body.ts';
import { readAttributes, readUpload } from './upload.ts';

export interface KnowledgeRoutesDeps {
  readonly administration?: Administration | undefined;
  readonly knowledge: Knowledge;
  readonly ingest: Ingest;
  readonly config: () => Config;
}

const COLLECTION = '/admin/knowledge/:tenant/collections/:collection';
const DOCUMENT = '/admin/knowledge/:tenant/documents/:id';
const PAGE_SIZE_MAX = 1_000;
const QUERY_LENGTH_MAX = 10_000;

export function knowledgeRoutes(server: FastifyInstance, deps: KnowledgeRoutesDeps): void {
  if (!deps.administration) return;
  const { knowledge } = deps;
  server.get('/admin/knowledge', ADMIN, async (request, reply) => {
    const { tenant } = queryOf(request, ['tenant']);
    return sendObject(reply, 200, { data: await knowledge.stats(tenant) });
  });
  server.post('/admin/knowledge/:tenant/search', ADMIN, async (request, reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return sendObject(reply, 200, { data: await knowledge.search(readSearch(request, deps.config()), gone.signal) });
  });
  server.get(DOCUMENT, ADMIN, async (request, reply) =>
    sendObject(reply, 200, documentView(await documentOf(request, knowledge))),
  );
  server.get(`${DOCUMENT}/passages`, ADMIN, async (request, reply) => {
    const { tenant, id } = await documentOf(request, knowledge);
    return sendObject(reply, 200, { data: await knowledge.passages(tenant, id) });
  });
  collectionRoutes(server, deps);
}

function collectionRoutes(server: FastifyInstance, { knowledge, ingest }: KnowledgeRoutesDeps): void {
  server.get(`${COLLECTION}/documents`, ADMIN, async (request, reply) => {
    const { after, limit = '100' } = queryOf(request, ['after', 'limit']);
    const page = { limit: pageSize(limit), ...(after !== undefined && { after }) };
    const documents = await knowledge.documents(collectionOf(request), page);
    return sendObject(reply, 200, { data: documents.map(documentView) });
  });
  server.put(`${COLLECTION}/documents`, ADMIN, async (request, reply) => {
    const ref = collectionOf(request);
    const outcome = await knowledge.store({ ...ref, ...readCutDocument(jsonBody(request)) });
    return sendObject(reply, 200, { outcome });
  });
  server.post(`${COLLECTION}/current`, ADMIN, async (request, reply) => {
    const { source, contentHash } = jsonBody(request);
    const isCurrent = await knowledge.isCurrent(
      collectionOf(request),
      readSourceName(source),
      asString(contentHash) ?? '',
    );
    return sendObject(reply, 200, { isCurrent });
  });
  server.post(`${COLLECTION}/remove`, ADMIN, async (request, reply) => {
    const { sources } = jsonBody(request);
    if (!Array.isArray(sources)) throw new GatewayError('bad_request', 'sources must be a list.', { param: 'sources' });
    const removed = await knowledge.remove(collectionOf(request), { sources: sources.map(readSourceName) });
    return sendObject(reply, 200, { removed });
  });
  server.delete(COLLECTION, ADMIN, async (request, reply) =>
    sendObject(reply, 200, { removed: await knowledge.remove(collectionOf(request), 'all') }),
  );
  server.post(`${COLLECTION}/files`, ADMIN, (request, reply) => sendUpload(request, reply, ingest));
}

/** Several files of a form are taken one by one: what was told of as stored stays so when a later one cannot be read. */
async function sendUpload(request: FastifyRequest, reply: FastifyReply, ingest: Ingest): Promise<FastifyReply> {
  const ref = collectionOf(request);
  const { source } = queryOf(request, ['source']);
  const { files, fields } = await readUpload(request);
  if (source !== undefined && files.length > 1) {
    throw new GatewayError('bad_request', 'One source cannot name several files.', { param: 'source' });
  }
  const attributes = readAttributes(fields.attributes);
  const reports: object[] = [];
  for (const file of files) {
    const upload = { ...ref, ...file, source: readSourceName(source ?? file.name), ...(attributes && { attributes }) };
    reports.push(await ingest.storeUpload(upload).catch((error: unknown) => refusal(error, upload.source)));
  }
  return sendObject(reply, 200, { data: reports });
}

function refusal(error: unknown, source: string): never {
  if (!(error instanceof UnreadableFile)) throw error;
  throw new GatewayError('bad_request', `${source} ${error.message}.`, { cause: error, status: 422 });
}

function collectionOf(request: FastifyRequest): CollectionRef {
  const { tenant, collection } = request.params as CollectionRef;
  return { tenant: checkName('tenant', tenant), collection: checkName('collection', collection) };
}

async function documentOf(request: FastifyRequest, knowledge: Knowledge): Promise<DocumentInfo> {
  const { tenant, id } = request.params as { readonly tenant: string; readonly id: string };
  const found = await knowledge.document(tenant, id);
  if (found) return found;
  throw new GatewayError('not_found', `There is no document '${id.slice(0, 100)}'.`);
}

function readSearch(request: FastifyRequest, { knowledge }: Config): SearchRequest {
  const { collections = [], query, topK = knowledge.topK, attributes } = jsonBody(request);
  const { tenant } = request.params as { readonly tenant: string };
  const text = asString(query) ?? '';
  if (text.trim() === '' || text.length > QUERY_LENGTH_MAX) {
    throw new GatewayError('bad_request', `query must be text of at most ${QUERY_LENGTH_MAX} characters.`, {
      param: 'query',
    });
  }
  if (!Array.isArray(collections) || !collections.every((name) => typeof name === 'string')) {
    throw new GatewayError('bad_request', 'collections must be a list of names.', { param: 'collections' });
  }
  const count = asNumber(topK) ?? 0;
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw new GatewayError('bad_request', 'topK must be a whole number from 1 to 100.', { param: 'topK' });
  }
  const filter = asObject(attributes);
  return { tenant, collections, query: text, topK: count, ...(filter && { attributes: filter }) };
}

function pageSize(written: string): number {
  const limit = /^\d{1,4}$/.test(written) ? Number(written) : 0;
  if (limit >= 1 && limit <= PAGE_SIZE_MAX) return limit;
  throw new GatewayError('bad_request', `limit must be a whole number from 1 to ${PAGE_SIZE_MAX}.`, { param: 'limit' });
}

function documentView({ updatedAt, ...document }: DocumentInfo): object {
  return { ...document, updatedAt: timestamp(updatedAt) };
}
