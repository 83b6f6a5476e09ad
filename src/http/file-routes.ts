// OpenAI's /v1/files, as far as knowledge goes: what is uploaded is read into a document, and its text is what is kept.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest } from '../dialects/fields.ts';
import { GatewayError } from '../errors.ts';
import { knowledgeAccess } from '../gateway/knowledge-wish.ts';
import { UnreadableFile } from '../knowledge/formats/extracted.ts';
import { exchange, sendJson } from './exchange.ts';
import { demandKnowledge } from './knowledge-guard.ts';
import { readUpload } from './upload.ts';
import { FILES_COLLECTION, VectorStoreCatalog } from './vector-store-catalog.ts';
import { deleted, fileObject, listObject, readPage } from './vector-store-objects.ts';
import type { VectorStoreDeps } from './vector-store-routes.ts';

interface Call {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly catalog: VectorStoreCatalog;
  readonly mayList: boolean;
  readonly id: string;
}

const OPENAI = { config: { dialect: 'openai-chat' } } as const;
/** The others are for models that a provider runs (batches, fine-tuning). */
const PURPOSES = ['assistants', 'user_data'];

export function fileRoutes(server: FastifyInstance, deps: VectorStoreDeps): void {
  const handler = (work: (call: Call) => Promise<void>) => (request: FastifyRequest, reply: FastifyReply) =>
    exchange(request, reply, 'files', deps, async ({ principal }) => {
      demandKnowledge(principal);
      const access = knowledgeAccess(principal);
      const catalog = new VectorStoreCatalog({ ...deps, access });
      const { id = '' } = request.params as { id?: string };
      await work({ request, reply, catalog, id, mayList: access.mayUse(FILES_COLLECTION) });
    });
  const send = ({ reply, request }: Call, body: object): void =>
    sendJson(reply, 200, JSON.stringify(body), { 'x-request-id': request.id });

  server.post(
    '/v1/files',
    OPENAI,
    handler(async (call) => send(call, fileObject(await upload(call, deps)))),
  );
  server.get(
    '/v1/files',
    OPENAI,
    handler(async (call) => send(call, await list(call))),
  );
  server.get(
    '/v1/files/:id',
    OPENAI,
    handler(async (call) => send(call, fileObject(await call.catalog.file(call.catalog.uploads(), call.id)))),
  );
  server.delete(
    '/v1/files/:id',
    OPENAI,
    handler(async (call) => {
      await call.catalog.detach(call.catalog.uploads(), call.id);
      send(call, deleted(call.id, 'file'));
    }),
  );
  server.get('/v1/files/:id/content', OPENAI, handler(sendText));
}

async function upload({ request, catalog }: Call, { ingest }: VectorStoreDeps) {
  const { files, fields } = await readUpload(request);
  const [file, ...others] = files;
  if (!file || others.length > 0) throw badRequest('file', 'Send one file a request.');
  const { purpose = 'assistants' } = fields;
  if (!PURPOSES.includes(purpose)) {
    throw badRequest('purpose', `Files are kept as knowledge only: 'purpose' must be one of ${PURPOSES.join(', ')}.`);
  }
  const { id, attributes } = catalog.newUpload(file.name, file.bytes.length, purpose);
  try {
    await ingest.storeUpload({ ...catalog.uploads(), ...file, source: id, attributes });
  } catch (error) {
    if (error instanceof UnreadableFile) throw badRequest('file', error.message);
    throw error;
  }
  return catalog.file(catalog.uploads(), id);
}

/** A key with collections of its own knows the ids of its own files; those of others it need not learn. */
async function list({ request, catalog, mayList }: Call) {
  if (!mayList) throw new GatewayError('forbidden', `This key may not use the collection '${FILES_COLLECTION}'.`);
  const query = request.query as Record<string, unknown>;
  const page = readPage(query);
  const files = await catalog.filesOf(catalog.uploads(), { ...page, limit: page.limit + 1 });
  const shown = files
    .slice(0, page.limit)
    .filter(({ purpose }) => query.purpose === undefined || purpose === query.purpose);
  return listObject(shown.map(fileObject), files.length > page.limit);
}

/** The bytes as they were sent are not kept. */
async function sendText({ request, reply, catalog, id }: Call): Promise<void> {
  const text = await catalog.textOf(await catalog.file(catalog.uploads(), id));
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'x-request-id': request.id,
  });
  reply.raw.end(text);
}
