import assert from 'node:assert/strict';
import { test } from 'node:test';
import { energyRates } from '../../src/tenancy/energy.ts';

test('a kilowatt for an hour costs the price of a kilowatt-hour', () => {
  // 1,000,000 tokens at 1,000,000 / 3,600 a second take one hour.
  const { output } = energyRates({ watts: 1_000, pricePerKwh: 0.25, tokensPerSecond: 1_000_000 / 3_600 });
  assert.equal(output.toFixed(12), '0.250000000000');
});

test('without a reading speed the prompt costs what the answer does', () => {
  const { input, output } = energyRates({ watts: 60, pricePerKwh: 0.3, tokensPerSecond: 10 });
  assert.equal(input, output);
  assert.equal(output.toFixed(12), '0.500000000000');
});
