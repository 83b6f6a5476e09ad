// generateContent and streamGenerateContent bodies → ChatRequest. countTokens may wrap the same body once more.

import type { ChatRequest } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import type { RouteHints } from '../dialect.ts';
import { badRequest } from '../fields.ts';
import { parseGenerationConfig } from './generation-config.ts';
import { plainModelName } from './model-name.ts';
import { parseContents, parseSystemInstruction } from './parse-contents.ts';
import { parseToolChoice, parseTools } from './tools.ts';
import { camelNames } from './wire-names.ts';

export function parseRequest(outer: JsonObject, route: RouteHints): ChatRequest {
  const wrapped = asObject(outer.generateContentRequest) ?? asObject(outer.generate_content_request);
  const original = wrapped ?? outer;
  const body = camelNames(original);
  const model = route.model ?? asString(body.model);
  if (!model) throw badRequest('model', "The model's name is missing from the path.");
  return {
    model: plainModelName(model),
    isStream: route.isStream ?? false,
    messages: [...parseSystemInstruction(body.systemInstruction), ...parseContents(body.contents)],
    ...parseToolChoice(body, parseTools(body)),
    ...parseGenerationConfig(body),
    ...(route.isArrayStream && { extensions: { gemini: { alt: 'json' } } }),
    ...untranslatableFields(body),
    original: { dialect: 'gemini', body: original },
  };
}

/** What stands for something that only Google has: the beginning of the conversation, or that of the answer. */
const REFERENCES = ['cachedContent', 'continuationToken'];

function untranslatableFields(body: JsonObject): Pick<ChatRequest, 'untranslatable'> {
  const untranslatable = REFERENCES.filter((field) => body[field] != null);
  return untranslatable.length === 0 ? {} : { untranslatable };
}
