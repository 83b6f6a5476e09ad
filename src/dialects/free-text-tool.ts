// OpenAI's `custom` tools, whose input is free text (a patch, a query), perhaps of a given grammar. Other wires know JSON
// arguments only: there such a tool is a function with one string, `input`.

import { asObject, asString, type JsonObject, type JsonValue, parseObject } from '../model/json.ts';

/** Characters of a grammar that are shown to the model: real ones have a few hundred, and every request repeats them. */
const GRAMMAR_LENGTH_MAX = 8_000;

/**
 * The parameters of the function that stands for the tool. A grammar is only described: no other wire can enforce it.
 * @param format `{type: 'grammar', syntax, definition}`; the chat wire has the two under `grammar`
 */
export function freeTextParameters(format: JsonValue | undefined): JsonObject {
  const outer = asObject(format);
  const grammar = asObject(outer?.grammar) ?? outer;
  const definition = asString(grammar?.definition);
  const description = ['The whole input of the tool, as plain text.'];
  if (definition !== undefined) {
    description.push(`It must match this ${asString(grammar?.syntax) ?? 'context-free'} grammar:`);
    description.push(
      definition.length > GRAMMAR_LENGTH_MAX ? `${definition.slice(0, GRAMMAR_LENGTH_MAX)} […]` : definition,
    );
  }
  return {
    type: 'object',
    properties: { input: { type: 'string', description: description.join('\n') } },
    required: ['input'],
    additionalProperties: false,
  };
}

/** The free text as arguments. */
export function freeTextArguments(input: string): string {
  return JSON.stringify({ input });
}

/** The free text inside whole arguments; a model that wrote something else is taken at its word. */
export function freeTextInput(argumentsJson: string): string {
  const whole = parseObject(argumentsJson);
  if (whole && Object.keys(whole).length === 0) return '';
  return asString(whole?.input) ?? argumentsJson;
}
