// Notes that can be done without while the disk is full: they are dropped, and made at their next occasion. Most are made
// by timers, where an exception would end the process. That the disk is full is told by those who lose something by it.

import { isDiskFull } from '../errors.ts';

/** @throws what the write throws for any other reason */
export function unlessFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}
