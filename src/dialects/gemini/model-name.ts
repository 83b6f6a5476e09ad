// What a Gemini model's name tells: its place in the URL, and what its generation understands.

const PREFIX = /^(models|tunedModels)\//;

/** The path of a method. The name is encoded whole, so that it can never reach another host, path or query. */
export function modelPath(model: string, method: string): string {
  const collection = PREFIX.exec(model)?.[1] ?? 'models';
  const name = model.replace(PREFIX, '').toWellFormed();
  return `/${collection}/${encodeURIComponent(name)}:${method}`;
}

/** `models/<name>` or `tunedModels/<name>`, as bodies name a model. */
export function modelResource(model: string): string {
  return PREFIX.test(model) ? model : `models/${model}`;
}

/** The name without the `models/` that Google's own clients may put before it. */
export function plainModelName(model: string): string {
  return model.replace(/^models\//, '');
}

/** 2.5 for `gemini-2.5-pro`; the moving `gemini-…-latest` names are at 3 or later. Undefined for unknown names. */
function generationOf(model: string): number | undefined {
  const version = /gemini-(\d+(?:\.\d+)?)/.exec(model)?.[1];
  if (version !== undefined) return Number(version);
  return /gemini-[a-z-]*latest/.test(model) ? 3 : undefined;
}

/** Signs its function calls and thinks in levels. */
export function isGemini3(model: string): boolean {
  return (generationOf(model) ?? 0) >= 3;
}

/** How the model's thinking is controlled; `none` for models that refuse a thinkingConfig. */
export function thinkingControl(model: string): 'level' | 'budget' | 'none' {
  if (/gemma|embedding/.test(model)) return 'none';
  const generation = generationOf(model) ?? 2.5;
  if (generation >= 3) return 'level';
  return generation >= 2.5 ? 'budget' : 'none';
}

export type ThinkingLevel = 'minimal' | 'low' | 'medium' | 'high';

/**
 * The levels of a Gemini 3 model, least first. Pro has no `minimal`, Flash lost it with 3.7, the first 3 Pro has no `medium`.
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking
 */
export function thinkingLevels(model: string): readonly ThinkingLevel[] {
  if (/gemini-3-pro/.test(model)) return ['low', 'high'];
  const isFlashLite = /flash-lite/.test(model);
  const hasMinimal = isFlashLite || (/flash/.test(model) && !/latest/.test(model) && (generationOf(model) ?? 3) < 3.7);
  return hasMinimal ? ['minimal', 'low', 'medium', 'high'] : ['low', 'medium', 'high'];
}

/** The budgets that a Gemini 2.5 model accepts, tokens. `least` is the smallest besides 0. */
export function thinkingBudgets(model: string): {
  readonly canBeOff: boolean;
  readonly least: number;
  readonly most: number;
} {
  if (/flash-lite/.test(model)) return { canBeOff: true, least: 512, most: 24_576 };
  if (/flash/.test(model)) return { canBeOff: true, least: 1, most: 24_576 };
  if (/pro/.test(model)) return { canBeOff: false, least: 128, most: 32_768 };
  return { canBeOff: true, least: 1, most: 24_576 };
}
