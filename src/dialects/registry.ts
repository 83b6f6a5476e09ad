// Every wire format flowmesh speaks. A new one is one folder and one line here.

import type { DialectName } from '../model/chat.ts';
import { anthropic } from './anthropic/index.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini/index.ts';
import { ollama } from './ollama/index.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiCompletions } from './openai-completions/index.ts';
import { openaiResponses } from './openai-responses/index.ts';

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-completions': openaiCompletions,
  'openai-responses': openaiResponses,
  anthropic,
  gemini,
  ollama,
};
