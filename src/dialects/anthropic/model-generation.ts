// What a Claude generation takes, read from the model's name. Names without "claude" are other makers' models behind
// a compatible server: those imitate the older API, with thinking budgets and sampling parameters.

/** `none`: no thinking at all; `budget`: `enabled` with budget_tokens; `adaptive`: budgets are deprecated or refused. */
export type ThinkingStyle = 'none' | 'budget' | 'adaptive';

export interface ModelGeneration {
  readonly isClaude: boolean;
  readonly thinkingStyle: ThinkingStyle;
  /** Claude 4.7 and later refuse temperature, top_p and top_k. */
  readonly hasSampling: boolean;
  /** Effort `xhigh` came with Claude 4.7. */
  readonly hasExtraHighEffort: boolean;
  /** Structured answers came with Claude Opus 4.1 and 4.5; earlier models refuse `output_config.format`. */
  readonly hasGrammar: boolean;
  /** Messages of role `system` between the turns came with Claude Opus 4.8; earlier models refuse them. */
  readonly hasSystemTurns: boolean;
}

/** Hundreds and minor: 4.6 is 406. Names without a version (previews) are taken for new ones. */
const NEWEST = 9_999;

/** `claude-3-5-haiku-20241022`, `claude-opus-4-8`, `anthropic/claude-4.7-opus`, `eu.anthropic.claude-sonnet-5-v1:0`. */
export function generationOf(model: string): ModelGeneration {
  const name = model.toLowerCase();
  if (!name.includes('claude')) {
    return {
      isClaude: false,
      thinkingStyle: 'budget',
      hasSampling: true,
      hasExtraHighEffort: false,
      hasGrammar: true,
      hasSystemTurns: false,
    };
  }
  const [, major, minor] = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(name) ?? [];
  const version = major === undefined ? NEWEST : Number(major) * 100 + Number(minor ?? 0);
  const budgetOrNone = version < 307 ? 'none' : 'budget';
  return {
    isClaude: true,
    thinkingStyle: version < 406 ? budgetOrNone : 'adaptive',
    hasSampling: version < 407,
    hasExtraHighEffort: version >= 407,
    hasGrammar: version >= 401,
    hasSystemTurns: version >= 408,
  };
}
