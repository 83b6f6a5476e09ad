// countTokens. The whole request is counted, so that instructions and tools are not forgotten.

import type { ChatRequest } from '../../model/chat.ts';
import { asNumber, type JsonObject, parseObject } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { modelPath, modelResource } from './model-name.ts';
import { renderBody } from './render-request.ts';

export function renderTokenCountRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  return {
    path: modelPath(target.model, 'countTokens'),
    body: { generateContentRequest: { model: modelResource(target.model), ...renderBody(request, target) } },
  };
}

export function parseTokenCount(text: string): number | undefined {
  return asNumber(parseObject(text)?.totalTokens);
}

export function renderTokenCount(inputTokens: number): JsonObject {
  return { totalTokens: inputTokens };
}
