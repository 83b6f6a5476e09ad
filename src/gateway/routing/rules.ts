// Ordered rules: the first whose condition holds says where a request goes. Each check tells what it saw, so that
// `flowmesh explain` can show why a rule matched and why the ones before it did not.

import { compilePattern } from '../../config/pattern.ts';
import type { Bounds, RuleCondition, RuleConfig, TimeSpan } from '../../config/routing.ts';
import { WEEKDAYS } from '../../config/routing.ts';
import type { RouteRequestFacts } from './candidate.ts';
import { type Complexity, complexityOf } from './complexity.ts';
import { matchesGlob } from './glob.ts';
import { guessLanguage } from './language.ts';
import { phrasesIn } from './phrases.ts';

export interface CompiledRule {
  readonly name: string | undefined;
  readonly use: string;
  readonly check: Check;
}

export interface RuleMatch {
  /** Chain name or `account/model`. */
  readonly use: string;
  /** 0 for the first. */
  readonly ruleIndex: number;
  readonly name: string | undefined;
  /** What held, such as `complexity 12 is at most 30`. */
  readonly explanation: string;
  /** The rules before it, and what did not hold. */
  readonly passedOver: readonly PassedRule[];
}

export interface PassedRule {
  readonly ruleIndex: number;
  readonly name: string | undefined;
  readonly explanation: string;
}

export interface RulesJudgement {
  readonly match: RuleMatch | undefined;
  readonly passedOver: readonly PassedRule[];
}

/** Compiled once for each configuration. @throws PatternError which the configuration's own check has ruled out */
export function compileRules(rules: readonly RuleConfig[]): readonly CompiledRule[] {
  return rules.map(({ name, when, use }) => ({ name, use, check: compileCondition(when) }));
}

/** The match, and the rules that did not hold before it. Without one, the name that the client asks for decides. */
export function judgeRules(rules: readonly CompiledRule[], facts: RouteRequestFacts): RulesJudgement {
  const subject = new Subject(facts);
  const passedOver: PassedRule[] = [];
  for (const [ruleIndex, { name, use, check }] of rules.entries()) {
    const { holds, explanation } = check(subject);
    if (holds) return { match: { use, ruleIndex, name, explanation, passedOver }, passedOver };
    passedOver.push({ ruleIndex, name, explanation });
  }
  return { match: undefined, passedOver };
}

/** The facts, and what is worked out of them only once and only when asked. */
class Subject {
  readonly facts: RouteRequestFacts;
  #text: string | undefined;
  #complexity: Complexity | undefined;
  #language: { readonly guess: string | undefined } | undefined;

  constructor(facts: RouteRequestFacts) {
    this.facts = facts;
  }

  /** An accented letter is one character or two, by who typed it: here it is one, as in keywords and patterns. */
  get text(): string {
    this.#text ??= this.facts.userText.normalize();
    return this.#text;
  }

  get complexity(): Complexity {
    this.#complexity ??= complexityOf({ ...this.facts, userText: this.text });
    return this.#complexity;
  }

  get language(): string | undefined {
    this.#language ??= { guess: guessLanguage(this.text) };
    return this.#language.guess;
  }
}

interface Finding {
  readonly holds: boolean;
  /** True to the facts either way. */
  readonly explanation: string;
}

type Check = (subject: Subject) => Finding;

function compileCondition(condition: RuleCondition): Check {
  const checks = [...numberChecks(condition), ...flagChecks(condition), ...textChecks(condition), ...nested(condition)];
  return checks.length === 0 ? () => ({ holds: true, explanation: 'no condition' }) : allOf(checks);
}

function numberChecks({ promptTokens, turns, complexity }: RuleCondition): Check[] {
  return [
    ...bounded('prompt tokens', promptTokens, ({ facts }) => facts.inputTokens),
    ...bounded('turns', turns, ({ facts }) => facts.turns),
    ...bounded('complexity', complexity, (subject) => subject.complexity.score),
  ];
}

function bounded(name: string, bounds: Bounds | undefined, read: (subject: Subject) => number): Check[] {
  if (!bounds) return [];
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = bounds;
  return [
    (subject) => {
      const value = read(subject);
      if (value < min) return { holds: false, explanation: `${name} ${value} is under ${min}` };
      if (value > max) return { holds: false, explanation: `${name} ${value} is over ${max}` };
      return { holds: true, explanation: `${name} ${value} is within ${bounds.min ?? 0} and ${bounds.max ?? '∞'}` };
    },
  ];
}

function flagChecks(condition: RuleCondition): Check[] {
  const { tools, images, audio, documents, jsonSchema, reasoning } = condition;
  return [
    ...flag('tools', tools, ({ toolCount }) => toolCount > 0),
    ...flag('images', images, ({ imageCount }) => imageCount > 0),
    ...flag('audio', audio, ({ needs }) => needs.includes('audio')),
    ...flag('documents', documents, ({ documentCount }) => documentCount > 0),
    ...flag('JSON schema', jsonSchema, ({ needs }) => needs.includes('json-schema')),
    ...flag('wish for reasoning', reasoning, ({ isReasoningAsked }) => isReasoningAsked),
  ];
}

