// How a Response object ended → the closing events. Whatever did not complete is a failure, never a success.

import type { FinishReason } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';
import { openAiEventError } from '../openai-error.ts';
import { cutError } from '../upstream-failure.ts';
import { parseUsage } from './usage.ts';

export function outcomeEvents(response: JsonObject, hasToolCalls: boolean): StreamEvent[] {
  const usage = parseUsage(response.usage);
  const usageEvents: StreamEvent[] = usage ? [{ type: 'usage', usage }] : [];
  switch (response.status ?? 'completed') {
    case 'completed':
    case 'incomplete': {
      const finishReason = finishReasonOf(response, hasToolCalls);
      return [{ type: 'finish', choice: 0, finishReason }, ...usageEvents, { type: 'response-end' }];
    }
    case 'failed':
    case 'cancelled':
      // The tokens were used nevertheless.
      return [...usageEvents, { type: 'error', error: failure(response) }];
    default:
      return [{ type: 'error', error: cutError() }];
  }
}

function failure(response: JsonObject) {
  const message = `The upstream ended the answer with status '${asString(response.status)}'.`;
  return openAiEventError('openai-responses', asObject(response.error) ?? { message });
}

function finishReasonOf(response: JsonObject, hasToolCalls: boolean): FinishReason {
  if (response.status !== 'incomplete') return { unified: hasToolCalls ? 'tool-calls' : 'stop', raw: 'completed' };
  const raw = asString(asObject(response.incomplete_details)?.reason) ?? 'incomplete';
  switch (raw) {
    case 'max_output_tokens':
      return { unified: 'length', raw };
    case 'content_filter':
      return { unified: 'content-filter', raw };
    default:
      return { unified: 'other', raw };
  }
}
