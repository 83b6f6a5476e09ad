import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from './support.ts';

const text = readFileSync(new URL('../../docs/routing.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

test('every example of docs/routing.md is a valid configuration', () => {
  assert.equal(examples.length, 2);
  const accounts = 'accounts: {openai: {provider: openai, key: k}, anthropic: {provider: anthropic, key: k}}\n';
  for (const example of examples) {
    const { config, warnings } = parse(accounts + example.replaceAll('${OPENAI_API_KEY}', 'k'), { GROQ_API_KEY: 'k' });
    assert.deepEqual(warnings, []);
    assert.ok((config.rules?.length ?? 0) > 0);
  }
});
