import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OriginTable } from '../../src/replication/origin-table.ts';
import { addRange, hasSeq, intersect, isRangeSet, sizeOf, subtract } from '../../src/replication/range-set.ts';
import { RangeTable } from '../../src/replication/range-table.ts';
import { REPLICATION_MIGRATIONS } from '../../src/replication/schema.ts';
import { type DotRange, VersionVector } from '../../src/replication/version-vector.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { fc } from '../support/property.ts';

const range = fc
  .record({
    origin: fc.constantFrom('a', 'b', 'c'),
    epoch: fc.constantFrom(1, 2),
    first: fc.integer({ min: 1, max: 40 }),
    length: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ origin, epoch, first, length }): DotRange => ({ origin, epoch, first, last: first + length }));
const ranges = fc.array(range, { maxLength: 20 });

/** The plain model: a set of texts. */
function setOf(list: Iterable<DotRange>): Set<string> {
  const set = new Set<string>();
  for (const { origin, epoch, first, last } of list) {
    for (let seq = first; seq <= last; seq += 1) set.add(`${origin} ${epoch} ${seq}`);
  }
  return set;
}

const sorted = (set: Iterable<string>): string[] => [...set].sort();

test('a vector is a set of changes: adding, merging, taking away and sharing agree with sets', () => {
  fc.assert(
    fc.property(ranges, ranges, (left, right) => {
      const [a, b] = [VersionVector.of(left), VersionVector.of(right)];
      const [setA, setB] = [setOf(left), setOf(right)];
      assert.deepEqual(sorted(setOf(a.ranges())), sorted(setA));
      assert.equal(a.size, setA.size);
      assert.deepEqual(sorted(setOf(a.minus(b).ranges())), sorted(setA.difference(setB)));
      assert.deepEqual(sorted(setOf(a.and(b).ranges())), sorted(setA.intersection(setB)));
      assert.equal(a.dominates(b), setB.isSubsetOf(setA));
      const merged = a.copy();
      merged.merge(b);
      assert.deepEqual(sorted(setOf(merged.ranges())), sorted(setA.union(setB)));
    }),
  );
});

test('equal vectors have one text and one digest, in whatever order they grew', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const [forth, back] = [VersionVector.of(list), VersionVector.of([...list].reverse())];
      assert.equal(JSON.stringify(forth.toJson()), JSON.stringify(back.toJson()));
      assert.equal(forth.digest(), back.digest());
      assert.equal(VersionVector.parse(JSON.parse(JSON.stringify(forth.toJson())))?.equals(forth), true);
      for (const { origin, epoch, first, last } of list) {
        const longer = forth.copy();
        longer.add({ origin, epoch, first: 100, last: 100 });
        assert.notEqual(longer.digest(), forth.digest());
        assert.ok(forth.head(origin, epoch) >= last && forth.has({ origin, epoch, seq: first }));
      }
    }),
  );
});

test('ranges stay disjoint, ascending and never adjacent', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(9))), (adds) => {
      const set: number[] = [];
      for (const [first, length] of adds) addRange(set, first, first + length);
      assert.ok(isRangeSet(set), JSON.stringify(set));
      assert.ok(adds.every(([first, length]) => hasSeq(set, first) && hasSeq(set, first + length)));
      assert.equal(sizeOf(subtract(set, [3, 20])) + sizeOf(intersect(set, [3, 20])), sizeOf(set));
    }),
  );
  const set = [1, 4, 8, 9];
  addRange(set, 5, 7);
  assert.deepEqual(set, [1, 9]);
});

test('what is no vector is refused', () => {
  for (const value of [
    null,
    [],
    'a',
    { a: 1 },
    { a: [[1]] },
    { a: [[1, 2]] },
    { a: [[1, 0, 2]] },
    { a: [[1, 5, 2]] },
  ]) {
    assert.equal(VersionVector.parse(value), undefined, JSON.stringify(value));
  }
  assert.equal(VersionVector.parse({ a: [[1, 1, 2, 3, 4]] }), undefined, 'adjacent ranges are not canonical');
  assert.equal(VersionVector.parse({ a: [[1, 1, 2, 4, 4]] })?.size, 3);
});

test('the vector on disk is the vector in memory', () => {
  const database = openDatabase(':memory:', REPLICATION_MIGRATIONS);
  fc.assert(
    fc.property(ranges, range, fc.integer({ min: 1, max: 48 }), (list, window, gone) => {
      database.exec('DELETE FROM replication_known');
      const table = new RangeTable(database, 'replication_known', new OriginTable(database));
      for (const entry of list) table.add(entry);
      const vector = VersionVector.of(list);
      assert.equal(JSON.stringify(table.load().toJson()), JSON.stringify(vector.toJson()));
      assert.equal(VersionVector.of(table.within(window)).digest(), vector.and(VersionVector.of([window])).digest());
      assert.equal(table.has({ ...window, seq: window.first }), vector.has({ ...window, seq: window.first }));
      assert.equal(table.head('a', 1), vector.head('a', 1));
      table.remove({ origin: 'a', epoch: 1, seq: gone });
      const rest = vector.minus(VersionVector.of([{ origin: 'a', epoch: 1, first: gone, last: gone }]));
      assert.equal(table.load().digest(), rest.digest());
    }),
    { numRuns: 60 },
  );
  database.close();
});
