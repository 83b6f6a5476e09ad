// The rules of a configuration: that they lead somewhere, and that their conditions can hold.

import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';
import type { Bounds, RuleCondition, RuleConfig } from './routing.ts';
import type { FileRule } from './schema.ts';

/** What a name stands for: something that can serve, something left out for want of a key, or nothing. */
export type Reach = 'usable' | 'left-out' | 'unknown';

/** Rules that lead to something left out are left out with it. */
export function resolveRules(
  rules: readonly FileRule[],
  reach: (served: string) => Reach,
  hintFor: (served: string) => string,
  findings: Findings,
): readonly RuleConfig[] {
  return rules.filter(({ use, when }, index) => {
    const path = ['rules', index];
    checkCondition(when, [...path, 'when'], findings);
    const reached = reach(use);
    if (reached === 'unknown') {
      findings.problem([...path, 'use'], `'${use}' is neither a chain nor account/model.${hintFor(use)}`);
    } else if (reached === 'left-out') {
      findings.warning([...path, 'use'], `'${use}' is left out, and this rule with it.`);
    }
    return reached === 'usable';
  });
}

function checkCondition(condition: RuleCondition, path: ConfigPath, findings: Findings): void {
  const { promptTokens, turns, complexity, all = [], any = [], not } = condition;
  for (const [key, bounds] of Object.entries({ promptTokens, turns, complexity })) {
    checkBounds(bounds, [...path, key], findings);
  }
  for (const [index, inner] of all.entries()) checkCondition(inner, [...path, 'all', index], findings);
  for (const [index, inner] of any.entries()) checkCondition(inner, [...path, 'any', index], findings);
  if (not) checkCondition(not, [...path, 'not'], findings);
}

function checkBounds(bounds: Bounds | undefined, path: ConfigPath, findings: Findings): void {
  const { min, max } = bounds ?? {};
  if (min !== undefined && max !== undefined && min > max) findings.problem(path, "'min' is greater than 'max'.");
}
