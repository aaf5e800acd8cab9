import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import type { Totals } from '../../src/fleet/meter.ts';
import { generationChunks, isSteady, type Look, steadinessOf, unsteadyText } from './steadiness.ts';
import { growthLoad, loadOf } from './loads.ts';

const NONE: Totals = {
  chunksPublished: 0,
  bytesPublished: 0,
  chunksFolded: 0,
  sumsVerified: 0,
  chunksVerified: 0,
  bytesVerified: 0,
  filesOpen: 0,
  sumsOutstanding: 0,
};

/** One look after each step, in which so many chunks are published; the other counts are a share of these. */
function looksOf(steps: number, { folded = 1, verified = 1, published = 100, grows = 0 } = {}): Look[] {
  return Array.from({ length: steps + 1 }, (_, step) => ({
    totals: {
      ...NONE,
      chunksPublished: step * published,
      bytesPublished: step * published * 32,
      chunksFolded: step * published * folded,
      chunksVerified: step * published * verified,
    },
    diskBytes: step * published * 32 * grows,
  }));
}

test('a generation is all files that are open at once', (t) => {
  t.is(generationChunks(loadOf(1, 32)), 100 * 100);
  t.is(generationChunks(growthLoad(1, { files: 100_000 })), 100_000 * 100);
  t.is(generationChunks(growthLoad(1, { chunkers: 4 })), 4 * 100 * 100);
});

test('steady is what was published, folded and verified alike, over three generations', (t) => {
  t.true(isSteady(steadinessOf(looksOf(8), 200)));
  for (const changes of [{ verified: 1.06 }, { verified: 0.94 }, { folded: 0.94 }, { folded: 1.06 }]) {
    const found = steadinessOf(looksOf(8, changes), 200);
    t.false(isSteady(found), JSON.stringify(changes));
    t.regex(unsteadyText(found) ?? '', /^never steady: of the chunks published in 3\.0 generations/);
  }
  const short = steadinessOf(looksOf(8), 300);
  t.false(isSteady(short), 'two generations and two thirds');
  t.regex(
    unsteadyText(short) ?? '',
    /^never steady: 2\.7 generations of files in 9 looks were seen, and it takes 3 in 5$/,
  );
});

test('nothing that flows is never steady', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 12 }), (steps) => {
      t.false(isSteady(steadinessOf(looksOf(steps, { published: 0 }), 1)));
    }),
  );
  t.false(isSteady(steadinessOf([], 1)));
});

test('files that are opened together are found not to be steady until they end as they are opened', (t) => {
  // Each record goes to one of 20,000 slots by chance; lengths are 1 to 199, as in the rows of growth.
  const prng = Prng.fromSeed(1);
  const slots = 20_000;
  const [length, sequence] = [new Int32Array(slots), new Int32Array(slots)];
  for (let slot = 0; slot < slots; slot += 1) length[slot] = prng.between(1, 199);
  let [published, verified] = [0, 0];
  const looks: Look[] = [];
  const states: boolean[] = [];
  // One look at each tenth of a generation.
  for (let record = 0; record < 100 * slots * 9; record += 1) {
    if (record % (10 * slots) === 0) {
      looks.push({
        totals: { ...NONE, chunksPublished: published, chunksFolded: published, chunksVerified: verified },
        diskBytes: 0,
      });
      states.push(isSteady(steadinessOf(looks, 100 * slots)));
    }
    const slot = prng.below(slots);
    if (sequence[slot] === length[slot]) {
      verified += length[slot] ?? 0;
      length[slot] = prng.between(1, 199);
      sequence[slot] = 0;
    } else {
      sequence[slot] = (sequence[slot] ?? 0) + 1;
      published += 1;
    }
  }
  // The recorded window was in the second generation, in which a third more is verified than published.
  t.false(states.slice(0, 30).includes(true), 'within the first three generations');
  t.true(states.slice(60).every(Boolean), 'from the seventh on');
});

test('whether the journal reuses its pages is judged by the last looks', (t) => {
  t.true(steadinessOf(looksOf(8, { grows: 0.04 }), 200).reusesPages);
  t.false(steadinessOf(looksOf(8, { grows: 0.06 }), 200).reusesPages);
  t.false(steadinessOf(looksOf(3, { grows: 0 }), 200).reusesPages, 'too few looks');
  const onCluster = looksOf(8, { grows: 0 }).map((look): Look => ({ ...look, diskBytes: null }));
  t.is(steadinessOf(onCluster, 200).reusesPages, null, 'a cluster has no file of the broker');
});
