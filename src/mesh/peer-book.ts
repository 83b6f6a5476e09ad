// What is known of each peer besides its health: its models, how far away it is, how its wall clock differs.

import type { PeerId } from '../ports.ts';
import { type Heartbeat, modelHash, modelsDigest } from './heartbeat.ts';
import type { ModelStatus } from './local-status.ts';

interface Entry {
  models: readonly ModelStatus[];
  modelsDigest: string;
  /** Name by hash, to join the heartbeat's measures with. */
  nameOf: ReadonlyMap<string, string>;
  rttMs: number | undefined;
  /** The shortest over this connection: how far away it is, whatever it had to do at other times. */
  leastRttMs: number | undefined;
  /** How often it was measured over this connection. */
  rttCount: number;
  /** Probes without an answer since it was last held for alive. */
  missedProbes: number;
  clockOffsetMs: number | undefined;
  pingedAt: number;
  modelsAskedAt: number;
  membersAskedAt: number;
}

const RTT_SMOOTHING = 0.3;

export class PeerBook {
  readonly #entries = new Map<PeerId, Entry>();

  entry(peer: PeerId): Entry {
    let entry = this.#entries.get(peer);
    if (!entry) {
      entry = {
        models: [],
        modelsDigest: '',
        nameOf: new Map(),
        rttMs: undefined,
        leastRttMs: undefined,
        rttCount: 0,
        missedProbes: 0,
        clockOffsetMs: undefined,
        pingedAt: Number.NEGATIVE_INFINITY,
        modelsAskedAt: Number.NEGATIVE_INFINITY,
        membersAskedAt: Number.NEGATIVE_INFINITY,
      };
      this.#entries.set(peer, entry);
    }
    return entry;
  }

  forget(peer: PeerId): void {
    this.#entries.delete(peer);
  }

  setModels(peer: PeerId, models: readonly ModelStatus[]): void {
    const entry = this.entry(peer);
    entry.models = models;
    entry.modelsDigest = modelsDigest(models);
    entry.nameOf = new Map(models.map(({ model }) => [modelHash(model), model]));
  }

  /** @param wallMs of the peer, in the middle of the round trip */
  measured(peer: PeerId, roundTripMs: number, wallMs: number, ownWallMs: number): void {
    const entry = this.entry(peer);
    entry.rttMs = entry.rttMs === undefined ? roundTripMs : entry.rttMs + (roundTripMs - entry.rttMs) * RTT_SMOOTHING;
    entry.rttCount += 1;
    entry.leastRttMs = Math.min(entry.leastRttMs ?? roundTripMs, roundTripMs);
    entry.clockOffsetMs = Math.round(wallMs + roundTripMs / 2 - ownWallMs);
  }

  /** It was met anew: the way there may be another one than it was. */
  met(peer: PeerId): void {
    const entry = this.entry(peer);
    entry.leastRttMs = undefined;
    entry.rttCount = 0;
  }

  /** The models of a peer with the measures of its latest heartbeat. */
  modelsOf(peer: PeerId, heartbeat: Heartbeat | undefined): readonly ModelStatus[] {
    const entry = this.#entries.get(peer);
    if (!entry) return [];
    const measures = new Map(
      (heartbeat?.measures ?? []).map(({ modelHash, ...measure }) => [entry.nameOf.get(modelHash), measure]),
    );
    return entry.models.map((model) => ({ ...model, ...measures.get(model.model) }));
  }
}
