// A tool conversation as agents hold it, with each client's SDK: the assistant's turn goes back whole, as the SDK gave
// it, and the results of parallel calls in any order.

import Anthropic from '@anthropic-ai/sdk';
import { type Content, GoogleGenAI } from '@google/genai';
import { type Message, Ollama } from 'ollama';
import OpenAI from 'openai';
import type { ClientKind } from '../support/cases.ts';
import { TOOL_QUESTION, TOOL_RESULTS, TOOLS } from '../support/prompts.ts';

export interface ConversationOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly isStream: boolean;
  /** The user wants the model to think, and to see it. */
  readonly isReasoning: boolean;
}

export interface Call {
  readonly id: string;
  readonly name: string;
}

export interface Conversation {
  /** The user's question; resolves with the model's calls. */
  open(): Promise<readonly Call[]>;
  /**
   * The results of these calls, in this order; resolves with the model's text.
   * @param by another model that is to go on
   */
  answer(calls: readonly Call[], by?: string): Promise<string>;
}

export function converse(client: ClientKind, options: ConversationOptions): Conversation {
  return CONVERSATIONS[client](options);
}

const CONVERSATIONS: Readonly<Record<ClientKind, (options: ConversationOptions) => Conversation>> = {
  'openai-chat': chatConversation,
  'openai-responses': responsesConversation,
  anthropic: messagesConversation,
  gemini: geminiConversation,
  ollama: ollamaConversation,
};

const resultOf = (call: Call): string => TOOL_RESULTS[call.name] ?? '';

function chatConversation({ baseUrl, apiKey, model, isStream, isReasoning }: ConversationOptions): Conversation {
  const client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
  const messages: any[] = [{ role: 'user', content: TOOL_QUESTION }];
  const send = async (by = model): Promise<any> => {
    const tools = TOOLS.map((tool) => ({ type: 'function' as const, function: tool as any }));
    const params = { model: by, messages, tools, ...(isReasoning && { reasoning_effort: 'medium' as const }) };
    const completion = isStream
      ? await client.chat.completions.stream(params).finalChatCompletion()
      : await client.chat.completions.create(params);
    // `parsed` is the SDK's, not the wire's.
    const { parsed: _, ...message } = JSON.parse(JSON.stringify(completion.choices[0]!.message));
    messages.push(message);
    return message;
  };
  return {
    async open() {
      const message = await send();
      return message.tool_calls.map((call: any) => ({ id: call.id, name: call.function.name }));
    },
    async answer(calls, by) {
      messages.push(...calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: resultOf(call) })));
      return (await send(by)).content;
    },
  };
}

function responsesConversation({ baseUrl, apiKey, model, isStream, isReasoning }: ConversationOptions): Conversation {
  const client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
  const input: any[] = [{ role: 'user', content: TOOL_QUESTION }];
  const send = async (by = model): Promise<OpenAI.Responses.Response> => {
    const params: OpenAI.Responses.ResponseCreateParams = {
      model: by,
      input,
      store: false,
      tools: TOOLS.map((tool) => ({ type: 'function', ...tool, strict: false })),
      ...(isReasoning && {
        reasoning: { effort: 'medium', summary: 'auto' },
        include: ['reasoning.encrypted_content'],
      }),
    };
    const response = isStream
      ? await finalResponse(client, params)
      : await client.responses.create({ ...params, stream: false });
    input.push(...response.output);
    return response;
  };
  return {
    async open() {
      const { output } = await send();
      return output.flatMap((item) => (item.type === 'function_call' ? [{ id: item.call_id, name: item.name }] : []));
    },
    async answer(calls, by) {
      input.push(...calls.map((call) => ({ type: 'function_call_output', call_id: call.id, output: resultOf(call) })));
      return textOf(await send(by));
    },
  };
}

/** From the terminal event, not the SDK's collector, which adds fields of its own to the items. */
export async function finalResponse(
  client: OpenAI,
  params: OpenAI.Responses.ResponseCreateParams,
): Promise<OpenAI.Responses.Response> {
  let final: OpenAI.Responses.Response | undefined;
  for await (const event of await client.responses.create({ ...params, stream: true })) {
    if (event.type === 'response.completed') final = event.response;
  }
  if (!final) throw new Error('The stream ended without response.completed.');
  return final;
}

