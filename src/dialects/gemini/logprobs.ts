// Log probabilities, both ways: Gemini keeps the chosen tokens and the alternatives in two parallel lists.

import type { TokenLogprob } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';

export function parseLogprobs(result: JsonObject): TokenLogprob[] {
  const alternatives = asArray(result.topCandidates);
  return asArray(result.chosenCandidates).flatMap((chosen, position) =>
    tokenOf(chosen).map((token) => {
      const top = asArray(asObject(alternatives[position])?.candidates).flatMap(tokenOf);
      return top.length > 0 ? { ...token, topLogprobs: top } : token;
    }),
  );
}

function tokenOf(value: JsonValue | undefined): { token: string; logprob: number }[] {
  const token = asString(asObject(value)?.token);
  const logprob = asNumber(asObject(value)?.logProbability);
  return token === undefined || logprob === undefined ? [] : [{ token, logprob }];
}

export function renderLogprobs(logprobs: readonly TokenLogprob[]): JsonObject {
  const entry = (token: { token: string; logprob: number }) => ({ token: token.token, logProbability: token.logprob });
  return {
    chosenCandidates: logprobs.map(entry),
    ...(logprobs.some((token) => token.topLogprobs) && {
      topCandidates: logprobs.map((token) => ({ candidates: (token.topLogprobs ?? []).map(entry) })),
    }),
  };
}
