// Carries out one call on the store.

import { GatewayError } from '../../errors.ts';
import type { PlacedEntry } from '../store/document-table.ts';
import type { KnowledgeStore } from '../store/knowledge-store.ts';
import type { DocumentFacts } from '../store/manifest.ts';
import type { KnowledgeCall } from './calls.ts';

interface Staging {
  readonly facts: DocumentFacts;
  readonly placed: PlacedEntry[];
}

/** Long documents that are on their way. */
export interface Stagings {
  readonly open: Map<number, Staging>;
  next: number;
}

export function answerCall(
  store: KnowledgeStore,
  stagings: Stagings,
  call: KnowledgeCall,
  checkpoint: () => void,
): unknown {
  switch (call.name) {
    case 'search':
      return store.search(...call.arguments, checkpoint);
    case 'isCurrent':
      return store.isCurrent(...call.arguments);
    case 'documents':
      return store.documents(...call.arguments);
    case 'document':
      return store.document(...call.arguments);
    case 'passages':
      return store.passages(...call.arguments);
    case 'stats':
      return store.stats(...call.arguments);
    case 'manifest':
      return store.manifest(...call.arguments);
    case 'passage':
      return store.passage(...call.arguments);
    case 'namedPassages':
      return store.namedPassages(...call.arguments);
    case 'outbox':
      return store.outbox(...call.arguments);
    case 'missingPassages':
      return store.missingPassages(...call.arguments);
    case 'missingEmbeddings':
      return store.missingEmbeddings(...call.arguments);
    case 'store':
      return store.store(...call.arguments);
    case 'begin': {
      const [facts, passageCount, length] = call.arguments;
      if (store.isUnchanged(facts, passageCount, length)) return 'unchanged';
      const staging = stagings.next;
      stagings.next += 1;
      stagings.open.set(staging, { facts, placed: [] });
      return staging;
    }
    case 'stage': {
      const [id, passages] = call.arguments;
      const { facts, placed } = stagingOf(stagings, id);
      placed.push(...store.stage(facts, passages));
      return undefined;
    }
    case 'commit': {
      const [id] = call.arguments;
      const { facts, placed } = stagingOf(stagings, id);
      stagings.open.delete(id);
      return store.commit(facts, placed);
    }
    case 'discard':
      stagings.open.delete(call.arguments[0]);
      return undefined;
    case 'removeSources': {
      const [ref, sources] = call.arguments;
      return store.transaction(() => sources.filter((source) => store.removeSource(ref, source)).length);
    }
    case 'removeSome':
      return store.removeSome(...call.arguments);
    case 'putPassages':
      return store.putPassages(...call.arguments);
    case 'link':
      return store.link(...call.arguments);
    case 'settleOutbox':
      return store.settleOutbox(...call.arguments);
    case 'stageKnown':
      return store.stageKnown(...call.arguments);
    case 'applyManifests':
      return store.applyManifests(...call.arguments);
    case 'putEmbeddings':
      return store.putEmbeddings(...call.arguments);
    case 'clearEmbeddings':
      return store.clearEmbeddings(...call.arguments);
  }
}

function stagingOf(stagings: Stagings, id: number): Staging {
  const staging = stagings.open.get(id);
  if (!staging) throw new GatewayError('internal', 'A part came of a document that nobody began.');
  return staging;
}
