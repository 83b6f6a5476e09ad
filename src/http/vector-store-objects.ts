// The wire objects of OpenAI's vector stores and files.

import { badRequest } from '../dialects/fields.ts';
import type { JsonObject } from '../model/json.ts';
import type { Page, StoredFile, VectorStore } from './vector-store-catalog.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

export function storeId(collection: string): string {
  return `vs_${collection}`;
}

export function storeObject({ collection, name, metadata, createdAt, fileCount, length }: VectorStore): JsonObject {
  return {
    id: storeId(collection),
    object: 'vector_store',
    created_at: createdAt,
    name,
    usage_bytes: length,
    file_counts: counts(fileCount),
    status: 'completed',
    expires_after: null,
    expires_at: null,
    last_active_at: createdAt,
    metadata,
  };
}

export function counts(completed: number, failed = 0): JsonObject {
  return { in_progress: 0, completed, failed, cancelled: 0, total: completed + failed };
}

export function storeFileObject({ id, size, createdAt, attributes }: StoredFile, collection: string): JsonObject {
  return {
    id,
    object: 'vector_store.file',
    usage_bytes: size,
    created_at: createdAt,
    vector_store_id: storeId(collection),
    status: 'completed',
    last_error: null,
    // Documents are cut by their structure, whatever a client asks for.
    chunking_strategy: { type: 'other' },
    attributes,
  };
}

export function fileObject({ id, name, size, purpose, createdAt }: StoredFile): JsonObject {
  return {
    id,
    object: 'file',
    bytes: size,
    created_at: createdAt,
    filename: name,
    purpose,
    status: 'processed',
  };
}

export function deleted(id: string, object: string): JsonObject {
  return { id, object, deleted: true };
}

export function listObject(data: readonly JsonObject[], hasMore: boolean): JsonObject {
  return {
    object: 'list',
    data: [...data],
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** Going back is not offered: OpenAI's SDKs only ever go on. */
export function readPage(query: Readonly<Record<string, unknown>>): Page {
  const limit = query.limit === undefined ? LIMIT_DEFAULT : Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw badRequest('limit', `'limit' must be from 1 to ${LIMIT_MAX}.`);
  }
  if (query.before !== undefined) throw badRequest('before', "'before' is not supported here: go on with 'after'.");
  return { limit, after: typeof query.after === 'string' ? query.after : undefined };
}
