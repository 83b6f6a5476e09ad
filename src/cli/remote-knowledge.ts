// The knowledge brain of a running node, through its admin API.

import { UnreadableFile } from '../knowledge/formats/extracted.ts';
import type {
  CollectionRef,
  CollectionStats,
  DocumentInfo,
  DocumentInput,
  Knowledge,
  Passage,
  SearchHit,
  SearchRequest,
  StoreOutcome,
} from '../knowledge/knowledge.ts';
import { asArray, asNumber, type JsonObject } from '../model/json.ts';
import { type AdminClient, AdminRefusal } from './admin-client.ts';

/** The node said it, and it is the same program: what it sends has the shape of the interface. */
type Wire = unknown;

export class RemoteKnowledge implements Knowledge {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  async store({ tenant, collection, ...document }: DocumentInput): Promise<StoreOutcome> {
    const path = `${pathOf({ tenant, collection })}/documents`;
    const { outcome } = await this.#client.request('PUT', path, document).catch((error: unknown) => {
      if (!(error instanceof AdminRefusal) || error.status !== 413) throw error;
      throw new UnreadableFile('has more text than the node takes at once (server.bodyBytesMax)', { cause: error });
    });
    return outcome as Wire as StoreOutcome;
  }

  async isCurrent(ref: CollectionRef, source: string, contentHash: string): Promise<boolean> {
    const { isCurrent } = await this.#client.request('POST', `${pathOf(ref)}/current`, { source, contentHash });
    return isCurrent === true;
  }

  async remove(ref: CollectionRef, selection: { readonly sources: readonly string[] } | 'all'): Promise<number> {
    const { removed } =
      selection === 'all'
        ? await this.#client.request('DELETE', pathOf(ref))
        : await this.#client.request('POST', `${pathOf(ref)}/remove`, { sources: selection.sources });
    return asNumber(removed) ?? 0;
  }

  async search({ tenant, ...request }: SearchRequest, signal?: AbortSignal): Promise<readonly SearchHit[]> {
    const path = `/admin/knowledge/${encodeURIComponent(tenant)}/search`;
    return listOf(await this.#client.request('POST', path, request, signal)) as readonly SearchHit[];
  }

  async documents(
    ref: CollectionRef,
    { after, limit }: { readonly after?: string; readonly limit: number },
  ): Promise<readonly DocumentInfo[]> {
    const from = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
    const documents = listOf(await this.#client.request('GET', `${pathOf(ref)}/documents?limit=${limit}${from}`));
    return (documents as readonly WrittenDocument[]).map(fromWire);
  }

  async document(tenant: string, id: string): Promise<DocumentInfo | undefined> {
    try {
      return fromWire((await this.#client.request('GET', documentPath(tenant, id))) as Wire as WrittenDocument);
    } catch (error) {
      if (error instanceof AdminRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  async passages(tenant: string, documentId: string): Promise<readonly Passage[]> {
    const found = await this.#client.request('GET', `${documentPath(tenant, documentId)}/passages`);
    return listOf(found) as readonly Passage[];
  }

  async stats(tenant?: string): Promise<readonly CollectionStats[]> {
    const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
    return listOf(await this.#client.request('GET', `/admin/knowledge${query}`)) as readonly CollectionStats[];
  }

  async close(): Promise<void> {
    // Its connections belong to the surroundings.
  }
}

/** Moments are text on the wire. */
type WrittenDocument = Omit<DocumentInfo, 'updatedAt'> & { readonly updatedAt: string };

function fromWire({ updatedAt, ...document }: WrittenDocument): DocumentInfo {
  return { ...document, updatedAt: Date.parse(updatedAt) };
}

function listOf(answer: JsonObject): Wire {
  return asArray(answer.data);
}

function pathOf({ tenant, collection }: CollectionRef): string {
  return `/admin/knowledge/${encodeURIComponent(tenant)}/collections/${encodeURIComponent(collection)}`;
}

function documentPath(tenant: string, id: string): string {
  return `/admin/knowledge/${encodeURIComponent(tenant)}/documents/${encodeURIComponent(id)}`;
}
