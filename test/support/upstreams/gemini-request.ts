// Reads a generateContent request as strictly as the Gemini API does (camelCase spelling only).

import type { z } from 'zod';
import { BODY, type content, type declaration, type part } from './gemini-shapes.ts';
import type { Heard, ToolCall } from './scenarios.ts';
import { decodeBase64, isSigned, Refused } from './speaker.ts';
import { bracketPath, type Problem, readStrict } from './strict.ts';

export interface GeminiHeard extends Heard {
  readonly areThoughtsShown: boolean;
  readonly candidateCount: number;
  readonly isLogprobsWanted: boolean;
  readonly topLogprobs: number;
}

export function hearGemini(raw: unknown, model: string): GeminiHeard {
  const body = readStrict(BODY, raw, geminiProblem);
  const contents = body.contents ?? [];
  if (contents.length === 0) throw invalid('contents: contents is not specified');
  const declarations = (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []);
  declarations.forEach(checkDeclaration);
  const config = body.generationConfig ?? {};
  checkConfig(config, body.toolConfig?.functionCallingConfig, declarations, model);
  const results = checkConversation(contents, model);
  const parts = contents.flatMap((one) => one.parts ?? []);
  const thinking = config.thinkingConfig;
  return {
    system: (body.systemInstruction?.parts ?? []).map((one) => one.text ?? '').join('\n'),
    texts: contents
      .map((one) => ({
        role: one.role === 'model' ? ('assistant' as const) : ('user' as const),
        text: textOf(one.parts),
      }))
      .filter((turn) => turn.text !== ''),
    images: parts.flatMap((one) => (one.inlineData ? [imageOf(one.inlineData)] : [])),
    tools: declarations.map((one) => ({
      name: one.name,
      schema: (one.parameters ?? one.parametersJsonSchema) as Record<string, any> | undefined,
    })),
    toolResults: results,
    answerSchema: (config.responseSchema ?? config.responseJsonSchema) as Record<string, any> | undefined,
    maxOutputTokens: config.maxOutputTokens,
    isReasoningOn: thinking !== undefined && thinking.thinkingBudget !== 0,
    areThoughtsShown: thinking?.includeThoughts === true,
    candidateCount: config.candidateCount ?? 1,
    isLogprobsWanted: config.responseLogprobs === true,
    topLogprobs: config.logprobs ?? 0,
  };
}

export function geminiProblem(problem: Problem): Refused {
  const last = problem.path.at(-1);
  const where = snakeCase(bracketPath(problem.path.slice(0, -1)));
  switch (problem.kind) {
    case 'unknown':
      return new Refused(
        400,
        `Invalid JSON payload received. Unknown name "${last}"${where === '' ? '' : ` at '${where}'`}: Cannot find field.`,
        { param: where },
      );
    case 'missing':
      return invalid(`${snakeCase(bracketPath(problem.path))}: required field is missing`);
    case 'type':
    case 'value':
      return new Refused(
        400,
        `Invalid value at '${snakeCase(bracketPath(problem.path))}' (${problem.expected}), ${JSON.stringify(problem.input)}`,
        { param: where },
      );
  }
}

function invalid(what: string): Refused {
  return new Refused(400, `* GenerateContentRequest.${what}\n`);
}

