// Chains inside chains. Each chain gets one flat list of targets, and beside it the tree that strategies order them by.

import type { CacheRule, CompactionRule, Override } from './cache.ts';
import type { ChainConfig, RetryConfig, TargetConfig, Timeouts } from './config.ts';
import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';
import type { ChainKnowledge } from './knowledge.ts';
import { suggestion } from './nearest.ts';
import {
  type AffinityMode,
  type ChainMember,
  type ChainRouting,
  type ChainShadow,
  DEFAULT_AFFINITY,
  DEFAULT_STRATEGY,
  type HedgeConfig,
  type PeerUse,
  type StrategyConfig,
} from './routing.ts';

export type WrittenMember =
  | { readonly type: 'target'; readonly target: TargetConfig; readonly weight: number }
  | { readonly type: 'chain'; readonly name: string; readonly weight: number; readonly path: ConfigPath };

/** A chain of the file with its targets resolved, and its references to other chains not yet. */
export interface WrittenChain {
  readonly path: ConfigPath;
  readonly targets: readonly WrittenMember[];
  readonly onContextLength: readonly WrittenMember[];
  readonly onContentFilter: readonly WrittenMember[];
  readonly strategy: StrategyConfig | undefined;
  readonly affinity: AffinityMode | undefined;
  readonly hedge: HedgeConfig | undefined;
  readonly shadow: ChainShadow | undefined;
  readonly peers: PeerUse | undefined;
  readonly timeouts: Partial<Timeouts>;
  readonly retries: Partial<RetryConfig>;
  readonly cache: Override<CacheRule> | undefined;
  readonly compaction: Override<CompactionRule> | undefined;
  readonly knowledge: ChainKnowledge | undefined;
}

/** Chains that hold each other several times over grow exponentially. */
const TARGETS_MAX = 1_000;

/** A list of members in one piece. */
interface Assembled {
  readonly targets: readonly TargetConfig[];
  readonly members: readonly ChainMember[];
}

export class ChainAssembler {
  readonly #written: ReadonlyMap<string, WrittenChain>;
  readonly #findings: Findings;
  readonly #assembled = new Map<string, Assembled>();

  constructor(written: ReadonlyMap<string, WrittenChain>, findings: Findings) {
    this.#written = written;
    this.#findings = findings;
  }

  assemble(name: string, written: WrittenChain): ChainConfig {
    const { targets, members } = this.#chain(name, written, [name]);
    const { hedge, shadow, peers, onContextLength, onContentFilter, timeouts, retries, cache, compaction, knowledge } =
      written;
    return {
      targets,
      ...(!isPlain(written) && { routing: routingOf(written, members) }),
      ...(hedge && { hedge }),
      ...(shadow && { shadow }),
      ...(peers && { peers }),
      onContextLength: this.#list(onContextLength, written.path, [name]).targets,
      onContentFilter: this.#list(onContentFilter, written.path, [name]).targets,
      timeouts,
      retries,
      ...(cache && { cache }),
      ...(compaction && { compaction }),
      ...(knowledge && { knowledge }),
    };
  }

  /** @param trail names of the chains around, outermost first, with this one at the end */
  #chain(name: string, written: WrittenChain, trail: readonly string[]): Assembled {
    const known = this.#assembled.get(name);
    if (known) return known;
    const assembled = this.#list(written.targets, written.path, trail);
    this.#assembled.set(name, assembled);
    return assembled;
  }

  #list(list: readonly WrittenMember[], path: ConfigPath, trail: readonly string[]): Assembled {
    const targets: TargetConfig[] = [];
    const members: ChainMember[] = [];
    for (const member of list) {
      if (member.type === 'target') {
        members.push({ type: 'target', index: targets.length, weight: member.weight });
        targets.push(member.target);
        continue;
      }
      const { name, weight } = member;
      const nested = this.#nested(member, members, trail);
      // Without a usable target it has been told of already, as every chain is.
      if (!nested || nested.targets.length === 0) continue;
      members.push({ type: 'chain', name, weight, routing: shifted(nested.routing, targets.length) });
      targets.push(...nested.targets);
    }
    if (targets.length <= TARGETS_MAX) return { targets, members };
    this.#findings.problem(path, `with the chains inside it the chain has more than ${TARGETS_MAX} targets.`);
    return { targets: [], members: [] };
  }

  #nested(
    { name, path }: Extract<WrittenMember, { type: 'chain' }>,
    before: readonly ChainMember[],
    trail: readonly string[],
  ): { readonly targets: readonly TargetConfig[]; readonly routing: ChainRouting } | undefined {
    const written = this.#written.get(name);
    const problem = this.#referenceProblem(name, written, before, trail);
    if (problem !== undefined || !written) {
      this.#findings.problem([...path, 'chain'], problem ?? '');
      return undefined;
    }
    const { targets, members } = this.#chain(name, written, [...trail, name]);
    // What is said nearest to a target holds.
    const own = targets.map((target) => ({
      ...target,
      timeouts: { ...written.timeouts, ...target.timeouts },
      retries: { ...written.retries, ...target.retries },
    }));
    return { targets: own, routing: routingOf(written, members) };
  }

  #referenceProblem(
    name: string,
    written: WrittenChain | undefined,
    before: readonly ChainMember[],
    trail: readonly string[],
  ): string | undefined {
    if (!written) return `there is no chain '${name}'.${suggestion(name, this.#written.keys())}`;
    const start = trail.indexOf(name);
    if (start >= 0) {
      return `the chains refer to each other in a circle: ${[...trail.slice(start), name].join(' → ')}.`;
    }
    const isThere = before.some((member) => member.type === 'chain' && member.name === name);
    return isThere ? `the chain '${name}' is named twice here; give it more weight instead.` : undefined;
  }
}

function routingOf({ strategy, affinity }: WrittenChain, members: readonly ChainMember[]): ChainRouting {
  return { strategy: strategy ?? DEFAULT_STRATEGY, affinity: affinity ?? DEFAULT_AFFINITY, members };
}

function isPlain({ strategy, targets }: WrittenChain): boolean {
  return strategy === undefined && targets.every(isAlwaysInPlace);
}

/** A spare target has its place at the end, and a full one comes after the others: their chains need ordering. */
function isAlwaysInPlace(member: WrittenMember): boolean {
  return member.type === 'target' && member.weight > 0 && member.target.capacity === undefined;
}

function shifted(routing: ChainRouting, offset: number): ChainRouting {
  const members = routing.members.map((member) =>
    member.type === 'target'
      ? { ...member, index: member.index + offset }
      : { ...member, routing: shifted(member.routing, offset) },
  );
  return { ...routing, members };
}
