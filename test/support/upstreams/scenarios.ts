// What the model behind every upstream answers, in nobody's dialect. A speaker renders it into its own wire format.
// An answer depends on what the upstream *heard*, so that a lost tool result, image or schema shows in the answer.

import { ANSWER_SCHEMA, IMAGE, LENGTH_LIMIT, SYSTEM_PROMPT, TOOL_RESULTS, TOOLS, TURNS } from '../prompts.ts';

export const SCENARIO_NAMES = [
  /** System prompt and three turns → text with multi-byte characters. */
  'text',
  /** One tool call. */
  'tools',
  /** Two calls of different tools, their arguments interleaved where the dialect can. */
  'parallel-tools',
  /** Two turns: `parallel-tools`, then an answer that quotes both results. */
  'tool-result',
  /** The answer names the image's MIME type and byte length. */
  'image',
  /** JSON text that conforms to the schema; the schema must have arrived. */
  'json-schema',
  /** Thinking, signed where the provider signs, then text. */
  'reasoning',
  /** Two turns: signed thinking and a tool call; then the answer, for which the signature must have come back. */
  'reasoning-tools',
  /** The model declines. */
  'refusal',
  /** Cut at the bound of output tokens that the user asked for. */
  'length',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** `inputTokens` and `outputTokens` are the whole; the others are parts of them. */
export interface TokenCounts {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export interface Answer {
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly refusal: string;
  readonly finish: 'stop' | 'length' | 'tool-calls' | 'content-filter';
  readonly usage: TokenCounts;
}

/** What an upstream understood of a request. */
export interface Heard {
  readonly system: string;
  readonly texts: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[];
  readonly images: readonly { readonly mimeType: string; readonly byteLength: number }[];
  readonly tools: readonly { readonly name: string; readonly schema: Record<string, any> | undefined }[];
  /** With the call that each one answers, found by the dialect's own means. */
  readonly toolResults: readonly { readonly call: ToolCall; readonly text: string }[];
  readonly answerSchema: Record<string, any> | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly isReasoningOn: boolean;
}

/** The request is valid for the provider, but something that the scenario's user said is not in it. */
export class NotHeard extends Error {}

const WEATHER_CALL: ToolCall = { name: 'get_weather', arguments: { city: 'Zürich', unit: 'celsius' } };
const TIME_CALL: ToolCall = { name: 'get_time', arguments: { city: '東京' } };

const NOTHING = { reasoning: '', text: '', toolCalls: [], refusal: '', finish: 'stop' } as const;

export function answerTo(scenario: ScenarioName, heard: Heard): Answer {
  switch (scenario) {
    case 'text':
      demandConversation(heard);
      return {
        ...NOTHING,
        text: 'Grüße aus Zürich! — 漢字と仮名, a naïve café, 👩‍👩‍👧 and 🏔️: "all \\ well"\n\tBis bald.',
        usage: counts({ inputTokens: 2_006, cachedInputTokens: 1_920, outputTokens: 46 }),
      };
    case 'tools':
      demandTools(heard);
      return {
        ...NOTHING,
        toolCalls: [WEATHER_CALL],
        finish: 'tool-calls',
        usage: counts({ inputTokens: 310, cachedInputTokens: 128, cacheWriteTokens: 64, outputTokens: 21 }),
      };
    case 'parallel-tools':
      demandTools(heard);
      return {
        ...NOTHING,
        toolCalls: [WEATHER_CALL, TIME_CALL],
        finish: 'tool-calls',
        usage: counts({ inputTokens: 311, outputTokens: 43 }),
      };
    case 'tool-result':
      if (heard.toolResults.length === 0) return answerTo('parallel-tools', heard);
      demandTools(heard);
      return { ...NOTHING, text: quoteResults(heard), usage: counts({ inputTokens: 402, outputTokens: 57 }) };
    case 'image':
      demand(heard.images.length === 1, `one image, got ${heard.images.length}`);
      return {
        ...NOTHING,
        text: heard.images.map((image) => `An image: ${image.mimeType} of ${image.byteLength} bytes. ✨`).join(''),
        usage: counts({ inputTokens: 265, outputTokens: 18 }),
      };
    case 'json-schema':
      demandSchema(heard);
      return {
        ...NOTHING,
        text: JSON.stringify(REPORT),
        usage: counts({ inputTokens: 188, outputTokens: 39 }),
      };
    case 'reasoning':
      demand(heard.isReasoningOn, 'the wish to reason');
      return {
        ...NOTHING,
        reasoning: '91 = 7 × 13, so it is composite — 素数ではない. 🤔',
        text: 'No: 91 = 7 × 13.',
        usage: counts({ inputTokens: 33, outputTokens: 240, reasoningTokens: 192 }),
      };
    case 'reasoning-tools':
      return reasoningTools(heard);
    case 'refusal':
      return {
        ...NOTHING,
        refusal: 'I’m sorry, but I can’t help with that. 🙏',
        finish: 'content-filter',
        usage: counts({ inputTokens: 25, outputTokens: 12 }),
      };
    case 'length':
      demand(heard.maxOutputTokens === LENGTH_LIMIT, `a bound of ${LENGTH_LIMIT} tokens, got ${heard.maxOutputTokens}`);
      return {
        ...NOTHING,
        text: '京都 was Japan’s capital for more than a thous',
        finish: 'length',
        usage: counts({ inputTokens: 17, outputTokens: LENGTH_LIMIT }),
      };
  }
}

/** The answer that the user of a scenario gets in the end when nothing was lost on the way. */
export function finalAnswer(scenario: ScenarioName): Answer {
  const byteLength = Buffer.from(IMAGE.base64, 'base64').byteLength;
  const calls = scenario === 'tool-result' ? [WEATHER_CALL, TIME_CALL] : [WEATHER_CALL];
  const isSecondTurn = scenario === 'tool-result' || scenario === 'reasoning-tools';
  return answerTo(scenario, {
    system: SYSTEM_PROMPT,
    texts: TURNS,
    images: [{ mimeType: IMAGE.mimeType, byteLength }],
    tools: TOOLS.map((tool) => ({ name: tool.name, schema: tool.parameters })),
    toolResults: isSecondTurn ? calls.map((call) => ({ call, text: TOOL_RESULTS[call.name] ?? '' })) : [],
    answerSchema: ANSWER_SCHEMA,
    maxOutputTokens: LENGTH_LIMIT,
    isReasoningOn: true,
  });
}

/** The model's text in the pieces in which it is streamed. No code point is cut. */
export function pieces(text: string, codePoints = 7): string[] {
  const points = [...text];
  const result: string[] = [];
  for (let at = 0; at < points.length; at += codePoints) result.push(points.slice(at, at + codePoints).join(''));
  return result;
}

const REPORT = {
  city: 'Zürich',
  temperature: 18.5,
  unit: 'celsius',
  kind: 'report',
  tags: ['été', '☀️'],
  note: null,
};

function reasoningTools(heard: Heard): Answer {
  demandTools(heard);
  if (heard.toolResults.length > 0) {
    return { ...NOTHING, text: quoteResults(heard), usage: counts({ inputTokens: 395, outputTokens: 31 }) };
  }
  return {
    ...NOTHING,
    reasoning: 'I should ask the tool. 天気は?',
    toolCalls: [WEATHER_CALL],
    finish: 'tool-calls',
    usage: counts({ inputTokens: 301, outputTokens: 84, reasoningTokens: 64 }),
  };
}

function quoteResults(heard: Heard): string {
  return heard.toolResults.map(({ call, text }) => `${call.name}(${call.arguments.city}) said «${text}»`).join('; ');
}

function demandConversation(heard: Heard): void {
  demand(heard.system.includes(SYSTEM_PROMPT), `the system prompt, got ${JSON.stringify(heard.system)}`);
  const expected = TURNS.map((turn) => `${turn.role}: ${turn.text}`).join('\n');
  const actual = heard.texts.map((turn) => `${turn.role}: ${turn.text}`).join('\n');
  demand(actual === expected, `the conversation, got ${JSON.stringify(actual)}`);
}

function demandTools(heard: Heard): void {
  const names = heard.tools.map((tool) => tool.name);
  demand(names.join() === TOOLS.map((tool) => tool.name).join(), `the tools, got ${JSON.stringify(names)}`);
  const weather = heard.tools[0]?.schema;
  const properties = Object.keys(weather?.properties ?? {}).join();
  demand(properties === 'city,unit,days,place', `the parameters of get_weather, got ${JSON.stringify(properties)}`);
  demand(weather?.properties.unit.enum?.join() === 'celsius,fahrenheit', 'the enum of get_weather.unit');
  demand(weather?.required?.join() === 'city,unit', 'the required parameters of get_weather');
}

function demandSchema(heard: Heard): void {
  const properties = Object.keys(heard.answerSchema?.properties ?? {}).sort();
  demand(
    properties.join() === Object.keys(REPORT).sort().join(),
    `the answer's schema, got ${JSON.stringify(heard.answerSchema)}`,
  );
}

function demand(isHeard: boolean, what: string): void {
  if (!isHeard) throw new NotHeard(`[test upstream] The request is valid, but the scenario expected ${what}.`);
}

function counts(some: Partial<TokenCounts>): TokenCounts {
  return { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, ...some };
}