/** Turns, counts and signatures. Returns the results with the calls that they answer. */
function checkConversation(contents: z.output<typeof content>[], model: string): Heard['toolResults'] {
  const results: { call: ToolCall; text: string }[] = [];
  let open: ToolCall[] = [];
  const lastUserText = contents.findLastIndex(
    (one) => one.role !== 'model' && !one.parts?.some((p) => p.functionResponse),
  );
  contents.forEach((one, at) => {
    if (one.role !== undefined && one.role !== 'user' && one.role !== 'model') {
      throw new Refused(400, 'Please use a valid role: user, model.');
    }
    const parts = one.parts ?? [];
    if (parts.length === 0) throw invalid(`contents[${at}].parts: contents.parts must not be empty.`);
    for (const [index, onePart] of parts.entries()) checkPart(onePart, `contents[${at}].parts[${index}]`);
    const answers = parts.flatMap((onePart) => onePart.functionResponse ?? []);
    if (answers.length === 0 && open.length > 0) {
      throw new Refused(400, 'Please ensure that function response turn comes immediately after a function call turn.');
    }
    if (answers.length !== open.length) {
      throw new Refused(
        400,
        open.length === 0
          ? 'Please ensure that function response turn comes immediately after a function call turn.'
          : 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    }
    answers.forEach((answer, index) => {
      const call = open[index];
      if (call?.name !== answer.name) {
        throw new Refused(
          400,
          `Function response at index ${index} is named ${answer.name}, but its function call ${call?.name}.`,
        );
      }
      results.push({ call, text: resultText(answer.response) });
    });
    open = parts
      .flatMap((onePart) => onePart.functionCall ?? [])
      .map((call) => ({ name: call.name, arguments: call.args ?? {} }));
    if (open.length > 0) {
      if (at === 0 || contents[at - 1]?.role === 'model') {
        throw new Refused(
          400,
          'Please ensure that function call turn comes immediately after a user turn or after a function response turn.',
        );
      }
      if (at > lastUserText) checkSignature(parts, model);
    }
    if (at > 0 && contents[at - 1]?.role === one.role) {
      throw new Refused(400, 'Please ensure that multiturn requests alternate between user and model.');
    }
  });
  if (contents.at(-1)?.role === 'model')
    throw new Refused(400, 'Please ensure that multiturn requests end with a user role.');
  return results;
}

/** Officially accepted for histories that another model wrote. */
const SKIP_SIGNATURES = ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'];

function checkSignature(parts: z.output<typeof part>[], model: string): void {
  const first = parts.find((one) => one.functionCall);
  const signature = first?.thoughtSignature;
  if (signature === undefined) {
    if (!model.startsWith('gemini-3')) return;
    throw new Refused(
      400,
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${first?.functionCall?.name}\` , position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.`,
    );
  }
  const plain = Buffer.from(signature, 'base64').toString();
  const isSkipped = SKIP_SIGNATURES.includes(signature) || SKIP_SIGNATURES.includes(plain);
  if (!isSkipped && !isSigned('gemini', signature)) throw new Refused(400, 'Corrupted thought signature.');
}

function checkPart(one: z.output<typeof part>, where: string): void {
  const kinds = [
    'text',
    'inlineData',
    'fileData',
    'functionCall',
    'functionResponse',
    'executableCode',
    'codeExecutionResult',
  ];
  const count = kinds.filter((kind) => (one as any)[kind] !== undefined).length;
  if (count === 0) throw invalid(`${where}.data: required oneof field 'data' must have one initialized field`);
  if (count > 1) throw new Refused(400, `Invalid value at '${where}' (oneof), oneof field 'data' is already set.`);
  if (one.functionResponse?.name === '') throw invalid(`${where}.function_response.name: Name cannot be empty.`);
}

function checkDeclaration(one: z.output<typeof declaration>, at: number): void {
  const where = `tools[0].function_declarations[${at}]`;
  if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(one.name)) {
    throw invalid(
      `${where}.name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.`,
    );
  }
  if (one.parameters && one.parametersJsonSchema) {
    throw invalid(`${where}: only one of parameters and parameters_json_schema may be set.`);
  }
  if (one.parameters) checkSchemaRules(one.parameters, `${where}.parameters`);
}

function checkSchemaRules(schema: any, where: string): void {
  if (schema.type === undefined && !schema.anyOf)
    throw invalid(`${where}: schema didn't specify the schema type field`);
  if (schema.type === 'OBJECT' && Object.keys(schema.properties ?? {}).length === 0) {
    throw invalid(`${where}.properties: should be non-empty for OBJECT type`);
  }
  if (schema.type === 'ARRAY' && !schema.items) throw invalid(`${where}.items: missing field.`);
  if (schema.enum && schema.type !== 'STRING') throw invalid(`${where}.enum: only allowed for STRING type`);
  if (schema.type === 'STRING' && schema.format && !['enum', 'date-time'].includes(schema.format)) {
    throw invalid(`${where}.format: only 'enum' and 'date-time' are supported for STRING type`);
  }
  for (const [index, name] of (schema.required ?? []).entries()) {
    if (!schema.properties?.[name]) throw invalid(`${where}.required[${index}]: property is not defined`);
  }
  for (const [name, value] of Object.entries(schema.properties ?? {}))
    checkSchemaRules(value, `${where}.properties[${name}]`);
  for (const [index, value] of (schema.anyOf ?? []).entries()) checkSchemaRules(value, `${where}.any_of[${index}]`);
  if (schema.items) checkSchemaRules(schema.items, `${where}.items`);
}