export function textOf(response: OpenAI.Responses.Response): string {
  return response.output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
}

function messagesConversation({ baseUrl, apiKey, model, isStream, isReasoning }: ConversationOptions): Conversation {
  const client = new Anthropic({ baseURL: baseUrl, apiKey, maxRetries: 0 });
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: TOOL_QUESTION }];
  const send = async (by = model): Promise<Anthropic.Message> => {
    const params = {
      model: by,
      max_tokens: 8_192,
      messages,
      tools: TOOLS.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters as any })),
      ...(isReasoning && { thinking: { type: 'enabled' as const, budget_tokens: 2_048 } }),
    };
    const message = isStream
      ? await client.messages.stream(params).finalMessage()
      : await client.messages.create({ ...params, stream: false });
    messages.push({ role: 'assistant', content: message.content });
    return message;
  };
  return {
    async open() {
      const { content } = await send();
      return content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name }] : []));
    },
    async answer(calls, by) {
      const content = calls.map((call) => ({
        type: 'tool_result' as const,
        tool_use_id: call.id,
        content: resultOf(call),
      }));
      messages.push({ role: 'user', content });
      return (await send(by)).content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
  };
}

function geminiConversation({ baseUrl, apiKey, model, isStream, isReasoning }: ConversationOptions): Conversation {
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
  const contents: Content[] = [{ role: 'user', parts: [{ text: TOOL_QUESTION }] }];
  const send = async (by = model) => {
    const params = {
      model: by,
      contents,
      config: {
        tools: [
          {
            functionDeclarations: TOOLS.map(({ name, description, parameters }) => ({
              name,
              description,
              parametersJsonSchema: parameters,
            })),
          },
        ],
        ...(isReasoning && { thinkingConfig: { includeThoughts: true, thinkingBudget: 2_048 } }),
      },
    };
    const parts = [];
    if (isStream) {
      for await (const chunk of await client.models.generateContentStream(params)) {
        parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []).filter((part) => Object.keys(part).length > 0));
      }
    } else {
      parts.push(...((await client.models.generateContent(params)).candidates?.[0]?.content?.parts ?? []));
    }
    contents.push({ role: 'model', parts });
    return parts;
  };
  return {
    async open() {
      const calls = (await send()).flatMap((part) => part.functionCall ?? []);
      return calls.map((call) => ({ id: call.id ?? '', name: call.name ?? '' }));
    },
    async answer(calls, by) {
      const parts = calls.map((call) => ({
        functionResponse: {
          ...(call.id !== '' && { id: call.id }),
          name: call.name,
          response: { output: resultOf(call) },
        },
      }));
      contents.push({ role: 'user', parts });
      return (await send(by)).map((part) => (part.thought ? '' : (part.text ?? ''))).join('');
    },
  };
}

function ollamaConversation({ baseUrl, apiKey, model, isStream, isReasoning }: ConversationOptions): Conversation {
  const client = new Ollama({ host: baseUrl, headers: { Authorization: `Bearer ${apiKey}` } });
  const messages: Message[] = [{ role: 'user', content: TOOL_QUESTION }];
  const send = async (by = model): Promise<Message> => {
    const tools = TOOLS.map((tool) => ({ type: 'function', function: tool as any }));
    const params = { model: by, messages, tools, ...(isReasoning && { think: true }) };
    const message: Message = { role: 'assistant', content: '' };
    const add = (one: Message): void => {
      message.content += one.content;
      if (one.thinking) message.thinking = (message.thinking ?? '') + one.thinking;
      if (one.tool_calls) message.tool_calls = [...(message.tool_calls ?? []), ...one.tool_calls];
    };
    if (!isStream) add((await client.chat({ ...params, stream: false })).message);
    else for await (const line of await client.chat({ ...params, stream: true })) add(line.message);
    messages.push(message);
    return message;
  };
  return {
    async open() {
      return ((await send()).tool_calls ?? []).map((call) => ({ id: '', name: call.function.name }));
    },
    async answer(calls, by) {
      messages.push(...calls.map((call) => ({ role: 'tool', tool_name: call.name, content: resultOf(call) })));
      return (await send(by)).content;
    },
  };
}
