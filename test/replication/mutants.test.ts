// The suite is worth something only if it notices when a rule is missing. Each broken variant must be caught soon.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Faults } from '../../src/replication/faults.ts';
import { liveThrough } from './support/chaos.ts';

const SEEDS_MAX = 60;

const MUTANTS: readonly (readonly [name: string, faults: Faults])[] = [
  ['superseded changes vanish without a cleared range', { noClearedRanges: true }],
  ['vectors advance on every page', { advancesOnEveryPage: true }],
  ['tombstones go by age alone', { collectsByTimeOnly: true }],
  ['equal stamps have no tie-break', { noTieBreak: true }],
  ['changes are stamped with the receiver’s clock', { stampsWithReceiversClock: true }],
];

for (const [name, faults] of MUTANTS) {
  test(`the suite notices when ${name}`, () => {
    let seed = 0;
    let complaints: string[] = [];
    while (complaints.length === 0 && seed < SEEDS_MAX) {
      seed += 1;
      complaints = liveThrough({ seed, isHarsh: true, faults });
    }
    assert.notDeepEqual(complaints, [], `${SEEDS_MAX} seeds found nothing`);
    assert.deepEqual(liveThrough({ seed, isHarsh: true }), [], 'the right variant lives through the same seed');
  });
}
