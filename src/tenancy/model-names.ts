// The names under which a model's row may stand, most exact first: snapshots carry a date, and gateways the vendor's name.

/** A provider and a model as a row of the table names them; lower case. */
export interface RowName {
  readonly provider: string;
  readonly model: string;
}

/** Presets that serve another one's models at its prices. */
const SAME_PROVIDER: Readonly<Record<string, string>> = { 'openai-responses': 'openai' };

/**
 * Vendors whose own models cost the same at OpenRouter. Others' models are served there by whoever is cheapest, at other
 * prices.
 */
const OPENROUTER_VENDORS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'gemini',
  'x-ai': 'xai',
};

const OPENROUTER = 'openrouter';

/** `-2026-05-01`, `-20260501`, `@20260501`. */
const SNAPSHOT = /(-\d{4}-\d{2}-\d{2}|[-@]\d{8})$/;

/** OpenRouter's `:nitro`, `:online` … choose how a model is served. */
const VARIANT = /:[a-z0-9-]+$/;

/** The provider that a row of the table names. */
export function tableProvider(provider: string): string {
  return SAME_PROVIDER[provider] ?? provider;
}

/** OpenRouter serves a model without charge under `…:free`. */
export function isFreeVariant(provider: string, model: string): boolean {
  return provider === OPENROUTER && model.endsWith(':free');
}

/** Every name to look for, most exact first. */
export function rowNames(provider: string, model: string): RowName[] {
  const owner = tableProvider(provider);
  const written = model.toLowerCase();
  const names = [{ provider: owner, model: written }];
  const bare = withoutPrefix(written, `${owner}/`, 'models/');
  if (bare !== written) names.push({ provider: owner, model: bare });
  if (owner === OPENROUTER) names.push(...openrouterNames(written));
  return names.flatMap((name) => [name, ...withoutSnapshot(name)]);
}

function withoutPrefix(model: string, ...prefixes: readonly string[]): string {
  const prefix = prefixes.find((candidate) => model.startsWith(candidate));
  return prefix === undefined ? model : model.slice(prefix.length);
}

function openrouterNames(model: string): RowName[] {
  const plain = model.replace(VARIANT, '');
  const slash = plain.indexOf('/');
  const vendor = OPENROUTER_VENDORS[plain.slice(0, Math.max(0, slash))];
  const names = plain === model ? [] : [{ provider: OPENROUTER, model: plain }];
  if (vendor === undefined) return names;
  const name = plain.slice(slash + 1);
  // OpenRouter writes claude-opus-5.5 where Anthropic writes claude-opus-5-5.
  return [...names, { provider: vendor, model: vendor === 'anthropic' ? name.replaceAll('.', '-') : name }];
}

function withoutSnapshot({ provider, model }: RowName): RowName[] {
  return SNAPSHOT.test(model) ? [{ provider, model: model.replace(SNAPSHOT, '') }] : [];
}
