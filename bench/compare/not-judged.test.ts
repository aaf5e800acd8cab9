/** Rows that are shown for information, on run folders on disk. */

import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import type { Sample } from '../../src/results/samples.ts';
import { AGAIN, judge, pair, refused, SAME } from './testing/judging.ts';

/** The rows, and the same rows at another rate, in which neither direction is better. */
function withHalf(samples: readonly Sample[], factor: number): Sample[] {
  const half = samples.map(
    (sample): Sample => ({
      ...sample,
      benchmark: 'latency',
      parameters: 'rate=half chunk_bytes=32',
      better: 'none',
      value: (sample.value ?? 0) * factor,
    }),
  );
  return [...samples, ...half];
}

test('rows of which nothing is better are shown, and are no part of test, correction and gate', async (t) => {
  const [old, next] = await pair(
    t,
    { ...SAME, samples: withHalf(SAME.samples, 1) },
    { ...AGAIN, samples: withHalf(AGAIN.samples, 2) },
  );
  const { gate, comparison } = judge([old], [next]);
  t.deepEqual(gate, { exitCode: EXIT.holds, reasons: ['5 of 5 rows are known not to be worse'] });
  const shown = comparison.rows.filter(({ verdict }) => verdict === 'not judged');
  t.is(shown.length, 5);
  t.true(shown.every(({ p, detectable, change }) => p === null && detectable === null && (change.value ?? 0) > 0.9));
  const [bareOld, bareNext] = await pair(t, SAME, AGAIN);
  t.deepEqual(
    comparison.rows.filter(({ verdict }) => verdict !== 'not judged'),
    judge([bareOld], [bareNext]).comparison.rows,
    'the others are judged as without them',
  );
});

test('what is missing from rows of which nothing is better is a note', async (t) => {
  const [old, next] = await pair(
    t,
    { ...SAME, samples: withHalf(SAME.samples, 1) },
    {
      ...AGAIN,
      samples: withHalf(AGAIN.samples, 1).flatMap((sample): Sample[] => {
        if (sample.better !== 'none') return [sample];
        if (sample.metric === 'rss_bytes') return [];
        return [sample.round === 1 ? { ...sample, value: null } : sample];
      }),
    },
  );
  const { gate, comparison } = judge([old], [next]);
  t.is(gate.exitCode, EXIT.holds, gate.reasons.join('\n'));
  t.true(comparison.notes.includes('only in OLD: pipeline latency rate=half chunk_bytes=32 rss_bytes'));
  t.true(comparison.notes.some((note) => /rate=half .*: without a value: 0 of 10 in OLD, 1 of 10 in NEW/.test(note)));
});

test('rate=half was recorded with a direction once, and is not judged by it', async (t) => {
  const recorded = (samples: readonly Sample[], factor: number): Sample[] =>
    withHalf(samples, factor).map((sample) => (sample.better === 'none' ? { ...sample, better: 'lower' } : sample));
  const [old, next] = await pair(
    t,
    { ...SAME, samples: recorded(SAME.samples, 1) },
    { ...AGAIN, samples: recorded(AGAIN.samples, 2) },
  );
  t.is(judge([old], [next]).gate.exitCode, EXIT.holds);
  const [, now] = await pair(t, SAME, { ...AGAIN, samples: withHalf(AGAIN.samples, 2) });
  t.is(judge([old], [now]).gate.exitCode, EXIT.holds, 'a recorded run and one of today mean the same');
});

function halfOf(samples: readonly Sample[]): Sample[] {
  return withHalf(samples, 1).filter(({ better }) => better === 'none');
}

test('rows of which nothing is better are no comparison by themselves', async (t) => {
  const [old, next] = await pair(
    t,
    { ...SAME, samples: halfOf(SAME.samples) },
    { ...AGAIN, samples: halfOf(AGAIN.samples) },
  );
  refused(t, judge([old], [next]).gate, /^none of 0 rows could be compared: there is no row that OLD could judge$/);
});
