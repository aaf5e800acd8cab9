import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import { judgeRows, type JudgedRow } from './judge.ts';
import type { Design, Row, RowSide } from './rows.ts';

const OPTIONS = { threshold: 0.03, seed: 1 };

function rowOf(old: readonly number[], next: readonly number[], better: Row['better'] = 'lower'): Row {
  const pairs = old.map((value, index) => [value, next[index] ?? Number.NaN] as const);
  const names = { suite: 's', benchmark: 'b', parameters: '', metric: 'm', unit: 's' };
  return { ...names, better, old: sideOf(old), new: sideOf(next), pairs };
}

function sideOf(values: readonly number[]): RowSide {
  return { values, missing: 0, distrusted: 0, isDistrusted: false };
}

/** The change, or NaN, which fails every assertion. */
function changeOf({ change }: JudgedRow): number {
  return change.value ?? Number.NaN;
}

function judged(row: Row, design: Design): JudgedRow {
  const [found] = judgeRows([row], design, OPTIONS);
  if (found === undefined) throw new Error('one row in, one row out');
  return found;
}

/** `size` values near `centre`. */
function near(prng: Prng, centre: number, size = 10): number[] {
  return Array.from({ length: size }, () => centre * (1 + prng.between(-5, 5) / 1000));
}

test('both designs find the same change, and say by how much', (t) => {
  const prng = Prng.fromSeed(1);
  const row = rowOf(near(prng, 100), near(prng, 108));
  for (const design of ['interleaved', 'separate runs'] as const) {
    const found = judged(row, design);
    const { verdict, change, p } = found;
    t.is(verdict, 'worse');
    t.true(Math.abs(changeOf(found) - 0.08) < 0.01);
    t.true((change.low ?? 0) < changeOf(found) && changeOf(found) < (change.high ?? 0));
    t.true((p ?? 1) <= 0.05);
    t.is(judged({ ...row, better: 'higher' }, design).verdict, 'better');
  }
});

test('swapping old and new turns worse into better and the change into its inverse', (t) => {
  const values = fc.array(fc.integer({ min: 50, max: 150 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(values, values, (old, next) => {
      for (const design of ['interleaved', 'separate runs'] as const) {
        const [there, back] = [judged(rowOf(old, next), design), judged(rowOf(next, old), design)];
        t.true(Math.abs((1 + changeOf(there)) * (1 + changeOf(back)) - 1) < 1e-9);
        t.true(Math.abs((there.p ?? 0) - (back.p ?? 0)) < 1e-9);
        // A change of +3.05 % is a change of -2.96 % in the other direction.
        const isAtThreshold = Math.abs(Math.abs(Math.log1p(changeOf(there))) - 0.03) < 0.001;
        if (!isAtThreshold) t.is(there.verdict === 'worse', back.verdict === 'better');
      }
    }),
    { numRuns: 60 },
  );
});

function scaledUp(values: readonly number[]): number[] {
  return values.map((value) => value * 1024);
}

test('the unit of a row does not matter', (t) => {
  const prng = Prng.fromSeed(5);
  const [old, next] = [near(prng, 1), near(prng, 1.06)];
  for (const design of ['interleaved', 'separate runs'] as const) {
    const [plain, other] = [judged(rowOf(old, next), design), judged(rowOf(scaledUp(old), scaledUp(next)), design)];
    t.is(plain.p, other.p);
    t.true(Math.abs(changeOf(plain) - changeOf(other)) < 1e-9);
  }
});

test('a row with values of 0 is compared by differences', (t) => {
  const prng = Prng.fromSeed(9);
  const appeared = judged(
    rowOf(
      Array.from({ length: 10 }, () => 0),
      near(prng, 64),
    ),
    'interleaved',
  );
  t.is(appeared.verdict, 'worse');
  t.true(changeOf(appeared) > 0.9 && Number.isFinite(changeOf(appeared)));
  const nothing = judged(rowOf([0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]), 'interleaved');
  t.deepEqual([nothing.verdict, nothing.change.value, nothing.p], ['same', 0, 1]);
});

function constant(value: number): number[] {
  return Array.from({ length: 10 }, () => value);
}

test('values that never vary are compared too', (t) => {
  for (const design of ['interleaved', 'separate runs'] as const) {
    t.is(judged(rowOf(constant(7), constant(8)), design).verdict, 'worse');
    t.is(judged(rowOf(constant(7), constant(7)), design).verdict, 'same');
  }
});

test('with five pairs, or three runs a side, nothing can be told', (t) => {
  const prng = Prng.fromSeed(13);
  const few = (size: number): Row => rowOf(near(prng, 100, size), near(prng, 200, size));
  t.is(judged(few(5), 'interleaved').verdict, 'n too small');
  t.is(judged(few(6), 'interleaved').verdict, 'worse');
  t.is(judged(few(3), 'separate runs').verdict, 'n too small');
  t.is(judged(few(4), 'separate runs').verdict, 'worse');
  t.is(
    judgeRows([few(4), few(4)], 'separate runs', OPTIONS)[0]?.verdict,
    'n too small',
    'Holm needs more for two rows',
  );
});

test('a row of a few rounds does not stand in the way of the others', (t) => {
  const prng = Prng.fromSeed(21);
  const whole = rowOf(near(prng, 100), near(prng, 108));
  const short = rowOf(near(prng, 100), near(prng, 300));
  const cut = { ...short, pairs: short.pairs.map((pair, index) => (index < 2 ? pair : null)) };
  t.deepEqual(
    judgeRows([whole, cut], 'interleaved', OPTIONS).map(({ verdict }) => verdict),
    ['worse', 'n too small'],
  );
});

test('a row with a missing value has no median there, no change, and is no part of the test', (t) => {
  const prng = Prng.fromSeed(23);
  const row = rowOf(near(prng, 100), near(prng, 50));
  const whole = rowOf(near(prng, 100), near(prng, 108));
  const gap = { ...row, new: { ...row.new, missing: 1 } };
  for (const design of ['interleaved', 'separate runs'] as const) {
    const [found, other] = judgeRows([gap, whole], design, OPTIONS);
    t.like(found, { verdict: 'incomplete', p: null, detectable: null, new: { value: null } });
    t.is(found?.change.value, null);
    t.true((found?.old.value ?? 0) > 0, 'the side that is whole is shown');
    t.deepEqual(other, judged(whole, design));
  }
});

test('a row of which a side has no evidence is shown, and is no part of the test', (t) => {
  const prng = Prng.fromSeed(29);
  const row = rowOf(near(prng, 100), near(prng, 200));
  const doubted = { ...row, old: { ...row.old, distrusted: 10, isDistrusted: true } };
  for (const design of ['interleaved', 'separate runs'] as const) {
    const found = judged(doubted, design);
    t.like(found, { verdict: 'not trusted', p: null, oldDistrusted: 10 });
    t.true(changeOf(found) > 0.9);
  }
});
