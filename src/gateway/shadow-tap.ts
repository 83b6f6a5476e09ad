// Decides for a request whether it gets a shadow, and listens to its answer for that.

import type { ChatRequest } from '../model/chat.ts';
import type { Frame } from '../model/stream.ts';
import { costOf } from '../tenancy/price.ts';
import { AnswerText } from './answer-text.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import { shadowAnswer } from './shadow.ts';
import type { Chain } from './target.ts';

export interface ShadowTap {
  add(batch: readonly Frame[]): void;
  /** The answer has ended well. */
  end(): void;
}

export function shadowTap(
  request: ChatRequest,
  { name, shadow }: Chain,
  { trace, principal, ownKeys, isShadow }: RequestContext,
  deps: PipelineDeps,
): ShadowTap | undefined {
  const { shadows, random, clock, facts } = deps;
  // A client's own key pays for its own requests only. What an upstream runs by itself may do something: not twice.
  if (!shadows || !shadow || isShadow || ownKeys.size > 0 || request.tools.some(({ isHosted }) => isHosted)) {
    return undefined;
  }
  if (random.next() >= shadow.share) return undefined;
  const text = new AnswerText();
  return {
    add: (batch) => text.add(batch),
    end: () => {
      const { account, usage, provider, targetModel = '', accountName = '', startedAt } = trace;
      if (!account || text.isTooLong) return;
      const price = provider === undefined ? undefined : facts(provider, targetModel, accountName)?.price;
      const ended = { ...trace, durationMs: clock.elapsed() - startedAt };
      shadows.offer({
        request,
        chain: name,
        to: shadow.to,
        entryId: trace.requestId,
        principal,
        served: shadowAnswer(ended, text.text, usage && costOf(usage, price)),
      });
    },
  };
}
