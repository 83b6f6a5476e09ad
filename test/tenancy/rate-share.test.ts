import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOAN_MS, RateShare } from '../../src/tenancy/rate-share.ts';

const LIMIT = 60;

/** One of three nodes: its own share is 20. */
function shareOf(view = { members: 3, isWhole: true }) {
  return new RateShare(() => view);
}

describe('a share of a limit', () => {
  test('is an equal part of it, less what is lent and more what is borrowed', () => {
    const share = shareOf();
    assert.equal(share.max(LIMIT, 0), 20);
    assert.equal(share.lend('b', 1, 12, LIMIT, 0), 12);
    share.setBorrowed('c', 5, 0);
    assert.equal(share.max(LIMIT, 0), 13);
    assert.equal(share.left(LIMIT, 0), 48, 'what others use of theirs is not known here');
  });

  test('what is lent counts as gone for a minute after whoever has it must have given it up', () => {
    const share = shareOf();
    share.lend('b', 1, 20, LIMIT, 0);
    assert.equal(share.max(LIMIT, LOAN_MS + 60_000), 0);
    assert.equal(share.max(LIMIT, LOAN_MS + 70_000), 20);
  });

  test('what is borrowed ends by the time it was asked for, however late the answer came', () => {
    const share = shareOf();
    share.setBorrowed('b', 20, 1_000);
    assert.equal(share.max(LIMIT, LOAN_MS + 999), 40);
    assert.equal(share.max(LIMIT, LOAN_MS + 1_000), 20);
  });

  test('a message that was overtaken by a later one changes nothing', () => {
    const share = shareOf();
    assert.equal(share.lend('b', 2, 15, LIMIT, 0), 15);
    assert.equal(share.lend('b', 1, 0, LIMIT, 0), 0);
    assert.equal(share.max(LIMIT, 0), 5);
  });

  test('what is no longer needed is given up before it is said', () => {
    const share = shareOf();
    share.setBorrowed('b', 20, 0);
    assert.deepEqual(share.duties(LIMIT, 1_000), [{ lender: 'b', wanted: 0 }]);
    assert.equal(share.max(LIMIT, 1_000), 20);
  });

  test('what is needed is asked for again when half of its time is over, and not before', () => {
    const share = shareOf();
    share.setBorrowed('b', 10, 0);
    share.used.add(30, 0, 0);
    assert.deepEqual(share.duties(LIMIT, 1_000), []);
    assert.deepEqual(share.duties(LIMIT, LOAN_MS / 2), [{ lender: 'b', wanted: 10 }]);
  });

  test('a node with clients of its own lends half of what is free, one that is short nothing, and takes back', () => {
    const share = shareOf();
    share.used.add(10, 0, 0);
    assert.equal(share.lend('b', 1, 20, LIMIT, 0), 5);
    share.lacks(LIMIT, 30, 0);
    assert.equal(share.lend('c', 1, 20, LIMIT, 0), 0);
    assert.equal(share.lend('b', 2, 5, LIMIT, 0), 0);
    assert.equal(share.max(LIMIT, 0), 15, 'the other one may just have used it');
    assert.equal(share.max(LIMIT, LOAN_MS + 70_000), 20);
  });

  test('what is borrowed is lent to nobody', () => {
    const share = shareOf();
    share.setBorrowed('b', 20, 0);
    assert.equal(share.lend('c', 1, 40, LIMIT, 0), 20);
  });
});
