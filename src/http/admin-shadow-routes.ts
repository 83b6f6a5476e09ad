// What shadow traffic has brought, for the operator: both answers' quality, cost and times side by side.

import type { FastifyInstance } from 'fastify';
import type { Answer } from '../compare/comparison.ts';
import { likenessOf } from '../compare/likeness.ts';
import { type BareComparison, comparePairs, groupPairs } from '../compare/shadow-pairs.ts';
import { summarise } from '../compare/summary.ts';
import { GatewayError } from '../errors.ts';
import type { ShadowPair } from '../model/replay.ts';
import type { Clock } from '../ports.ts';
import { parseMoment } from '../tenancy/moment.ts';
import { ADMIN, type AdminRoutesDeps, queryOf, sendObject } from './admin-routes.ts';

const FIELDS = ['chain', 'since', 'tenant', 'limit'] as const;
const PAIRS_MAX = 500;
const PAIRS_DEFAULT = '100';
/** Comparing two texts costs the product of their lengths: the node compares beginnings, `flowmesh compare` the whole. */
const COMPARED_LENGTH_MAX = 2_000;

export function adminShadowRoutes(server: FastifyInstance, { administration, clock }: AdminRoutesDeps): void {
  if (!administration) return;
  server.get('/admin/shadow', ADMIN, async (request, reply) => {
    const { chain, since, tenant, limit = PAIRS_DEFAULT } = queryOf(request, FIELDS);
    if (!/^\d+$/.test(limit) || Number(limit) < 1 || Number(limit) > PAIRS_MAX) {
      throw new GatewayError('bad_request', `limit is a whole number from 1 to ${PAIRS_MAX}.`, { param: 'limit' });
    }
    const entries = administration.shadowPairs({
      since: since === undefined ? undefined : parseMoment('since', since, clock.now(), 'ago'),
      tenant,
      name: chain,
      limit: Number(limit),
    });
    const data: object[] = [];
    // The node has written it in this shape; nobody else writes there.
    for (const pairs of groupPairs(entries.map(({ body }) => body as object as ShadowPair))) {
      data.push(await sideBySide(pairs, clock));
    }
    return sendObject(reply, 200, { data });
  });
}

async function sideBySide(pairs: readonly ShadowPair[], clock: Clock): Promise<object> {
  const whole = comparePairs(pairs, new Date(clock.now()).toISOString());
  const likenesses = await likenessesOf({ ...whole, answers: whole.answers.map(beginningOf) }, clock);
  const [served, shadow] = summarise({ ...whole, likenesses, verdicts: [] });
  const [chain, to] = whole.models;
  return { chain, to, pairs: pairs.length, likeness: shadow?.likenessToBaseline ?? null, served, shadow };
}

/** One pair a turn of the event loop, so that no answer of a client waits for the sum of them. */
async function likenessesOf({ prompts, models, answers }: BareComparison, clock: Clock) {
  const likenesses = [];
  for (const [index] of prompts.entries()) {
    const pair = answers.filter(({ prompt }) => prompt === index);
    likenesses.push(...pair.flatMap((answer) => likenessOf(answer, { prompts, models, answers: pair })));
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  return likenesses;
}

function beginningOf(answer: Answer): Answer {
  return answer.type === 'failed' ? answer : { ...answer, text: answer.text.slice(0, COMPARED_LENGTH_MAX) };
}
