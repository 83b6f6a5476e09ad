// The configuration of the article that flowmesh follows, to the letter: it must work as it is written there.

export const ARTICLE = `chains:
  default:
    - model: gpt-4
      provider: openai
      key: \${OPENAI_KEY}
    - model: claude-3-sonnet
      provider: anthropic
      key: \${ANTHROPIC_KEY}
    - model: mistral-7b
      provider: local
      url: http://127.0.0.1:8000/v1
`;
