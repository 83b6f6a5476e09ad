// What must hold in every simulated world, whatever happened in it. Each checker reads the history and returns a line
// for each breach. docs/simulator.md says how to add one.

import { ERROR_TABLE } from '../../src/errors.ts';
import { type AskHistory, type History, isLinked, type MachineHistory } from './history.ts';
import { TIMERS_MAX, TOTAL_MS } from './machine.ts';
import { minutesHold } from './rate-checker.ts';
import { noWriteIsLost, replicasConverge, revocationsStay, usageIsExact } from './replica-checkers.ts';
import { answerPieces } from './sim-upstream.ts';

export interface Checker {
  readonly name: string;
  readonly check: (history: History) => readonly string[];
}

/** Aborts, settlements and refusals take this long after their cause. */
const SLACK_MS = 2_000;
/** An eviction has been heard of by everybody. */
const HEARD_MS = 8_000;
/** A node that has been undisturbed for this long is known to the others, and has forgotten what failed. */
const CALM_MS = 12_000;

export const CHECKERS: readonly Checker[] = [
  { name: 'every request ends: answered, or with a typed error', check: everyRequestEnds },
  { name: 'an answer is whole, in order, and the one that was asked for', check: answersAreWhole },
  { name: 'no client sees an error while some node can serve it', check: servedWhileAnyoneCan },
  { name: 'the deadline is kept', check: deadlineIsKept },
  { name: 'a tenant sees its own answers alone', check: tenantsAreApart },
  { name: 'a revoked key is refused by a node that knows', check: revokedKeysAreRefused },
  { name: 'a limit a minute holds for all nodes together', check: minutesHold },
  { name: 'each request is settled exactly once, where it was bought', check: settledOnce },
  { name: 'a forwarded request goes no further', check: singleHop },
  { name: 'a request that arrives twice is executed once', check: executedOnce },
  { name: 'an evicted member executes nothing and is seen by nobody', check: evictedStayOutside },
  { name: 'nobody is declared dead who was there', check: livingAreNotDead },
  { name: 'after the trouble everybody sees everybody', check: meshIsWhole },
  { name: 'all agree who is a member', check: membershipAgrees },
  { name: 'all hold the same in the end', check: replicasConverge },
  { name: 'no write is lost, and nothing that was replaced or deleted comes back', check: noWriteIsLost },
  { name: 'a revocation stays and reaches everybody', check: revocationsStay },
  { name: 'usage is counted exactly once', check: usageIsExact },
  { name: 'nothing is left running', check: nothingIsLeft },
  { name: 'no node logs a defect', check: noDefects },
];

/** All breaches, each under its checker's name. */
export function breachesOf(history: History): readonly string[] {
  return CHECKERS.flatMap(({ name, check }) => check(history).map((breach) => `${name}: ${breach}`));
}

function everyRequestEnds({ asks, machines }: History): readonly string[] {
  return asks.flatMap((ask) => {
    if (ask.end === 'open' && !isOff(machines, ask)) return [`${ask.id} has no end`];
    if (ask.end !== 'failed') return [];
    const isTyped = ask.errorCode !== undefined && Object.hasOwn(ERROR_TABLE, ask.errorCode);
    if (!isTyped) return [`${ask.id} failed with ${ask.errorCode}: ${ask.errorMessage}`];
    return ask.errorCode === 'internal' ? [`${ask.id} met a defect: ${ask.errorMessage}`] : [];
  });
}

/** A stopped process answers nobody. */
function isOff(machines: readonly MachineHistory[], { machine }: AskHistory): boolean {
  return machines[machine]?.state.current !== 'up';
}

function answersAreWhole({ asks }: History): readonly string[] {
  return asks.flatMap((ask) => {
    const whole = answerPieces(ask.prompt).join('');
    if (ask.end === 'answered' && (ask.text !== whole || !ask.hasTerminal)) {
      return [`${ask.id} was answered with '${ask.text}'${ask.hasTerminal ? '' : ' without its end'}`];
    }
    return whole.startsWith(ask.text) ? [] : [`${ask.id} was shown '${ask.text}'`];
  });
}

