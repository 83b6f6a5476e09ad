// Two targets for one request: when the first lets its first content wait for too long, another one is asked as well. The
// first content wins, and the other attempt is cancelled in the same turn of the event loop.

import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import type { Answered, ChainWalk, TargetFailure } from './chain.ts';
import { policyOf } from './failure-policy.ts';
import type { Target } from './target.ts';
import type { RequestTrace } from './trace.ts';

/** Why an attempt is cancelled whose answer nobody needs any more. */
export const OUTPACED = new GatewayError('client_closed', 'Another target answered first.');

/** When a second target is asked, and who pays for it. One for each request. */
export interface Hedging<Answer> {
  /** How long the first content of this target is waited for. */
  delayMs(target: Target): number;
  /** Chooses the second target of those that would come next; undefined: nobody else is to be asked now. */
  open(first: Target, waitedMs: number, rest: readonly Target[]): Promise<OpenHedge | undefined>;
  /** Gives up an answer that came too late. */
  discard(answer: Answer): void;
}

export interface OpenHedge {
  readonly target: Target;
  /** Call once with the attempt that was not needed in the end. */
  settle(loser: Loser): void;
}

/** The attempt whose content was not used. */
export interface Loser {
  readonly target: Target;
  /** Its request was under way: the upstream has read the prompt, or will. */
  readonly isSent: boolean;
  readonly isOwnKey: boolean;
  readonly attempts: number;
  readonly durationMs: number;
  /** It had failed by itself. */
  readonly error: ErrorCode | undefined;
}

type Outcome<Answer> = Answered<Answer> | TargetFailure;

/** Tries one target until it answers or is given up. */
export type TryTarget<Answer> = (target: Target, walk: ChainWalk) => Promise<Outcome<Answer>>;

/**
 * Tries the target, and a second one out of `rest` when it is late; that one is taken out of `rest`.
 * @returns the answer, or how each of them failed
 */
export async function tryHedged<Answer>(
  target: Target,
  rest: Target[],
  tryTarget: TryTarget<Answer>,
  walk: ChainWalk,
  hedging: Hedging<Answer>,
): Promise<Answered<Answer> | readonly TargetFailure[]> {
  const { clock, trace } = walk;
  const startedAt = clock.elapsed();
  const first = new Lane(target, tryTarget, walk);
  const lanes = [first];
  let winner: Lane<Answer> | undefined;
  try {
    const hedge = await openWhenLate(first, rest, clock, hedging);
    if (!hedge) return asResult(await first.outcome);
    const afterMs = first.ageMs;
    rest.splice(rest.indexOf(hedge.target), 1);
    const second = new Lane(hedge.target, tryTarget, walk);
    lanes.push(second);
    try {
      winner = await firstAnswer(first, second);
    } finally {
      const loss = (winner === second ? first : second).loss();
      hedge.settle(loss);
      if (loss.isSent) trace.enteredApartCount += 1;
      const outcome = winner === second ? 'won' : winner === first && second.isRunning ? 'lost' : 'failed';
      trace.hedge = { target: second.target.id, afterMs, outcome };
      for (const lane of lanes) if (lane !== winner) lane.cancel(hedging);
    }
    if (winner) return asResult(await winner.outcome);
    return lanes.flatMap(({ failure }) => failure ?? []);
  } finally {
    // Without a winner the second one has an entry of its own: the request's own is the first's, unless both have failed.
    const last = lanes.every(({ failure }) => failure) ? lanes.at(-1) : undefined;
    merge(lanes, winner ?? last ?? first, trace);
    trace.waitedMs += clock.elapsed() - startedAt;
  }
}

