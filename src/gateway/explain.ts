// What would be done with a chat request, and why: the plan that the request path makes, without calling anybody and
// without moving anybody's turn.

import { hideKeys } from '../key-shapes.ts';
import type { ChatRequest } from '../model/chat.ts';
import { roughInputTokens } from '../model/rough-tokens.ts';
import { describeHedge, type HedgeView, viewHedge } from './hedging.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import { type Itinerary, type PlannedRoute, planItinerary } from './plan-request.ts';
import type { RouteRequestFacts } from './routing/candidate.ts';
import { type Complexity, complexityOf } from './routing/complexity.ts';
import { describePassed, describePlan } from './routing/describe.ts';
import { guessLanguage } from './routing/language.ts';
import { readPreferences } from './routing/openrouter.ts';
import type { Plan } from './routing/plan.ts';
import type { PassedRule, RuleMatch } from './routing/rules.ts';

export interface Explanation {
  /** What the client asked for. */
  readonly model: string;
  /** What was seen of the request; no word of it. */
  readonly facts: ExplainedFacts;
  /** The one that matched, from 1. */
  readonly rule: (Pick<RuleMatch, 'use' | 'explanation'> & ExplainedRule) | null;
  /** Rules before it that did not hold. */
  readonly passedOver: readonly (Pick<PassedRule, 'explanation'> & ExplainedRule)[];
  /** One for each model name the request may use. */
  readonly routes: readonly ExplainedRoute[];
  /** In the order in which they would be tried. */
  readonly targets: readonly string[];
  /** All of this for people, one line each. */
  readonly text: readonly string[];
}

interface ExplainedRule {
  readonly number: number;
  readonly name: string | null;
}

interface ExplainedRoute extends Pick<Plan, 'decisions' | 'refused'> {
  readonly model: string;
  readonly chain: string;
  readonly targets: readonly string[];
  /** Null: one target at a time. */
  readonly hedge: HedgeView | null;
}

interface ExplainedFacts
  extends Pick<RouteRequestFacts, 'inputTokens' | 'turns' | 'needs' | 'isReasoningAsked' | 'minuteOfDay' | 'weekday'> {
  readonly complexity: Complexity;
  readonly language: string | null;
  /** What would keep its conversation together. */
  readonly affinity: 'session' | 'user' | 'prefix' | null;
}

/** @throws GatewayError as the request itself would: `model_not_found`, `forbidden`, `bad_request` */
export function explainRequest(request: ChatRequest, context: RequestContext, deps: PipelineDeps): Explanation {
  context.trace.model = hideKeys(request.model);
  const itinerary = planItinerary(request, roughInputTokens(request), readPreferences(request), context, deps);
  const { match, passedOver } = itinerary.rules;
  const facts = explainedFacts(itinerary.facts);
  const routes = itinerary.routes.map((route) => explainedRoute(route, request.isStream, deps));
  return {
    model: request.model,
    facts,
    rule: match ? { ...ruleOf(match), use: match.use, explanation: match.explanation } : null,
    passedOver: passedOver.map((rule) => ({ ...ruleOf(rule), explanation: rule.explanation })),
    routes,
    targets: itinerary.targets.map(({ id }) => id),
    text: [
      ...textOf(request.model, facts, itinerary),
      ...routes.flatMap(({ hedge }) => (hedge ? describeHedge(hedge) : [])),
    ],
  };
}

function explainedFacts(facts: RouteRequestFacts): ExplainedFacts {
  const { inputTokens, turns, needs, isReasoningAsked, minuteOfDay, weekday } = facts;
  // As rules see it.
  const userText = facts.userText.normalize();
  return {
    ...{ inputTokens, turns, needs, isReasoningAsked, minuteOfDay, weekday },
    complexity: complexityOf({ ...facts, userText }),
    language: guessLanguage(userText) ?? null,
    affinity: facts.affinity?.kind ?? null,
  };
}

function ruleOf({ ruleIndex, name }: PassedRule): ExplainedRule {
  return { number: ruleIndex + 1, name: name ?? null };
}

function explainedRoute(
  { model, chain, plan, targets }: PlannedRoute,
  isStream: boolean,
  deps: PipelineDeps,
): ExplainedRoute {
  const { decisions, refused } = plan;
  const hedge = viewHedge(chain, targets, isStream, deps) ?? null;
  return { model, chain: chain.name, targets: targets.map(({ id }) => id), decisions, refused, hedge };
}

function textOf(model: string, facts: ExplainedFacts, { rules, routes, targets }: Itinerary): readonly string[] {
  const { inputTokens, turns, complexity, language, needs } = facts;
  const seen = [
    `about ${inputTokens} prompt tokens`,
    `turns ${turns}`,
    `complexity ${complexity.score}`,
    `language ${language ?? 'undecided'}`,
    ...(needs.length > 0 ? [`needs ${needs.join(' and ')}`] : []),
  ];
  const passed = rules.match ? [] : describePassed(rules.passedOver);
  const planned = routes.flatMap(({ plan }, index) => describePlan(plan, index === 0 ? rules.match : undefined));
  const order = targets.map(({ id }) => id).join(', ');
  return [
    `request for ${model}: ${seen.join(', ')}`,
    ...passed,
    ...planned,
    order === '' ? "nobody would be asked: the request's own limits leave nobody" : `asked in this order: ${order}`,
  ];
}
