// Where a chat request goes: the rules and the names it asks for choose chains, each chain's strategy orders its targets,
// and one list of targets comes out. Most requests have nothing to plan and cost nothing here.

import { plainRouting, WEEKDAYS } from '../config/routing.ts';
import { GatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Principal } from '../tenancy/principal.ts';
import { permit } from './admit.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Candidate, RouteRequestFacts } from './routing/candidate.ts';
import { summarizePlan } from './routing/describe.ts';
import {
  askedModels,
  type RoutePreferences,
  readPreferences,
  withoutModelFields,
  withoutRoutingFields,
} from './routing/openrouter.ts';
import { type Plan, planRoute } from './routing/plan.ts';
import { factsOf } from './routing/request-facts.ts';
import { judgeRules, type RulesJudgement } from './routing/rules.ts';
import type { Chain, Target } from './target.ts';

/** What the request path goes by. */
export interface RequestPlan {
  /** One for each model name that may serve, in the order in which they are tried. */
  readonly legs: readonly [Leg, ...Leg[]];
  /** The first one's chain as it is configured: who may answer, in whatever order. */
  readonly configured: Chain;
  /** What a target is sent: only routers understand the fields that are meant for routing. */
  readonly requestFor: (target: Target) => ChatRequest;
  /** The name that was asked for has decided all of it. */
  readonly isPlain: boolean;
  /** Nobody was asked after all: whose turn it was, it is still. Not when others have taken theirs meanwhile. */
  readonly takeBackTurn: () => void;
}

const NO_TURN = (): void => undefined;

export interface Leg {
  /** The client's name for it, under which it is limited and billed. */
  readonly model: string;
  /** Its targets are those of this request, best first. */
  readonly chain: Chain;
}

/** Everything that was considered, for explaining it. */
export interface Itinerary {
  readonly facts: RouteRequestFacts;
  readonly rules: RulesJudgement;
  /** One for each name that the client may use; never empty. */
  readonly routes: readonly [PlannedRoute, ...PlannedRoute[]];
  /** Of all routes, best first. Empty only when the client's own limits leave nobody. */
  readonly targets: readonly Target[];
}

export interface PlannedRoute {
  readonly model: string;
  readonly chain: Chain;
  readonly plan: Plan;
  readonly targets: readonly Target[];
}

/** @throws GatewayError `model_not_found`, `forbidden`, or `bad_request` for routing fields of a wrong shape */
export function planRequest(
  request: ChatRequest,
  inputTokens: number,
  context: RequestContext,
  deps: PipelineDeps,
): RequestPlan {
  const preferences = readPreferences(request);
  if (!preferences && !context.isExplained && deps.router().rules.length === 0) {
    const chain = permit(request.model, request.model, context, deps);
    const isOrdered = chain.routing === undefined || chain.targets.length <= 1;
    if (isOrdered) {
      const legs = [{ model: request.model, chain }] as const;
      return { legs, configured: chain, requestFor: () => request, isPlain: true, takeBackTurn: NO_TURN };
    }
  }
  const { rules, routes } = planItinerary(request, inputTokens, preferences, context, deps);
  // A chain without any targets is other nodes' to serve.
  const usable = routes.filter((route) => route.targets.length > 0 || route.chain.targets.length === 0);
  const [used, ...others] = usable;
  if (!used) throw nobodyLeft(routes);
  const { trace } = context;
  const { routing } = deps;
  const before = routing.wheels;
  routing.wheels = used.plan.wheels;
  trace.chain = used.chain.name;
  if (context.isExplained) trace.route = summarizePlan(used.plan, rules.match);
  const plain = preferences ? withoutRoutingFields(request) : request;
  const routed = preferences ? withoutModelFields(request) : request;
  return {
    legs: [legOf(used), ...others.map(legOf)],
    configured: used.chain,
    requestFor: ({ account }) => (account.isRouter ? routed : plain),
    isPlain: false,
    takeBackTurn: () => {
      if (routing.wheels === used.plan.wheels) routing.wheels = before;
    },
  };
}

function legOf({ model, chain, targets }: PlannedRoute): Leg {
  return { model, chain: { ...chain, targets } };
}