/** One target of the race, with a record and a signal of its own. */
class Lane<Answer> {
  readonly target: Target;
  readonly trace: RequestTrace;
  readonly outcome: Promise<Outcome<Answer>>;
  failure: TargetFailure | undefined;
  isRunning = true;
  readonly #scope: AbortScope;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor(target: Target, tryTarget: TryTarget<Answer>, walk: ChainWalk) {
    this.target = target;
    this.trace = { ...walk.trace, failures: [], attemptCount: 0, waitedMs: 0 };
    this.#scope = new AbortScope(walk.clock, walk.signal);
    this.#clock = walk.clock;
    this.#startedAt = walk.clock.elapsed();
    this.outcome = this.#run(tryTarget, walk);
    // Whoever is cancelled rejects when nobody listens any more.
    this.outcome.catch(() => undefined);
  }

  get ageMs(): number {
    return this.#clock.elapsed() - this.#startedAt;
  }

  /** Call before it is cancelled. */
  loss(): Loser {
    const { attemptCount, failures, isOwnKey = false } = this.trace;
    return {
      target: this.target,
      isSent: attemptCount > failures.length,
      isOwnKey,
      attempts: attemptCount,
      durationMs: this.ageMs,
      error: this.failure?.failure.code,
    };
  }

  cancel({ discard }: Hedging<Answer>): void {
    this.#scope.abort(OUTPACED);
    this.#scope.end();
    void this.outcome.then(
      (outcome) => {
        if (!('answer' in outcome)) return;
        outcome.release('unknown');
        discard(outcome.answer);
      },
      () => undefined,
    );
  }

  async #run(tryTarget: TryTarget<Answer>, walk: ChainWalk): Promise<Outcome<Answer>> {
    try {
      const outcome = await tryTarget(this.target, { ...walk, signal: this.#scope.signal, trace: this.trace });
      if (!('answer' in outcome)) {
        this.failure = outcome;
        this.#scope.end();
        return outcome;
      }
      return {
        ...outcome,
        release: (ending) => {
          this.#scope.end();
          outcome.release(ending);
        },
      };
    } finally {
      this.isRunning = false;
    }
  }
}

/** Resolves when the second target is to be asked, or when nobody needs it: then with undefined. */
async function openWhenLate<Answer>(
  first: Lane<Answer>,
  rest: readonly Target[],
  clock: Clock,
  hedging: Hedging<Answer>,
): Promise<OpenHedge | undefined> {
  const ended = first.outcome.then(
    () => 'ended' as const,
    () => 'ended' as const,
  );
  const late = Promise.withResolvers<'late'>();
  const timer = clock.after(hedging.delayMs(first.target), () => late.resolve('late'));
  const which = await Promise.race([ended, late.promise]);
  timer.cancel();
  if (which === 'ended') return undefined;
  const opening = hedging.open(first.target, first.ageMs, rest);
  const hedge = await Promise.race([ended, opening]);
  if (hedge !== 'ended') return hedge;
  // The first came after all while the second one's entry was written.
  void opening.then((unused) => unused?.settle(unusedLane(unused.target)));
  return undefined;
}

function unusedLane(target: Target): Loser {
  return { target, isSent: false, isOwnKey: false, attempts: 0, durationMs: 0, error: undefined };
}

/** Resolves with whoever answers first; with nobody when both failed, or the first did for a reason that is final. */
function firstAnswer<Answer>(first: Lane<Answer>, second: Lane<Answer>): Promise<Lane<Answer> | undefined> {
  return new Promise((resolve, reject) => {
    for (const lane of [first, second]) {
      lane.outcome.then((outcome) => {
        if ('answer' in outcome) resolve(lane);
        else if (first.failure && (second.failure || isFinal(first.failure))) resolve(undefined);
      }, reject);
    }
  });
}

function isFinal({ failure }: TargetFailure): boolean {
  return policyOf(failure.code).proceed === 'final';
}

/** What came of one target, as what came of several. */
export function asResult<Answer>(outcome: Outcome<Answer>): Answered<Answer> | readonly TargetFailure[] {
  return 'answer' in outcome ? outcome : [outcome];
}

/** The request's record has all attempts, and of the one that counts where it went. */
function merge(lanes: readonly Lane<unknown>[], { trace: shown }: Lane<unknown>, trace: RequestTrace): void {
  for (const lane of lanes) {
    trace.attemptCount += lane.trace.attemptCount;
    trace.failures.push(...lane.trace.failures);
  }
  for (const name of SHOWN) Object.assign(trace, shown[name] !== undefined && { [name]: shown[name] });
}

const SHOWN = ['target', 'provider', 'accountName', 'targetModel', 'isOwnKey', 'isForwarded'] as const;
