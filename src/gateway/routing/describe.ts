// A plan in words, for `flowmesh explain`, the debug endpoint and the response header.

import type { Decision, Plan } from './plan.ts';
import type { PassedRule, RuleMatch } from './rules.ts';
import type { CandidateReason } from './strategy.ts';

/** One line: what a header can hold. */
export function summarizePlan(plan: Plan, rule: RuleMatch | undefined): string {
  const by = rule && `rule ${ruleName(rule)}`;
  const chains = plan.decisions.slice(0, 1).map(({ chain, strategy, isAffine }) => {
    return `chain ${chain} by ${strategy}${isAffine ? ', kept with its conversation' : ''}`;
  });
  const first = plan.decisions[0]?.ordered[0];
  return [by, ...chains, first && `first ${first}`].filter(Boolean).join('; ');
}

/** One line each, outermost chain first. */
export function describePlan(plan: Plan, rule: RuleMatch | undefined): string[] {
  return [
    ...(rule ? describeRule(rule) : []),
    ...plan.decisions.flatMap(describeDecision),
    ...plan.refused.map(({ id, because }) => `${id} is left out: ${because}`),
  ];
}

function describeRule(rule: RuleMatch): string[] {
  return [...describePassed(rule.passedOver), `rule ${ruleName(rule)} matches: ${rule.explanation}; use ${rule.use}`];
}

/** The rules that did not hold, one line each. */
export function describePassed(rules: readonly PassedRule[]): string[] {
  return rules.map((rule) => `rule ${ruleName(rule)} does not match: ${rule.explanation}`);
}

function ruleName({ name, ruleIndex }: Pick<RuleMatch, 'name' | 'ruleIndex'>): string {
  return name === undefined ? `${ruleIndex + 1}` : `'${name}'`;
}

function describeDecision({ chain, strategy, isAffine, ordered, excluded, reasons }: Decision): string[] {
  const kept = isAffine ? ', the first kept with its conversation' : '';
  const inOrder = [...ordered, ...excluded].flatMap((id) => reasons.find((reason) => reason.id === id) ?? []);
  return [
    `chain ${chain} by ${strategy}${kept}:`,
    ...inOrder.map((reason, index) => `  ${index < ordered.length ? `${index + 1}.` : '-'} ${describeReason(reason)}`),
  ];
}

function describeReason({ id, standing, numbers, notes }: CandidateReason): string {
  const shown = Object.entries(numbers).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  return [`${id}: ${standing}`, ...shown, ...notes].join(', ');
}
