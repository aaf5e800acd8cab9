import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import { detectableShifts, leastSignFlipP, type PairedRow, signFlipTest } from './statistics-sign-flip.ts';
import { noise } from './testing/noise.ts';

/**
 * Darwin's crossed and self-fertilized maize, eighths of an inch: Fisher, The Design of Experiments (1935), section
 * 21.
 */
const MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];

const rowsOf = (pairs: number, rows: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: pairs, maxLength: pairs }), {
    minLength: 1,
    maxLength: rows,
  });

const OPTIONS = { seed: 1, floor: 0.5 };

test("Fisher's test of Darwin's maize", (t) => {
  // 863 of 32,768 choices of signs give so great a sum, and as many so small a one.
  const { p, exact } = signFlipTest([MAIZE], { seed: 1, floor: 0, cut: Number.POSITIVE_INFINITY });
  t.deepEqual([p, exact], [[(2 * 863) / 2 ** 15], true]);
});

test('random flips come near the exact p, and a seed repeats them', (t) => {
  // Sixteen pairs: a difference of 0 doubles the choices and changes no sum.
  const options = { seed: 5, floor: 0, cut: Number.POSITIVE_INFINITY };
  const { p, exact } = signFlipTest([[...MAIZE, 0]], options);
  t.false(exact);
  t.true(Math.abs((p[0] ?? 0) - (2 * 863) / 2 ** 15) < 0.012, String(p));
  t.deepEqual(signFlipTest([[...MAIZE, 0]], options).p, p);
});

test('the step-down correction is the definition', (t) => {
  fc.assert(
    fc.property(rowsOf(6, 4), (rows) => {
      const found = signFlipTest(rows, { seed: 1, floor: 0, cut: Number.POSITIVE_INFINITY }).p;
      const expected = stepDown(rows);
      t.true(found.every((p, index) => Math.abs(p - (expected[index] ?? Number.NaN)) < 1e-9));
    }),
    { numRuns: 60 },
  );
});

/** Student's t, or a value with the same order of rows. */
function statistic(row: readonly number[], flip: number): number {
  const size = Math.hypot(...row);
  const sum = row.reduce((total, value, pair) => total + ((flip >> pair) & 1 ? -value : value), 0);
  return size === 0 ? 0 : Math.abs(sum) / size;
}

/** Westfall and Young's algorithm 2.8 word by word, over all flips: for few and short rows. */
function stepDown(rows: readonly (readonly number[])[]): number[] {
  const pairs = rows[0]?.length ?? 0;
  const observed = rows.map((row) => statistic(row, 0));
  return observed.map((_, index) => {
    // The greatest probability over all rows whose statistic is at least this one's.
    const stages = observed.map((at, stage) => ({ at, stage })).filter(({ at }) => at >= (observed[index] ?? 0) - 1e-9);
    return Math.max(
      ...stages.map(({ at }) => {
        const left = rows.filter((_row, other) => (observed[other] ?? 0) <= at + 1e-9);
        let reached = 0;
        for (let flip = 0; flip < 2 ** pairs; flip += 1) {
          if (Math.max(...left.map((row) => statistic(row, flip))) >= at - 1e-9) reached += 1;
        }
        return reached / 2 ** pairs;
      }),
    );
  });
}

test('neither the sides, nor the unit, nor the order of rows matters', (t) => {
  fc.assert(
    fc.property(rowsOf(8, 5), (rows) => {
      const { p } = signFlipTest(rows, OPTIONS);
      const swapped = rows.map((row) => row.map((value) => 0 - 2 * value));
      t.deepEqual(signFlipTest(swapped, { seed: 1, floor: 1 }).p, p);
      t.deepEqual(signFlipTest(rows.toReversed(), OPTIONS).p.toReversed(), p);
    }),
  );
});

test('one great shift among a hundred quiet rows is found in ten pairs', (t) => {
  const prng = Prng.fromSeed(17);
  const rows = noise(prng, 100, 10);
  rows[42] = (rows[42] ?? []).map((value) => value + 30);
  const { p } = signFlipTest(rows, OPTIONS);
  t.true((p[42] ?? 1) <= 0.05, `${p[42]}`);
});

test('a disturbed round does not hide a shift', (t) => {
  const shifted = [5.1, 4.9, 5.2, 5, 4.8, 5.3, 5.1, 4.7, 5, 5.2];
  const disturbed = shifted.with(3, -400);
  const plain = signFlipTest([disturbed], { seed: 1, floor: 0, cut: Number.POSITIVE_INFINITY });
  t.true((signFlipTest([disturbed], OPTIONS).p[0] ?? 1) < 0.05);
  t.true((plain.p[0] ?? 0) > 0.5);
});

test('what is not measured carries no weight, and too few pairs find nothing', (t) => {
  const row: PairedRow = [1, 2, null, 3, 1, 2, 1, 2];
  t.deepEqual(signFlipTest([row], OPTIONS).p, [2 / 2 ** 7]);
  t.deepEqual(signFlipTest([[null, null, null]], OPTIONS).p, [1]);
  t.true(leastSignFlipP(5) > 0.05 && leastSignFlipP(6) <= 0.05);
  t.deepEqual(detectableShifts([[1, 2, 1, 2, 1]], OPTIONS), [Number.POSITIVE_INFINITY]);
});
