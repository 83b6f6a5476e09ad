// What a model on one's own machine costs: the electricity that its tokens take.

import type { EnergyConfig } from '../config/config.ts';
import type { Rates } from './price.ts';

const WATTS_PER_KILOWATT = 1_000;
const SECONDS_PER_HOUR = 3_600;

/**
 * Without `promptTokensPerSecond` long prompts are overstated: machines read faster than they write.
 * 300 W at $0.30 and 50 tokens a second: a million tokens take 20,000 s, which is 1.67 kWh and $0.50.
 */
export function energyRates({ watts, pricePerKwh, tokensPerSecond, promptTokensPerSecond }: EnergyConfig): Rates {
  const dollarsPerSecond = (watts / WATTS_PER_KILOWATT / SECONDS_PER_HOUR) * pricePerKwh;
  const perMillion = (speed: number): number => (dollarsPerSecond * 1_000_000) / speed;
  return { input: perMillion(promptTokensPerSecond ?? tokensPerSecond), output: perMillion(tokensPerSecond) };
}
