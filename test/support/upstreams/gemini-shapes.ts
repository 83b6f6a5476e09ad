// The shapes of a generateContent request that the Gemini API accepts (camelCase spelling only).

import { z } from 'zod';

const object = z.record(z.string(), z.any());
export const part = z.strictObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  inlineData: z.strictObject({ mimeType: z.string(), data: z.string(), displayName: z.string().optional() }).optional(),
  fileData: z.strictObject({ mimeType: z.string().optional(), fileUri: z.string() }).optional(),
  functionCall: z.strictObject({ id: z.string().optional(), name: z.string(), args: object.optional() }).optional(),
  functionResponse: z
    .strictObject({
      id: z.string().optional(),
      name: z.string(),
      response: object,
      parts: z.array(z.any()).optional(),
      willContinue: z.boolean().optional(),
      scheduling: z.string().optional(),
    })
    .optional(),
  executableCode: z.any().optional(),
  codeExecutionResult: z.any().optional(),
  videoMetadata: z.any().optional(),
  mediaResolution: z.any().optional(),
});
export const content = z.strictObject({ role: z.string().optional(), parts: z.array(part).optional() });

const SCHEMA: z.ZodType = z.lazy(() =>
  z.strictObject({
    type: z
      .string()
      .transform((word) => word.toUpperCase())
      .pipe(z.enum(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL']))
      .optional(),
    format: z.string().optional(),
    title: z.string().optional(),
    description: z.string().optional(),
    nullable: z.boolean().optional(),
    enum: z.array(z.string()).optional(),
    items: SCHEMA.optional(),
    properties: z.record(z.string(), SCHEMA).optional(),
    required: z.array(z.string()).optional(),
    propertyOrdering: z.array(z.string()).optional(),
    anyOf: z.array(SCHEMA).optional(),
    minItems: z.union([z.string(), z.int()]).optional(),
    maxItems: z.union([z.string(), z.int()]).optional(),
    minLength: z.union([z.string(), z.int()]).optional(),
    maxLength: z.union([z.string(), z.int()]).optional(),
    minProperties: z.union([z.string(), z.int()]).optional(),
    maxProperties: z.union([z.string(), z.int()]).optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    pattern: z.string().optional(),
    example: z.any().optional(),
    default: z.any().optional(),
  }),
);

export const declaration = z.strictObject({
  name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/),
  description: z.string().optional(),
  behavior: z.string().optional(),
  parameters: SCHEMA.optional(),
  parametersJsonSchema: object.optional(),
  response: SCHEMA.optional(),
  responseJsonSchema: object.optional(),
});

const generationConfig = z.strictObject({
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().optional(),
  topK: z.number().optional(),
  candidateCount: z.int().optional(),
  maxOutputTokens: z.int().optional(),
  stopSequences: z.array(z.string()).optional(),
  seed: z.int().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  responseLogprobs: z.boolean().optional(),
  logprobs: z.int().optional(),
  responseMimeType: z.string().optional(),
  responseSchema: SCHEMA.optional(),
  responseJsonSchema: object.optional(),
  responseModalities: z.array(z.string()).optional(),
  thinkingConfig: z
    .strictObject({
      includeThoughts: z.boolean().optional(),
      thinkingBudget: z.int().optional(),
      thinkingLevel: z.string().optional(),
    })
    .optional(),
  speechConfig: z.any().optional(),
  imageConfig: z.any().optional(),
  mediaResolution: z.string().optional(),
});

export const BODY = z.strictObject({
  model: z.string().optional(),
  contents: z.array(content).optional(),
  systemInstruction: content.optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(declaration).optional(),
        googleSearch: z.any().optional(),
        codeExecution: z.any().optional(),
        urlContext: z.any().optional(),
      }),
    )
    .optional(),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z
        .strictObject({
          mode: z.enum(['AUTO', 'ANY', 'NONE', 'VALIDATED', 'MODE_UNSPECIFIED']).optional(),
          allowedFunctionNames: z.array(z.string()).optional(),
        })
        .optional(),
      retrievalConfig: z.any().optional(),
    })
    .optional(),
  safetySettings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).optional(),
  generationConfig: generationConfig.optional(),
  cachedContent: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  serviceTier: z.string().optional(),
  store: z.boolean().optional(),
});
