import test from 'ava';
import fc from 'fast-check';
import { Prng, mix32, mixWords } from './prng.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });

function u32(value: bigint): bigint {
  return value & 0xffff_ffffn;
}

/** SFC32 as its author has it (PractRand, `sfc.cpp`), on unsigned integers without a bound. */
function* reference(state: readonly number[]): Generator<number> {
  let [a, b, c, counter] = state.map((part) => u32(BigInt(part))) as [bigint, bigint, bigint, bigint];
  for (;;) {
    const sum = u32(a + b + counter);
    counter = u32(counter + 1n);
    a = b ^ (b >> 9n);
    b = u32(c + (c << 3n));
    c = u32(((c << 21n) | (c >> 11n)) + sum);
    yield Number(sum);
  }
}

test('the numbers are those of SFC32, from any state', (t) => {
  fc.assert(
    fc.property(word, word, word, word, (a, b, c, counter) => {
      const prng = Prng.fromState([a, b, c, counter]);
      const expected = reference([a, b, c, counter]);
      t.deepEqual(
        Array.from({ length: 20 }, () => prng.next32()),
        Array.from({ length: 20 }, () => expected.next().value),
      );
    }),
  );
});

test('a seed has the same numbers on every machine and in every version', (t) => {
  const prng = Prng.fromSeed(1, 2, 3);
  t.deepEqual(
    Array.from({ length: 4 }, () => prng.next32()),
    [511_505_809, 2_387_839_924, 95_768_858, 3_616_531_392],
  );
  t.deepEqual(
    [mix32(0), mix32(1), mix32(0xffff_ffff), mixWords(), mixWords(0), mixWords(1, 2)],
    [0, 1_753_845_952, 1_734_902_346, 2_654_435_769, 4_255_801_372, 2_072_075_546],
  );
});

test('other words, or the same in another order, give other numbers', (t) => {
  const lists = [[], [0], [1], [0, 0], [0, 1], [1, 0], [1, 1], [2], [0xffff_ffff], [1, 2, 3], [3, 2, 1]];
  t.is(new Set(lists.map((list) => Prng.fromSeed(...list).next32())).size, lists.length);
});

test('no two of many words mix to the same', (t) => {
  const mixed = Uint32Array.from({ length: 300_000 }, (_, at) => mix32(at * 14_001)).toSorted();
  t.is(
    mixed.findIndex((value, at) => at > 0 && value === mixed[at - 1]),
    -1,
  );
});

test('a saved state goes on with the same numbers, wherever it was taken', (t) => {
  fc.assert(
    fc.property(word, fc.nat(100), (seed, steps) => {
      const prng = Prng.fromSeed(seed);
      for (let step = 0; step < steps; step += 1) prng.next32();
      const state = prng.state();
      // Through a file's f64, as the generator's snapshot has it.
      const restored = Prng.fromState(Float64Array.from(state) as unknown as [number, number, number, number]);
      t.deepEqual(restored.state(), state);
      for (let step = 0; step < 20; step += 1) t.is(restored.next32(), prng.next32());
    }),
  );
});

test('numbers stay within their bounds and reach both ends', (t) => {
  fc.assert(
    fc.property(
      word,
      fc.integer({ min: 1, max: 2 ** 32 }),
      fc.integer({ min: -1000, max: 1000 }),
      (seed, bound, low) => {
        const prng = Prng.fromSeed(seed);
        const below = prng.below(bound);
        t.true(Number.isInteger(below) && below >= 0 && below < bound);
        const between = prng.between(low, low + (bound % 2000));
        t.true(Number.isInteger(between) && between >= low && between <= low + (bound % 2000));
      },
    ),
  );
  const prng = Prng.fromSeed(9);
  const seen = new Set(Array.from({ length: 1000 }, () => prng.between(-3, 3)));
  t.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [-3, -2, -1, 0, 1, 2, 3],
  );
  t.is(prng.below(1), 0);
});

test('every value below a bound is about as frequent as another', (t) => {
  const prng = Prng.fromSeed(4);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 100_000; draw += 1) {
    const value = prng.below(10);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  // The standard deviation of each is 95.
  for (const count of counts) t.true(Math.abs(count - 10_000) < 500, `${count}`);
});