/** Codes by which a node refuses what the client may not have. */
const DESERVED: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'rate_limited', 'budget_exhausted']);

function servedWhileAnyoneCan(history: History): readonly string[] {
  return history.asks.flatMap((ask) => {
    if (ask.end !== 'failed' || DESERVED.has(ask.errorCode ?? '')) return [];
    // A node that dies in the middle of an answer breaks that answer: its beginning is out.
    if (ask.text !== '') return [];
    const [from, to] = [ask.at - CALM_MS, ask.endedAt];
    const entry = history.machines[ask.machine];
    if (!entry?.state.held('up', from, to)) return [];
    const server = history.machines.find(
      (machine) => isKeyGood(history, ask) && canServe(history, entry, machine, from, to),
    );
    if (!server) return [];
    return [
      `${ask.id} on ${entry.name} failed with ${ask.errorCode} while ${server.name} was well: ${ask.errorMessage}`,
    ];
  });
}

/**
 * A key may be on its way still: whoever knows it vouches for it, and nobody else can. One that is revoked while its
 * request runs is good for what is bought already, and for no further attempt.
 */
function isKeyGood({ keys }: History, { key, isKeyOfEntry, endedAt }: AskHistory): boolean {
  if (key === undefined) return true;
  const revocations = keys.find(({ id }) => id === key)?.revocations ?? [];
  return isKeyOfEntry && revocations.every(({ at }) => at > endedAt);
}

function canServe(history: History, entry: MachineHistory, server: MachineHistory, from: number, to: number): boolean {
  if (!server.hasUpstream || !server.state.held('up', from, to) || !server.mood.held('well', from, to)) return false;
  if (server === entry) return true;
  // Lost packets may silence anybody for a moment.
  if (history.isLossy) return false;
  if (server.evictedAt !== undefined || entry.evictedAt !== undefined) return false;
  return isLinked(history, entry.index, server.index, from, to);
}

function deadlineIsKept({ asks, machines }: History): readonly string[] {
  return asks.flatMap((ask) => {
    const tookMs = ask.endedAt - ask.at;
    if (ask.end === 'open' || tookMs <= TOTAL_MS + SLACK_MS) return [];
    const wasPaused = machines[ask.machine]?.state.wasEver('paused', ask.at, ask.endedAt) === true;
    return wasPaused ? [] : [`${ask.id} took ${Math.round(tookMs)} ms`];
  });
}

/** A key that a node without keys has never heard of is nobody's there. */
const NOBODYS_TENANT = 'default';

function tenantsAreApart({ asks, ledger, machines }: History): readonly string[] {
  const byId = new Map(asks.map((ask) => [ask.id, ask]));
  const foreign = ledger.flatMap((row) => {
    const ask = byId.get(row.requestId);
    if (!ask) return [];
    const isKnown = ask.isKeyOfEntry && machines[ask.machine]?.losses.length === 0;
    const isRight = ask.key !== undefined && row.tenant === ask.tenant;
    const isNobodys = !isKnown && row.tenant === NOBODYS_TENANT;
    return isRight || isNobodys
      ? []
      : [`${ask.id} of ${ask.tenant} was billed to ${row.tenant} on node-${row.machine}`];
  });
  const seen = asks.flatMap(({ id, text, tenant }) =>
    text === '' || text.startsWith(`${tenant}/`) ? [] : [`${id} of ${tenant} was shown '${text}'`],
  );
  return [...foreign, ...seen];
}

function revokedKeysAreRefused({ asks }: History): readonly string[] {
  return asks.flatMap((ask) =>
    ask.isRevoked && (ask.end === 'answered' || ask.text !== '') ? [`${ask.id} was answered`] : [],
  );
}

