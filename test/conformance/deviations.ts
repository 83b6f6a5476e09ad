// Where a client cannot see all that the upstream said: the rules of docs/dialects.md, as data.

import { type ClientKind, type Essence, expectedSeen, type ScenarioName } from '../support/cases.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import type { RouteName, RouteSpec } from './gateway.ts';

export interface Cell {
  readonly client: ClientKind;
  readonly route: RouteSpec;
  readonly scenario: ScenarioName;
}

/** What the user sees; `refusal` is a field of its own in OpenAI's dialects only. */
export type Sight = Essence & { readonly refusal: string };

interface Deviation {
  /** The rule's words in docs/dialects.md. */
  readonly rule: string;
  readonly clients: readonly ClientKind[];
  readonly routes: readonly RouteName[];
  readonly scenarios: readonly ScenarioName[];
  readonly differs: Partial<Sight>;
}

const DEVIATIONS: readonly Deviation[] = [
  {
    rule: 'chat completions have no way to ask for a summary of reasoning, so none is asked for',
    clients: ['openai-chat'],
    routes: ['openai-responses'],
    scenarios: ['reasoning', 'reasoning-tools'],
    differs: { reasoning: '' },
  },
];

/** Where `refusal` is told as a refusal; the others see it as text. */
const REFUSAL_FIELD: readonly ClientKind[] = ['openai-chat', 'openai-responses'];

/** How each upstream declines: in words, by its filter, or both. */
const DECLINES: Readonly<
  Record<RouteName, { readonly as: 'refusal' | 'text' | 'silence'; readonly isFiltered: boolean }>
> = {
  openai: { as: 'refusal', isFiltered: false },
  'openai-responses': { as: 'refusal', isFiltered: false },
  azure: { as: 'silence', isFiltered: true },
  mistral: { as: 'silence', isFiltered: true },
  compatible: { as: 'silence', isFiltered: true },
  anthropic: { as: 'text', isFiltered: true },
  gemini: { as: 'silence', isFiltered: true },
  // Its models know refusals as ordinary answers only.
  ollama: { as: 'text', isFiltered: false },
};

export function expectedSight({ client, route, scenario }: Cell): Sight {
  const whole = expectedSeen(scenario, { upstream: route.kind, upstreamDialect: route.dialect, client });
  if (scenario === 'refusal') return { ...whole, ...declined(client, route.name) };
  const differences = DEVIATIONS.filter(
    (one) => one.clients.includes(client) && one.routes.includes(route.name) && one.scenarios.includes(scenario),
  );
  return Object.assign({ ...whole, refusal: '' }, ...differences.map((one) => one.differs));
}

function declined(client: ClientKind, route: RouteName): Pick<Sight, 'text' | 'refusal' | 'finish'> {
  const { as, isFiltered } = DECLINES[route];
  const { refusal } = finalAnswer('refusal');
  const isField = as === 'refusal' && REFUSAL_FIELD.includes(client);
  return {
    text: as === 'silence' || isField ? '' : refusal,
    refusal: isField ? refusal : '',
    finish: isFiltered ? (client === 'ollama' ? 'content_filter' : 'content-filter') : 'stop',
  };
}
