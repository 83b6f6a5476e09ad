// What a request goes through on its way to an upstream of another dialect than its client's, and the answer on its way
// back. To one of the same dialect it goes as the client wrote it.

import { GatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Frame } from '../model/stream.ts';
import type { Dialect, StreamParser } from './dialect.ts';
import { withObjectAnswer } from './object-answer.ts';
import { fittedNames, type ToolNameRule, withClientNames, withFittedNames } from './tool-names.ts';

export interface Crossing {
  /** What to render for the upstream. */
  readonly request: ChatRequest;
  /** A frame of the answer as the client is to see it. */
  translated(frame: Frame): Frame;
  /** The upstream's parser, each frame translated. */
  translating(parser: StreamParser): StreamParser;
}

const NO_PICTURES =
  "Pictures cannot be asked of this model's API: ask for text only, or for a model of an upstream that speaks openai-chat or gemini.";

/** @throws GatewayError `unsupported` for what only the client's own dialect can honour */
export function cross(request: ChatRequest, { name, upstream }: Dialect): Crossing {
  const home = request.original?.dialect;
  if (home === name) return unchanged(request);
  const [param] = request.untranslatable ?? [];
  if (param !== undefined) {
    throw new GatewayError(
      'unsupported',
      `'${param}' means something only to upstreams that speak ${home ?? 'its own dialect'}: leave it out, or ask for a model of such an upstream.`,
      { param },
    );
  }
  if (request.modalities && !upstream?.hasModalities) {
    throw new GatewayError('unsupported', NO_PICTURES, { param: 'modalities' });
  }
  const named = withNames(request, upstream?.toolNames);
  const answered = upstream?.hasObjectAnswersOnly ? withObjectAnswer(named.request) : undefined;
  if (!answered) return named;
  return crossing(answered.request, (frame) => answered.translated(named.translated(frame)));
}

function withNames(request: ChatRequest, rule: ToolNameRule | undefined): Crossing {
  const names = rule && fittedNames(request, rule);
  if (!rule || !names || names.size === 0) return unchanged(request);
  return crossing(withFittedNames(request, rule), (frame) => withClientNames(frame, names));
}

function crossing(request: ChatRequest, translated: Crossing['translated']): Crossing {
  return {
    request,
    translated,
    translating: (parser) => ({
      parse: (message) => translated(parser.parse(message)),
      end: () => {
        const frame = parser.end();
        return frame && translated(frame);
      },
    }),
  };
}

function unchanged(request: ChatRequest): Crossing {
  return { request, translated: (frame) => frame, translating: (parser) => parser };
}
