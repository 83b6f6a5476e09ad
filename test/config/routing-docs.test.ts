import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from './support.ts';

/** The YAML examples of a page, each a whole configuration but for its accounts. */
function examplesOf(page: string): string[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
}

function read(example: string) {
  const accounts = 'accounts: {openai: {provider: openai, key: k}, anthropic: {provider: anthropic, key: k}}\n';
  return parse(accounts + example.replaceAll('${OPENAI_API_KEY}', 'k'), { GROQ_API_KEY: 'k' });
}

test('every example of docs/routing.md is a valid configuration', () => {
  const examples = examplesOf('routing.md');
  assert.equal(examples.length, 3);
  for (const example of examples) {
    const { config, warnings } = read(example);
    assert.deepEqual(warnings, []);
    assert.ok((config.rules?.length ?? 0) > 0 || config.chains.main?.hedge);
  }
});

test('the example of docs/shadow.md is a valid configuration', () => {
  const [example = '', ...others] = examplesOf('shadow.md');
  const { config, warnings } = read(example);
  assert.deepEqual([others, warnings, config.chains.main?.shadow], [[], [], { to: 'cheap', share: 0.05 }]);
});