function flag(name: string, wanted: boolean | undefined, read: (facts: RouteRequestFacts) => boolean): Check[] {
  if (wanted === undefined) return [];
  return [
    ({ facts }) => {
      const isThere = read(facts);
      return { holds: isThere === wanted, explanation: `has ${isThere ? '' : 'no '}${name}` };
    },
  ];
}

function textChecks({ keywords, pattern, languages, ...named }: RuleCondition): Check[] {
  const checks: Check[] = nameChecks(named);
  if (keywords) {
    const lower = keywords.map((keyword) => keyword.toLowerCase().normalize());
    checks.push(({ text }) => {
      const found = phrasesIn(text, lower);
      return { holds: found.length > 0, explanation: found[0] ? `says '${found[0]}'` : 'says none of the keywords' };
    });
  }
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern.normalize());
    checks.push(({ text }) => {
      const holds = compiled.test(text);
      return { holds, explanation: `${holds ? 'matches' : 'does not match'} the pattern` };
    });
  }
  if (languages) {
    checks.push(({ language }) => ({
      holds: languages.some((wanted) => wanted === language),
      explanation: `the language is ${language ?? 'undecided'}`,
    }));
  }
  return checks;
}

function nameChecks({ models, tenants, keyTags, headers, metadata, time }: RuleCondition): Check[] {
  return [
    ...listed('model', models, ({ model }) => [model]),
    ...listed('tenant', tenants, ({ tenant }) => (tenant === undefined ? [] : [tenant])),
    ...listed('key tag', keyTags, (facts) => facts.keyTags),
    ...Object.entries(headers ?? {}).flatMap(([name, wanted]) =>
      listed(`header ${name}`, [wanted], (facts) => facts.headers[name.toLowerCase()] ?? []),
    ),
    ...Object.entries(metadata ?? {}).flatMap(([key, wanted]) =>
      listed(`metadata ${key}`, [wanted], (facts) => (Object.hasOwn(facts.metadata, key) ? facts.metadata[key] : [])),
    ),
    ...(time ? [within(time)] : []),
  ];
}

/** Values are not repeated: a header may be a secret, and what was wanted stands in the file. */
function listed(
  name: string,
  wanted: readonly string[] | undefined,
  read: (facts: RouteRequestFacts) => string | readonly string[] | undefined,
): Check[] {
  if (!wanted) return [];
  return [
    ({ facts }) => {
      const actual = [read(facts) ?? []].flat();
      const match = wanted.find((pattern) => actual.some((value) => matchesGlob(pattern, value)));
      const explanation = match === undefined ? `${name} is another or missing` : `${name} is '${match}'`;
      return { holds: match !== undefined, explanation };
    },
  ];
}

function within({ from, to, days }: TimeSpan): Check {
  return ({ facts }) => {
    const { minuteOfDay, weekday } = facts;
    const hasBegunToday = minuteOfDay >= from && (from > to || minuteOfDay < to || from === to);
    const isRestOfYesterday = from > to && minuteOfDay < to;
    const isToday = hasBegunToday && isOn(days, weekday);
    const isYesterday = isRestOfYesterday && isOn(days, dayBefore(weekday));
    return { holds: isToday || isYesterday, explanation: `the time is ${weekday} ${clockTime(minuteOfDay)}` };
  };
}

function isOn(days: TimeSpan['days'], day: TimeSpan['days'][number]): boolean {
  return days.length === 0 || days.includes(day);
}

function dayBefore(day: TimeSpan['days'][number]): TimeSpan['days'][number] {
  return WEEKDAYS.at(WEEKDAYS.indexOf(day) - 1) ?? day;
}

function clockTime(minuteOfDay: number): string {
  const parts = [Math.floor(minuteOfDay / 60), minuteOfDay % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function nested({ all, any, not }: RuleCondition): Check[] {
  return [
    ...(all ? [allOf(all.map(compileCondition))] : []),
    ...(any ? [anyOf(any.map(compileCondition))] : []),
    ...(not ? [negated(compileCondition(not))] : []),
  ];
}

/** The first that fails is told, or all when none does. */
function allOf(checks: readonly Check[]): Check {
  return (subject) => {
    const explanations: string[] = [];
    for (const check of checks) {
      const finding = check(subject);
      if (!finding.holds) return finding;
      explanations.push(finding.explanation);
    }
    return { holds: true, explanation: explanations.join(', ') };
  };
}

/** The first that holds is told, or all when none does. */
function anyOf(checks: readonly Check[]): Check {
  return (subject) => {
    const explanations: string[] = [];
    for (const check of checks) {
      const finding = check(subject);
      if (finding.holds) return finding;
      explanations.push(finding.explanation);
    }
    return { holds: false, explanation: explanations.join(', ') };
  };
}

function negated(check: Check): Check {
  return (subject) => {
    const { holds, explanation } = check(subject);
    return { holds: !holds, explanation };
  };
}