/** What is bought stands in the buyer's ledger, once for each time it was bought, and with the entry node as well. */
function settledOnce(history: History): readonly string[] {
  const { asks, ledger, calls, machines } = history;
  const rows = Map.groupBy(ledger, ({ requestId }) => requestId);
  const bought = Map.groupBy(
    calls.filter(({ isComplete }) => isComplete),
    ({ prompt }) => prompt,
  );
  return asks.flatMap((ask): string[] => {
    const mine = rows.get(ask.id) ?? [];
    const here = mine.filter((row) => row.machine === ask.machine && row.operation === 'direct');
    const breaches: string[] = [];
    const isLedgerLost = (index: number): boolean => {
      const machine = machines[index];
      return machine !== undefined && (machine.hasLostEntries || machine.losses.length > 0);
    };
    if (here.length > 1) breaches.push(`${ask.id} stands ${here.length} times in the ledger of its entry node`);
    if (ask.end === 'answered' && here.length === 0 && !isLedgerLost(ask.machine)) {
      breaches.push(`${ask.id} was answered and stands in no ledger of its entry node`);
    }
    const done = mine.filter(({ status }) => status === 'done');
    const purchases = bought.get(ask.prompt) ?? [];
    for (const { index, name } of machines) {
      const billed = done.filter(({ machine }) => machine === index).length;
      const made = purchases.filter(({ machine }) => machine === index).length;
      if (billed > made) breaches.push(`${ask.id} was bought ${made} times on ${name} and billed ${billed} times`);
    }
    const isBilled = mine.some(({ status }) => status === 'done' || status === 'recovered');
    const isLostWithDisk = purchases.some(({ machine }) => isLedgerLost(machine));
    // Only the entry node writes down that an answer was a kept one, which nobody bought for this client: what went with
    // that node's disk cannot be told from it.
    const isKept =
      ask.isQuestion &&
      (isLedgerLost(ask.machine) || here.some(({ status }) => status === 'cached' || status === 'forwarded'));
    if (ask.end === 'answered' && !isBilled && !isLostWithDisk && !isKept)
      breaches.push(`${ask.id} was answered and never billed`);
    if (done.length > 1 && purchases.length < 2) breaches.push(`${ask.id} was billed ${done.length} times`);
    return breaches;
  });
}

function singleHop({ asks, forwards, machines }: History): readonly string[] {
  const entries = new Map(asks.map((ask) => [ask.id, machines[ask.machine]?.peer]));
  return forwards.flatMap(({ requestId, from, to }) =>
    entries.get(requestId) === from
      ? []
      : [`${requestId} was sent on to ${nameOf(machines, to)} by ${nameOf(machines, from)}`],
  );
}

/** An attempt buys one answer at most; what fails is not complete. */
function executedOnce({ asks, calls, forwards, machines }: History): readonly string[] {
  const bought = Map.groupBy(
    calls.filter(({ isComplete }) => isComplete),
    ({ prompt, machine }) => `${prompt} ${machine}`,
  );
  const sent = Map.groupBy(forwards, ({ requestId, to }) => `${requestId} ${to}`);
  return asks.flatMap(({ id, prompt, machine: entry, isQuestion }) =>
    machines.flatMap(({ index, peer, name }) => {
      // Several clients have bought an answer to the same question.
      if (isQuestion) return [];
      const purchases = bought.get(`${prompt} ${index}`)?.length ?? 0;
      const attempts = new Set(sent.get(`${id} ${peer}`)?.map(({ attempt }) => attempt)).size;
      const allowed = attempts + (entry === index ? 1 : 0);
      return purchases <= allowed ? [] : [`${id} was bought ${purchases} times on ${name} in ${allowed} attempts`];
    }),
  );
}

