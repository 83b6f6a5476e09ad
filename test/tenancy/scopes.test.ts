import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { ANONYMOUS, type Scopes } from '../../src/tenancy/principal.ts';
import { checkScopes } from '../../src/tenancy/scopes.ts';

const USE = { model: 'gpt-5-mini', endpoint: 'chat' };

const CASES: readonly [scopes: Scopes, refusal: string | undefined][] = [
  [{}, undefined],
  [{ models: ['gpt-*'] }, undefined],
  [{ models: ['gpt-5-mini'] }, undefined],
  [{ models: ['*'] }, undefined],
  [{ models: ['gpt-5'] }, "This key may not use the model 'gpt-5-mini'."],
  [{ models: ['GPT-*'] }, "This key may not use the model 'gpt-5-mini'."],
  [{ models: [] }, "This key may not use the model 'gpt-5-mini'."],
  [{ endpoints: ['chat'] }, undefined],
  [{ endpoints: ['embeddings', 'rerank'] }, 'This key may not use chat. It may use: embeddings, rerank.'],
];

for (const [scopes, refusal] of CASES) {
  test(`with the scopes ${JSON.stringify(scopes)} a chat is ${refusal === undefined ? 'allowed' : 'forbidden'}`, () => {
    const check = () => checkScopes({ ...ANONYMOUS, scopes }, USE);
    if (refusal === undefined) return check();
    assert.throws(check, (error) => {
      assert.ok(error instanceof GatewayError);
      assert.deepEqual([error.code, error.message], ['forbidden', refusal]);
      return true;
    });
  });
}
