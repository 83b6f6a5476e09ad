// The models this node serves with targets of its own, as it tells them to others: the names its clients may use, and how
// the first target behind each is doing.

import type { ModelDirectory } from '../../gateway/model-directory.ts';
import type { PipelineDeps } from '../../gateway/pipeline.ts';
import type { Target } from '../../gateway/target.ts';
import type { Clock } from '../../ports.ts';
import type { ModelStatus } from '../local-status.ts';

export type OwnModelsDeps = Pick<PipelineDeps, 'router' | 'routing' | 'health' | 'facts'> & {
  readonly clock: Clock;
  readonly directory: ModelDirectory;
};

/** Lists of models change with the configuration and when servers are asked; nobody needs to know sooner. */
const LISTED_MS = 1_000;

/** Returns what reads them now; the names are listed once a second at most. */
export function ownModels(deps: OwnModelsDeps): () => readonly ModelStatus[] {
  const { clock } = deps;
  let listedAt = Number.NEGATIVE_INFINITY;
  let served: readonly { readonly model: string; readonly targets: readonly Target[] }[] = [];
  return () => {
    const now = clock.elapsed();
    if (now - listedAt >= LISTED_MS) {
      served = listServed(deps);
      listedAt = now;
    }
    return served.map(({ model, targets }) => ({ model, ...measured(targets, now, deps) }));
  };
}

/** The answerer that every node has built in is no reason to ask another one. */
function listServed({ directory, router }: OwnModelsDeps) {
  return directory.own().flatMap(({ id }) => {
    const targets = router()
      .route(id)
      .targets.filter(({ account }) => !account.isBuiltin);
    return targets.length === 0 ? [] : [{ model: id, targets }];
  });
}

function measured(
  targets: readonly Target[],
  now: number,
  { routing, health, facts }: OwnModelsDeps,
): Omit<ModelStatus, 'model'> {
  const [first] = targets;
  if (!first) return {};
  const { ttft, errorRate } = routing.read(first.id, true, now);
  const isOpen = targets.every((target) => health.waitFor(target).waitMs > 0);
  const contextLength = facts(first.account.provider, first.model, first.account.name)?.contextLength;
  return {
    ...(contextLength !== undefined && { contextLength }),
    ...(ttft && { ttftMs: ttft.ttftMs }),
    ...(errorRate > 0 && { errorRate }),
    ...(isOpen && { breaker: 'open' as const }),
  };
}