function evictedStayOutside({ machines, forwards, final, faultsUndoneAt }: History): readonly string[] {
  return machines.flatMap(({ peer, name, evictedAt, index }) => {
    if (evictedAt === undefined) return [];
    const sent = forwards.filter(({ at, from, to }) => at > evictedAt + SLACK_MS && (to === peer || from === peer));
    // Before that those who know may be cut off, or stand still.
    const late = sent.filter(({ at }) => at > faultsUndoneAt + HEARD_MS);
    const isMember = (machine: number): boolean => machines[machine]?.evictedAt === undefined;
    const seen = final.filter(({ machine, beliefs }) => isMember(machine) && beliefs[index] !== 'nobody');
    return [
      ...late.map(({ requestId }) => `${requestId} passed between ${name} and a member`),
      ...seen.map(({ machine }) => `node-${machine} still knows ${name}`),
    ];
  });
}

/** How long before a verdict the accused must have been well for it to be wrong. */
const ALIBI_MS = 6_000;

function livingAreNotDead(history: History): readonly string[] {
  // Where packets get lost several in a row may do so: a verdict is then only too hasty.
  if (history.isLossy) return [];
  return history.verdicts.flatMap(({ at, by, about, to, reason }) => {
    const accused = history.machines.find(({ peer }) => peer === about);
    if (to !== 'dead' || !accused) return [];
    // Who was shut out is refused by all who know. Who has not heard of it yet meets silence, and so does the evicted node.
    if ([accused, history.machines[by]].some((one) => (one?.evictedAt ?? at) < at)) return [];
    const from = at - ALIBI_MS;
    const wasThere = accused.state.held('up', from, at) && isLinked(history, by, accused.index, from, at);
    return wasThere ? [`node-${by} declared ${accused.name} dead (${reason})`] : [];
  });
}

function meshIsWhole({ machines, final, isWholeNetwork }: History): readonly string[] {
  if (!isWholeNetwork || machines.length > 32) return [];
  const members = machines.filter(({ evictedAt }) => evictedAt === undefined);
  return members.flatMap(({ name, index }) =>
    members.flatMap((other) => {
      const belief = final[index]?.beliefs[other.index];
      return other.index === index || belief === 'alive' ? [] : [`${name} sees ${other.name} as ${belief}`];
    }),
  );
}

function membershipAgrees({ machines, final, isWholeNetwork }: History): readonly string[] {
  if (!isWholeNetwork) return [];
  const members = machines.filter(({ evictedAt }) => evictedAt === undefined).map(({ index }) => index);
  return members.flatMap((index) => {
    const view = final[index]?.members ?? [];
    const expected = members.filter((other) => other !== index);
    return view.join() === expected.join()
      ? []
      : [`node-${index} knows the members ${view.join(', ')} instead of ${expected.join(', ')}`];
  });
}

function nothingIsLeft({ final, openCalls }: History): readonly string[] {
  return [
    ...final.flatMap(({ machine, running }) =>
      running === 0 ? [] : [`${running} requests still run on node-${machine}`],
    ),
    ...openCalls.map(({ prompt, machine }) => `the upstream of node-${machine} is still answering ${prompt}`),
    ...final.flatMap(({ machine, timers }) =>
      timers <= TIMERS_MAX ? [] : [`${timers} timers are pending on node-${machine}`],
    ),
  ];
}

const IS_FULL_DISK = /database or disk is full|ENOSPC|SQLITE_FULL|The disk is full|no space/;

function noDefects({ errors, machines }: History): readonly string[] {
  return errors.flatMap(({ at, machine, text }) => {
    const accused = machines[machine];
    const isEvicted = accused?.evictedAt !== undefined && text.includes('is a member of the mesh no more');
    // Of a full disk somebody must be told.
    const isAboutDisk = accused?.isDiskFull.wasEver(true, at - SLACK_MS, at) === true && IS_FULL_DISK.test(text);
    return isEvicted || isAboutDisk ? [] : [`node-${machine}: ${text}`];
  });
}

function nameOf(machines: readonly MachineHistory[], peer: string): string {
  return machines.find((machine) => machine.peer === peer)?.name ?? 'a stranger';
}
