// A configuration in few words, for the start, check-config and the doctor.

import type { Config } from '../config/config.ts';

/** `name: account/model → account/model`, the default chain marked. */
export function chainLines(config: Config): string[] {
  return Object.entries(config.chains).map(([name, { targets }]) => {
    const path = targets.map(({ account, model }) => `${account}/${model}`).join(' → ');
    return `${name}: ${path}${name === config.defaultChain ? ' (also for every other model name)' : ''}`;
  });
}

/** How many there are, and nothing else of them. */
export function keyText(count: number): string {
  if (count === 0) return 'no key';
  return count === 1 ? 'key set' : `${count} keys`;
}