function checkConfig(config: any, calling: any, declarations: { name: string }[], model: string): void {
  const hasSchema = config.responseSchema ?? config.responseJsonSchema;
  if (hasSchema && !/^(application\/json|text\/x\.enum)$/.test(config.responseMimeType ?? '')) {
    throw new Refused(400, 'Response schema is only supported with response mime type application/json.');
  }
  if (config.responseSchema && config.responseJsonSchema) {
    throw invalid('generation_config: only one of response_schema and response_json_schema may be set.');
  }
  if (config.responseSchema) checkSchemaRules(config.responseSchema, 'generation_config.response_schema');
  if (config.maxOutputTokens !== undefined && config.maxOutputTokens < 1) {
    throw new Refused(400, `max_output_tokens must be positive.`);
  }
  if (config.stopSequences?.length > 5) throw new Refused(400, 'The number of stop sequences must be at most 5.');
  if (config.logprobs !== undefined && !config.responseLogprobs) {
    throw new Refused(400, 'logprobs is only supported when response_logprobs is true.');
  }
  const thinking = config.thinkingConfig ?? {};
  if (thinking.thinkingBudget !== undefined && thinking.thinkingLevel !== undefined) {
    throw new Refused(400, 'You can only set only one of thinking budget and thinking level.');
  }
  if (thinking.thinkingLevel !== undefined && !model.startsWith('gemini-3')) {
    throw new Refused(400, 'Thinking level is not supported for this model.');
  }
  if (thinking.thinkingLevel && !/^(minimal|low|medium|high)$/i.test(thinking.thinkingLevel)) {
    throw new Refused(
      400,
      `Invalid value at 'generation_config.thinking_config.thinking_level', "${thinking.thinkingLevel}"`,
    );
  }
  if (thinking.thinkingBudget > 24_576 && model.includes('flash')) {
    throw new Refused(
      400,
      `The thinking budget ${thinking.thinkingBudget} is invalid. Please choose a value between 0 and 24576.`,
    );
  }
  if (calling?.allowedFunctionNames?.length > 0) {
    if (calling.mode !== 'ANY' && calling.mode !== 'VALIDATED') {
      throw new Refused(400, 'Please set allowed_function_names only when function calling mode is ANY.');
    }
    const unknown = calling.allowedFunctionNames.find((name: string) => !declarations.some((one) => one.name === name));
    if (unknown) throw new Refused(400, `allowed_function_names: ${unknown} is not declared.`);
  }
  if (calling?.mode === 'ANY' && declarations.length === 0) {
    throw new Refused(400, 'Function calling config is set without function_declarations.');
  }
}

function imageOf(data: { mimeType: string; data: string }): { mimeType: string; byteLength: number } {
  const bytes = decodeBase64(data.data);
  if (!bytes) {
    throw new Refused(
      400,
      `Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for "${data.data.slice(0, 40)}"`,
    );
  }
  if (!/^(image\/(png|jpeg|webp|heic|heif)|application\/pdf|text\/plain|audio\/\w+|video\/\w+)$/.test(data.mimeType)) {
    throw new Refused(400, `Unsupported MIME type: ${data.mimeType}`);
  }
  return { mimeType: data.mimeType, byteLength: bytes.byteLength };
}

/** By Google's convention: `output` or `result` holds it, else the whole object is meant. */
function resultText(response: Record<string, any>): string {
  const inner = response.output ?? response.result ?? response.content ?? response;
  return typeof inner === 'string' ? inner : JSON.stringify(inner);
}

function textOf(parts: z.output<typeof part>[] | undefined): string {
  return (parts ?? []).map((one) => (one.thought ? '' : (one.text ?? ''))).join('');
}

function snakeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
