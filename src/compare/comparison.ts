// What a comparison of models holds: the prompts, every answer, and how the answers were judged. The first model is
// the baseline that the others are measured against.

import type { Message, Usage } from '../model/chat.ts';
import type { ReplayableRequest } from '../model/replay.ts';

export interface Prompt {
  readonly messages: readonly Message[];
  /** Tools, sampling and whatever else the request had that it was taken from. */
  readonly settings?: Partial<Omit<ReplayableRequest, 'messages'>>;
  /** A good answer, where the one who asks knows it. */
  readonly expected?: string;
}

/** Which answer: the prompts and their repetitions count from 0. */
export interface AnswerPlace {
  readonly prompt: number;
  readonly run: number;
  readonly model: string;
}

export interface Answered extends AnswerPlace {
  readonly type: 'answered';
  readonly text: string;
  /** `account/model` that answered; undefined when the node did not say. */
  readonly target: string | undefined;
  /** Undefined when no content came. */
  readonly ttftMs: number | undefined;
  readonly totalMs: number;
  readonly usage: Usage | undefined;
  /** Dollars; undefined while unknown, which is never the same as nothing. */
  readonly cost: number | undefined;
  readonly finish: string | undefined;
}

export interface Failed extends AnswerPlace {
  readonly type: 'failed';
  readonly reason: string;
}

export type Answer = Answered | Failed;

/** 0: nothing in common, 1: the same. */
export interface Similarity {
  readonly score: number;
  readonly reason: string;
}

export interface Likeness extends AnswerPlace {
  /** Absent for the baseline itself and where it did not answer. */
  readonly toBaseline?: Similarity;
  /** Absent where nothing was expected. */
  readonly toExpected?: Similarity;
}

export type Winner = 'baseline' | 'candidate' | 'tie';

/** How a judge model saw a model's answer beside the baseline's. */
export type Verdict = AnswerPlace &
  (
    | {
        readonly type: 'judged';
        readonly winner: Winner;
        /** The judge preferred a place, not an answer: counted as a tie. */
        readonly isOrderDependent: boolean;
        /** With the baseline first, and with it second. */
        readonly reasons: readonly [string, string];
      }
    | { readonly type: 'unjudged'; readonly reason: string }
  );

export interface JudgeFacts {
  readonly model: string;
  readonly cost: Cost;
}

/** A sum of which a part may be unknown. */
export interface Cost {
  readonly known: number;
  readonly answersPriced: number;
  /** Answers whose price or tokens nobody knows. */
  readonly answersUnpriced: number;
}

export interface Comparison {
  /** ISO 8601. */
  readonly startedAt: string;
  /** The baseline first. */
  readonly models: readonly string[];
  readonly repeat: number;
  readonly prompts: readonly Prompt[];
  readonly answers: readonly Answer[];
  readonly likenesses: readonly Likeness[];
  readonly verdicts: readonly Verdict[];
  /** Absent: answers were compared by similarity alone. */
  readonly judge?: JudgeFacts;
}

export function isAt(place: AnswerPlace, { prompt, run, model }: AnswerPlace): boolean {
  return place.prompt === prompt && place.run === run && place.model === model;
}
