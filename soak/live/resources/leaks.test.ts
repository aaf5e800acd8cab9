/** Leaks planted into simulated series, and series of clean processes, none of which may be called a leak. */

import test from 'ava';
import { Prng } from '../../../src/core/prng.ts';
import { type Resource, judgeLeaks } from './leaks.ts';
import { CLEAN, CLEAN_QUICK, type Made, isToldFromLeaks, leaksOf, seriesOf } from './testing/planted-leaks.ts';

for (const [name, made] of Object.entries(CLEAN)) if (CLEAN_QUICK.includes(name)) isToldFromLeaks(name, made);

/** Descriptors of connections that come and go. */
const coming: Made = (prng) => () => ({ value: 40 + prng.below(8) });

test('a planted leak of a descriptor in 10 s is found, and descriptors that come and go are none', (t) => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const prng = Prng.fromSeed(seed);
    const clean = Array.from({ length: 7 }, () => seriesOf(coming, prng));
    t.is(leaksOf(clean, 'descriptors'), 0, `seed ${seed}`);
    t.is(leaksOf([...clean, seriesOf(coming, prng, 0.1)], 'descriptors'), 1, `seed ${seed}`);
  }
});

test('what is listed is never called a leak, and what was watched too short is called neither', (t) => {
  const slope = { value: 1e9, low: 1e9, high: 1e9, p: 0, recent: 1e9, robust: () => 1e9 };
  const watched = (resource: Resource, of: typeof slope | null): Parameters<typeof judgeLeaks>[0][number] => ({
    process: 'broker',
    resource,
    seconds: 1_000,
    slope: of,
  });
  t.deepEqual(
    judgeLeaks([
      watched('rss', slope),
      watched('event-loop-lag', slope),
      watched('heap', null),
      watched('heap', slope),
    ]),
    ['listed', 'listed', 'short', 'leak'],
  );
});

test('growth that is significant and too small to matter is no leak', (t) => {
  const slight = { value: 1_000, low: 999, high: 1_001, p: 1e-12, recent: 1_000, robust: () => 1_000 };
  const enough = { value: 30_000, low: 29_999, high: 30_001, p: 1e-12, recent: 30_000, robust: () => 30_000 };
  const ended = { ...enough, recent: 100 };
  const few = { ...enough, robust: () => 100 };
  const judged = [slight, enough, ended, few].map(
    (slope) => judgeLeaks([{ process: 'soak', resource: 'memory', seconds: 1_200, slope }])[0],
  );
  t.deepEqual(judged, ['none', 'leak', 'none', 'none']);
  t.deepEqual(judgeLeaks([{ process: 'soak', resource: 'memory', seconds: 300, slope: enough }]), ['none']);
});

test('what V8 has not yet collected of a process that allocates little is no leak', (t) => {
  // A summer of a clean soak at 30 chunks/s.
  const slope = { value: 7_715, low: 5_042, high: 10_389, p: 1.2e-4, recent: 9_436, robust: () => 8_862 };
  t.deepEqual(judgeLeaks([{ process: 'summer-0', resource: 'memory', seconds: 1_114, slope }]), ['none']);
});
