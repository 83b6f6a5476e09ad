// A process that imports documents without end, to be killed: tells each that is stored. Every third one is long.

import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { systemClock } from '../../../src/system/system-clock.ts';
import { importedDocument } from './imported-document.ts';

const knowledge = createKnowledge({ file: process.argv[2] ?? '', clock: systemClock });
const first = Number(process.argv[3] ?? 0);

for (let number = first; ; number += 4) {
  const numbers = [number, number + 1, number + 2, number + 3];
  await Promise.all(numbers.map((one) => knowledge.store(importedDocument(one))));
  process.stdout.write(`${numbers.join('\n')}\n`);
}
