// fast-check with a seed of ours: `npm test` draws the same cases each time, so that a failure comes from a change and
// can be run again. `npm run fuzz` draws others.

import fc from 'fast-check';

const SUITE_SEED = 20;

/** FUZZ_SEED=… draws the cases of another seed. */
export const SEED = Number(process.env.FUZZ_SEED ?? SUITE_SEED);

fc.configureGlobal({ seed: SEED });

export { fc };