/** Changes nothing, so that it can be asked what would be done. @throws as `planRequest` does */
export function planItinerary(
  request: ChatRequest,
  inputTokens: number,
  preferences: RoutePreferences | undefined,
  context: RequestContext,
  deps: PipelineDeps,
): Itinerary {
  const facts = factsOf(request, {
    inputTokens,
    headers: context.headers(),
    ...asker(context.principal),
    ...localTime(deps),
  });
  const rules = judgeRules(context.isShadow ? [] : deps.router().rules, facts);
  const [model, ...others] = askedModels(request.model, preferences);
  const names = [
    { name: rules.match?.use ?? request.model, model: model ?? request.model },
    ...others.map((other) => ({ name: other, model: other })),
  ];
  const routes = permitted(names, context, deps).map(({ chain, model: asked }): PlannedRoute => {
    const expectedOutputTokens = deps.accountant.answerLengths.usual(chain.name);
    const plan = planRoute({
      name: chain.name,
      routing: chain.routing ?? plainRouting(chain.targets.length),
      targets: chain.targets.map((target) => candidateOf(target, request, deps)),
      facts: { ...facts, ...(expectedOutputTokens !== undefined && { expectedOutputTokens }) },
      asked: askedTargets(chain),
      preferences,
      random: () => deps.random.next(),
      wheels: deps.routing.wheels,
    });
    return { model: asked, chain, plan, targets: plan.order.flatMap((index) => chain.targets[index] ?? []) };
  });
  const [first, ...rest] = routes;
  // `permitted` throws rather than to return nothing.
  if (!first) throw new GatewayError('internal', 'The request has no route.');
  const distinct = withoutRepeats([first, ...rest]);
  return { facts, rules, routes: distinct, targets: distinct.flatMap(({ targets }) => targets) };
}

interface Permitted {
  readonly model: string;
  readonly chain: Chain;
}

/** A name that nobody serves, or that this key may not use, is passed over while another one can be used. */
function permitted(
  names: readonly { readonly name: string; readonly model: string }[],
  context: RequestContext,
  deps: PipelineDeps,
): readonly Permitted[] {
  const found: Permitted[] = [];
  let refusal: GatewayError | undefined;
  for (const { name, model } of names) {
    try {
      found.push({ model, chain: permit(name, model, context, deps) });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      refusal ??= error;
    }
  }
  if (found.length === 0 && refusal) throw refusal;
  return found;
}

function asker({ tenant, tags }: Principal): Pick<RouteRequestFacts, 'tenant' | 'keyTags'> {
  const keyTags = Object.entries(tags).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return { tenant, keyTags };
}

function localTime({ clock }: PipelineDeps): Pick<RouteRequestFacts, 'minuteOfDay' | 'weekday'> {
  const now = new Date(clock.now());
  return { minuteOfDay: now.getHours() * 60 + now.getMinutes(), weekday: WEEKDAYS[now.getDay()] ?? 'sun' };
}

function candidateOf(target: Target, request: ChatRequest, deps: PipelineDeps): Omit<Candidate, 'weight'> {
  const { id, account, model, traits, capacity } = target;
  const known = deps.facts(account.provider, model, account.name);
  return {
    id,
    names: [account.name, account.provider],
    inFlight: deps.health.inFlight(id),
    ...(capacity !== undefined && { capacity }),
    isCoolingDown: deps.health.waitFor(target).waitMs > 0,
    ...deps.routing.read(id, request.isStream, deps.clock.elapsed()),
    ...(known?.price && { price: known.price }),
    ...(known?.quality !== undefined && { quality: known.quality }),
    ...(known?.contextLength !== undefined && { contextLength: known.contextLength }),
    // An empty list stands for a model of which nobody has told.
    ...(known && known.capabilities.length > 0 && { capabilities: known.capabilities }),
    ...(traits.refusedFields && { refusedFields: traits.refusedFields }),
    ...(account.isRouter && { isRouter: true }),
  };
}

function askedTargets({ targets, askedModel }: Chain): ReadonlySet<number> | undefined {
  if (askedModel === undefined) return undefined;
  return new Set(targets.flatMap(({ model }, index) => (model === askedModel ? [index] : [])));
}

/** Chains of several names may share targets; what a route before had is not tried again. */
function withoutRepeats([first, ...rest]: Itinerary['routes']): Itinerary['routes'] {
  const tried = new Set<string>();
  const distinct = (route: PlannedRoute): PlannedRoute => {
    const targets = route.targets.filter(({ id }) => !tried.has(id));
    for (const { id } of targets) tried.add(id);
    return { ...route, targets };
  };
  return [distinct(first), ...rest.map(distinct)];
}

/** Of a long chain's targets, in a message. */
const REASONS_MAX = 5;

function nobodyLeft(routes: readonly PlannedRoute[]): GatewayError {
  const reasons = routes.flatMap(({ plan }) => plan.refused.map(({ id, because }) => `${id} ${because}`));
  return new GatewayError(
    'model_not_found',
    `The request's own limits leave nobody to ask: ${reasons.slice(0, REASONS_MAX).join('; ')}.`,
    { param: 'provider' },
  );
}
