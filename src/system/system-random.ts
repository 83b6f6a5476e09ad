// The real dice.

import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../ports.ts';

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
};
