import test from 'ava';
import fc from 'fast-check';
import type { HistoryEvent } from '../history.ts';
import { checkHistory } from './index.ts';
import { type HistoryOptions, type Tampering, buildHistory } from './testing/history-builder.ts';
import { flipped, placeOf, recounted } from './testing/planted.ts';

/** Verdicts from the worst to the best. */
const RANK = { VIOLATED: 0, INCONCLUSIVE: 1, HOLDS: 2 } as const;

function rankOf(events: readonly HistoryEvent[]): number {
  return RANK[checkHistory(events).verdict.verdict];
}

/** Faults of a history, each shown by a single event in at least one place. */
const TAMPERINGS: readonly (readonly [what: string, tampering: Tampering])[] = [
  ['nothing', {}],
  ['a wrong sum', { sum: (sum, { index }) => [index === 7 ? { ...sum, bytes: sum.bytes + 1 } : sum] }],
  ['a sum that is missing', { sum: (sum, { index }) => (index === 4 ? [] : [sum]) }],
  ['a sum twice', { sum: (sum, { index }) => (index === 4 ? [sum, sum] : [sum]) }],
  ['an old epoch', { epoch: (epoch, { index }) => (index > 30 ? 1 : epoch) }],
  [
    'a record that is changed',
    { record: (record, { index }) => [index === 9 ? Buffer.from(flipped(record, record.length * 8 - 1)) : record] },
  ],
  ['a record that is missing', { record: (record, { index }) => (index === 9 ? [] : [record]) }],
  [
    'a state that is wrong at a restart',
    {
      checkpoint: (checkpoint) =>
        checkpoint.moment === 'restart' && checkpoint.shard === 0
          ? { ...checkpoint, nextSum: checkpoint.nextSum + 1 }
          : checkpoint,
    },
  ],
];

/** Events that are left out first, so that there is a doubt. */
const WITHHELD: readonly HistoryEvent['event'][] = ['end', 'acknowledged', 'drained', 'head', 'confirmed', 'verified'];

const shape: fc.Arbitrary<Partial<HistoryOptions>> = fc.record({
  seed: fc.nat(1e6),
  chunkers: fc.integer({ min: 1, max: 2 }),
  partitions: fc.integer({ min: 1, max: 3 }),
});

test('an event that is lost on its way never leaves a history that holds', (t) => {
  fc.assert(
    fc.property(shape, fc.constantFrom(...TAMPERINGS), fc.double({ min: 0, max: 1 }), (options, [, tampering], at) => {
      const events = buildHistory({ records: 60, ...options, tampering });
      const place = Math.min(events.length - 1, Math.floor((Number.isNaN(at) ? 0 : at) * events.length));
      const whole = rankOf(events);
      const rest = rankOf(events.toSpliced(place, 1));
      t.true(rest < RANK.HOLDS, `without ${events[place]?.event} at ${place}`);
      // A doubt never becomes HOLDS. A violation stays, or becomes a doubt.
      t.true(whole > RANK.VIOLATED || rest <= RANK.INCONCLUSIVE);
    }),
    { numRuns: 60 },
  );
});

test('an event that was never written makes no verdict better, whatever is wrong with the history', (t) => {
  fc.assert(
    fc.property(
      shape,
      fc.constantFrom(...TAMPERINGS.slice(1)),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
      (options, [what, tampering], places) => {
        let events = buildHistory({ records: 60, ...options, tampering });
        fc.pre(rankOf(events) < RANK.HOLDS);
        for (const at of places) {
          const place = Math.min(events.length - 1, Math.floor(at * events.length));
          const { event } = events[place] ?? { event: 'none' };
          events = recounted(events.toSpliced(place, 1));
          t.true(rankOf(events) < RANK.HOLDS, `${what}, without ${event} at ${place}`);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('what makes a history doubtful is not made up for by leaving out more', (t) => {
  fc.assert(
    fc.property(
      shape,
      fc.constantFrom(...WITHHELD),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (options, name, at) => {
        const events = recounted(buildHistory({ records: 60, ...options }).filter(({ event }) => event !== name));
        const place = Math.min(events.length - 1, Math.floor(at * events.length));
        t.true(rankOf(events) < RANK.HOLDS, name);
        t.true(rankOf(recounted(events.toSpliced(place, 1))) < RANK.HOLDS);
      },
    ),
    { numRuns: 40 },
  );
});

test('what a component has found is not lost with its word, nor with its exit', (t) => {
  const events = buildHistory();
  const at = placeOf(events, ({ event }) => event === 'ended', 99);
  const { atNs = 0 } = events[at] ?? {};
  const found: HistoryEvent[] = [
    { event: 'violation', process: 'broker', kind: 'corrupt', detail: 'planted', atNs },
    { event: 'ended', process: 'broker', exitCode: 10, atNs },
  ];
  t.is(rankOf(recounted(events.toSpliced(at, 1, ...found))), RANK.VIOLATED);
  t.is(rankOf(recounted(events.toSpliced(at, 1, ...found.slice(0, 1)))), RANK.VIOLATED);
  t.is(rankOf(recounted(events.toSpliced(at, 1, ...found.slice(1)))), RANK.VIOLATED);
});
