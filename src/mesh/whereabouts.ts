// Where members are that this node does not reach, and, in a mesh too large for everyone to know everyone, who serves a
// model that nobody near serves: asked of the distributed hash table. What it says are hints; connecting proves them.

import type { Clock, Logger, PeerId, Transport } from '../ports.ts';
import { type DialPlan, FULL_MESH_MAX } from './dial-plan.ts';
import { reasonOf, withTimeout } from './wire.ts';

export interface WhereaboutsDeps {
  readonly transport: Pick<Transport, 'findPeer' | 'provide' | 'findProviders'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly plan: Pick<DialPlan, 'hint' | 'addressesOf' | 'unreached'>;
  /** All others, by their certificates. */
  readonly members: () => readonly PeerId[];
  readonly isConnected: (peer: PeerId) => boolean;
  readonly ownModels: () => readonly string[];
  /** Dials and says hello; rejects when that fails. */
  readonly connect: (peer: PeerId) => Promise<void>;
}

/** A member that is away is looked for again after twice as long each time. */
const SEEK_FIRST_MS = 10_000;
const SEEK_MAX_MS = 600_000;
/** Others keep what they were told in memory only. */
const TELL_PERIOD_MS = 600_000;
const TOLD_MODELS_MAX = 64;
const QUERY_MS = 10_000;
/** What a request may wait for somebody to be found who serves its model. */
const SEARCH_MS = 1_500;
const SEARCH_PERIOD_MS = 10_000;
const SEARCHES_MAX = 1_000;
/** Of those who say that they serve it, so many are met. */
const PROVIDERS_MET = 3;

export class Whereabouts {
  readonly #deps: WhereaboutsDeps;
  readonly #sought = new Map<PeerId, { readonly at: number; readonly waitMs: number }>();
  /** When each model was last looked for, the longest ago first. */
  readonly #searchedAt = new Map<string, number>();
  #told = '';
  #toldAt = Number.NEGATIVE_INFINITY;
  #isBusy = false;

  constructor(deps: WhereaboutsDeps) {
    this.#deps = deps;
  }

  /** Once a second; one thing at a time. */
  look(): void {
    if (this.#isBusy) return;
    const work = this.#tellModels() ?? this.#seek();
    if (!work) return;
    this.#isBusy = true;
    work
      .catch((error: unknown) => this.#deps.logger.debug({ reason: reasonOf(error) }, 'the directory was of no help'))
      .finally(() => {
        this.#isBusy = false;
      });
  }

  /**
   * Meets members that serve this model and are not connected. Never rejects.
   * @returns undefined when there is nothing to wait for
   */
  find(model: string): Promise<void> | undefined {
    const { transport, clock, ownModels, logger } = this.#deps;
    const now = clock.elapsed();
    const searchedAt = this.#searchedAt.get(model) ?? Number.NEGATIVE_INFINITY;
    if (!transport.findProviders || !this.#isLarge() || now - searchedAt < SEARCH_PERIOD_MS) return undefined;
    this.#searchedAt.delete(model);
    this.#searchedAt.set(model, now);
    const [oldest] = this.#searchedAt.keys();
    if (this.#searchedAt.size > SEARCHES_MAX && oldest !== undefined) this.#searchedAt.delete(oldest);
    const search = withTimeout(clock, SEARCH_MS, (signal) => this.#meetProviders(model, signal)).catch(
      (error: unknown) => logger.debug({ model, reason: reasonOf(error) }, 'nobody was found who serves a model'),
    );
    return ownModels().includes(model) ? undefined : search;
  }

  #isLarge(): boolean {
    return this.#deps.members().length >= FULL_MESH_MAX;
  }

  #tellModels(): Promise<void> | undefined {
    const { transport, clock, ownModels } = this.#deps;
    if (!transport.provide || !this.#isLarge()) return undefined;
    const models = ownModels().slice(0, TOLD_MODELS_MAX);
    const told = models.join('\n');
    const now = clock.elapsed();
    if (told === this.#told && now - this.#toldAt < TELL_PERIOD_MS) return undefined;
    this.#told = told;
    this.#toldAt = now;
    return this.#tell(models);
  }

  async #tell(models: readonly string[]): Promise<void> {
    const { transport, clock } = this.#deps;
    for (const model of models) {
      await withTimeout(clock, QUERY_MS, async (signal) => transport.provide?.(keyOf(model), signal));
    }
  }

  /** The member that has waited longest to be looked for. */
  #seek(): Promise<void> | undefined {
    const { transport, clock, plan, isConnected } = this.#deps;
    if (!transport.findPeer) return undefined;
    const now = clock.elapsed();
    const away = plan.unreached().filter((peer) => !isConnected(peer));
    for (const peer of [...this.#sought.keys()]) if (!away.includes(peer)) this.#sought.delete(peer);
    const due = away.find((peer) => now >= (this.#sought.get(peer)?.at ?? 0) + (this.#sought.get(peer)?.waitMs ?? 0));
    if (due === undefined) return undefined;
    const waitMs = Math.min(SEEK_MAX_MS, (this.#sought.get(due)?.waitMs ?? SEEK_FIRST_MS / 2) * 2);
    this.#sought.set(due, { at: now, waitMs });
    return withTimeout(clock, QUERY_MS, (signal) => this.#ask(due, signal));
  }

  async #ask(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { transport, plan, clock } = this.#deps;
    const addresses = (await transport.findPeer?.(peer, signal)) ?? [];
    if (addresses.length > 0) plan.hint(peer, addresses, true, clock.elapsed());
  }

  async #meetProviders(model: string, signal: AbortSignal): Promise<void> {
    const { transport, members, isConnected, plan, connect } = this.#deps;
    const known = new Set(members());
    const providers = (await transport.findProviders?.(keyOf(model), signal)) ?? [];
    const strange = providers.filter((peer) => known.has(peer) && !isConnected(peer)).slice(0, PROVIDERS_MET);
    await Promise.any(
      strange.map(async (peer) => {
        if (plan.addressesOf(peer).length === 0) await this.#ask(peer, signal);
        await connect(peer);
      }),
    );
  }
}

function keyOf(model: string): string {
  return `model/${model}`;
}
