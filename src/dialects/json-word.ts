// OpenAI's servers, Groq's and DeepSeek's refuse to be held to JSON where no message says so: "'messages' must contain the
// word 'json' in some form". Gemini and Ollama clients set the format and say nothing.

import type { ChatRequest, Message } from '../model/chat.ts';

const SAID: Message = { role: 'system', parts: [{ type: 'text', text: 'Answer with a single JSON object.' }] };

/** The very same request where it is said already, or any JSON is not what is wanted. */
export function withJsonWord(request: ChatRequest): ChatRequest {
  const { messages, responseFormat } = request;
  if (responseFormat?.type !== 'json' || messages.some(saysJson)) return request;
  const first = messages.findIndex(({ role }) => role !== 'system');
  const systemCount = first < 0 ? 0 : first;
  return { ...request, messages: messages.toSpliced(systemCount, 0, SAID) };
}

function saysJson({ parts }: Message): boolean {
  return parts.some((part) => part.type === 'text' && /json/i.test(part.text));
}
