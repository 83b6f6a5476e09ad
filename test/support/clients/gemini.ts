// The scenarios' user with Google's SDK.

import {
  type Content,
  FunctionCallingConfigMode,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from '@google/genai';
import {
  ANSWER_SCHEMA,
  IMAGE,
  LENGTH_LIMIT,
  questionOf,
  SYSTEM_PROMPT,
  TOOL_RESULTS,
  TOOLS,
  TURNS,
} from '../prompts.ts';
import { type AskOptions, isTwoTurns, type Seen, usesReasoning, usesTools } from './seen.ts';

export async function askGemini(options: AskOptions): Promise<Seen> {
  const client = new GoogleGenAI({
    apiKey: options.apiKey,
    httpOptions: { baseUrl: options.baseUrl, ...(options.headers && { headers: options.headers }) },
  });
  const contents = contentsOf(options.scenario);
  const first = await send(client, paramsOf(options, contents), options);
  if (!isTwoTurns(options.scenario)) return first;
  contents.push(
    { role: 'model', parts: first.raw.candidates[0].content.parts },
    {
      role: 'user',
      parts: first.toolCalls.map((call) => ({
        functionResponse: {
          ...(call.id !== '' && { id: call.id }),
          name: call.name,
          response: { output: TOOL_RESULTS[call.name] ?? '' },
        },
      })),
    },
  );
  return { ...(await send(client, paramsOf(options, contents), options)), earlier: [first] };
}

function paramsOf({ scenario, model, signal }: AskOptions, contents: Content[]): GenerateContentParameters {
  return {
    model,
    contents,
    config: {
      ...(signal && { abortSignal: signal }),
      ...(scenario === 'text' && { systemInstruction: SYSTEM_PROMPT, temperature: 0, stopSequences: ['\n\nEND'] }),
      ...(usesTools(scenario) && {
        tools: [
          {
            functionDeclarations: TOOLS.map((tool) => ({
              name: tool.name,
              description: tool.description,
              parametersJsonSchema: tool.parameters,
            })),
          },
        ],
        toolConfig: {
          functionCallingConfig: {
            mode: scenario === 'tools' ? FunctionCallingConfigMode.ANY : FunctionCallingConfigMode.AUTO,
          },
        },
      }),
      ...(scenario === 'length' && { maxOutputTokens: LENGTH_LIMIT }),
      ...(usesReasoning(scenario) && { thinkingConfig: { includeThoughts: true, thinkingBudget: 2_048 } }),
      ...(scenario === 'json-schema' && { responseMimeType: 'application/json', responseJsonSchema: ANSWER_SCHEMA }),
    },
  };
}

function contentsOf(scenario: AskOptions['scenario']): Content[] {
  if (scenario === 'text') {
    return TURNS.map((turn) => ({ role: turn.role === 'user' ? 'user' : 'model', parts: [{ text: turn.text }] }));
  }
  const question: Part = { text: questionOf(scenario) };
  const image: Part = { inlineData: { mimeType: IMAGE.mimeType, data: IMAGE.base64 } };
  return [{ role: 'user', parts: scenario === 'image' ? [image, question] : [question] }];
}

async function send(client: GoogleGenAI, params: GenerateContentParameters, options: AskOptions): Promise<Seen> {
  if (!options.isStream) return seenOf(await client.models.generateContent(params), []);
  const events: GenerateContentResponse[] = [];
  for await (const chunk of await client.models.generateContentStream(params)) events.push(chunk);
  return seenOf(collect(events), events);
}

/** The SDK leaves it to its users to join the chunks: neighbouring texts of one kind become one part. */
function collect(events: readonly GenerateContentResponse[]): any {
  const parts: Part[] = [];
  let candidate: any = {};
  let whole: any = {};
  for (const chunk of events) {
    const [one] = chunk.candidates ?? [];
    for (const part of one?.content?.parts ?? []) {
      const last = parts.at(-1);
      const isText = part.text !== undefined && last?.text !== undefined && part.thought === last.thought;
      if (isText) parts[parts.length - 1] = { ...last, ...part, text: `${last.text}${part.text}` };
      else parts.push({ ...part });
    }
    candidate = { ...candidate, ...one };
    whole = { ...whole, ...chunk };
  }
  const filled = parts.filter((part) => part.text !== '' || part.thoughtSignature !== undefined);
  return {
    ...whole,
    candidates: [{ ...candidate, ...(filled.length > 0 && { content: { role: 'model', parts: filled } }) }],
  };
}

function seenOf(raw: any, events: readonly any[]): Seen {
  const candidate = raw.candidates?.[0];
  const parts: Part[] = candidate?.content?.parts ?? [];
  const calls = parts.flatMap((part) => part.functionCall ?? []);
  const usage = raw.usageMetadata;
  const thoughts = usage?.thoughtsTokenCount ?? 0;
  const finish = candidate?.finishReason ?? raw.promptFeedback?.blockReason;
  return {
    id: raw.responseId ?? '',
    model: raw.modelVersion ?? '',
    text: parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join(''),
    reasoning: parts.map((part) => (part.thought ? (part.text ?? '') : '')).join(''),
    toolCalls: calls.map((call) => ({ id: call.id ?? '', name: call.name ?? '', arguments: call.args ?? {} })),
    finish: finish === 'STOP' && calls.length > 0 ? 'tool-calls' : (FINISHES[finish] ?? String(finish)),
    refusal: '',
    usage: usage && {
      inputTokens: usage.promptTokenCount ?? 0,
      cachedInputTokens: usage.cachedContentTokenCount ?? 0,
      cacheWriteTokens: 0,
      outputTokens: (usage.candidatesTokenCount ?? 0) + thoughts,
      reasoningTokens: thoughts,
    },
    raw,
    events,
    earlier: [],
  };
}

const FINISHES: Readonly<Record<string, string>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
};
