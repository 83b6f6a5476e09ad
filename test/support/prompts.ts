// What the user of every scenario says, in nobody's dialect: texts, tools, a picture, an answer schema.
// Realistic on purpose: multi-byte text, and schemas with the words that some providers refuse.

export const SYSTEM_PROMPT = 'You are a terse guide to cities. Réponds toujours en une phrase.';

/** A conversation of three turns, so that roles and order are proven. */
export const TURNS = [
  { role: 'user', text: 'Which city is on the Limmat? 🏔️' },
  { role: 'assistant', text: 'Zürich.' },
  { role: 'user', text: 'Greet me from there, bitte — and say 漢字.' },
] as const;

export const TOOL_QUESTION = 'What is the weather in Zürich, and what time is it in 東京? Use the tools.';
export const IMAGE_QUESTION = 'What kind of picture is this?';
export const SCHEMA_QUESTION = 'Report the weather of Zürich as JSON.';
export const REASONING_QUESTION = 'Is 91 a prime number? Think first.';
export const REFUSED_QUESTION = 'Do the thing that you must not do.';
export const LONG_QUESTION = 'Tell me everything about 京都.';

/** Output bound of the `length` scenario; Responses accepts no less than 16. */
export const LENGTH_LIMIT = 24;

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly parameters: Record<string, unknown>;
}

export const WEATHER_TOOL: ToolDefinition = {
  name: 'get_weather',
  description: 'Current weather of a city.',
  parameters: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      city: { type: 'string', description: 'Name of the city, e.g. "Zürich"' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      days: { type: ['integer', 'null'], exclusiveMinimum: 0, maximum: 14, default: 1 },
      place: {
        type: 'object',
        properties: { latitude: { type: 'number' }, kind: { const: 'point' } },
        required: ['latitude'],
        additionalProperties: false,
      },
    },
    required: ['city', 'unit'],
    additionalProperties: false,
  },
};

export const TIME_TOOL: ToolDefinition = {
  name: 'get_time',
  description: 'Local time of a city.',
  parameters: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};

/** A tool without parameters, as Claude Code and others have. */
export const PING_TOOL: ToolDefinition = {
  name: 'ping',
  description: 'Tells that the tools work.',
  parameters: { type: 'object', properties: {} },
};

export const TOOLS: readonly ToolDefinition[] = [WEATHER_TOOL, TIME_TOOL, PING_TOOL];

/** What the user's tools answer, by tool name. */
export const TOOL_RESULTS: Readonly<Record<string, string>> = {
  get_weather: '{"temperature":18.5,"sky":"überwiegend sonnig ☀️"}',
  get_time: '21:07 東京 (UTC+9)',
  ping: 'pong',
};

export const ANSWER_SCHEMA_NAME = 'weather_report';

/** Fit for OpenAI's strict mode: everything required, nothing additional. */
export const ANSWER_SCHEMA: Record<string, unknown> = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    city: { type: 'string' },
    temperature: { type: 'number' },
    unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
    kind: { type: 'string', const: 'report' },
    tags: { type: 'array', items: { $ref: '#/$defs/tag' } },
    note: { type: ['string', 'null'] },
  },
  required: ['city', 'temperature', 'unit', 'kind', 'tags', 'note'],
  additionalProperties: false,
  $defs: { tag: { type: 'string', description: 'One word' } },
};

/** A PNG of 1 × 1 pixel. */
export const IMAGE = {
  mimeType: 'image/png',
  base64: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
} as const;

const QUESTIONS: Readonly<Record<string, string>> = {
  image: IMAGE_QUESTION,
  'json-schema': SCHEMA_QUESTION,
  reasoning: REASONING_QUESTION,
  refusal: REFUSED_QUESTION,
  length: LONG_QUESTION,
};

/** The only thing that the user says, in every scenario but `text`. */
export function questionOf(scenario: string): string {
  return QUESTIONS[scenario] ?? TOOL_QUESTION;
}
