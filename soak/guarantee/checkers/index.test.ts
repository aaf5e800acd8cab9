import test from 'ava';
import fc from 'fast-check';
import type { HistoryEvent } from '../history.ts';
import type { Finding } from '../violation.ts';
import { decideVerdict } from '../verdict.ts';
import { checkHistory, makeCheckers } from './index.ts';
import { type HistoryOptions, buildHistory } from './testing/history-builder.ts';
import { flipped, replaced } from './testing/planted.ts';

type BatchEvent = Extract<HistoryEvent, { event: 'batch' }>;
const isBatch = (event: HistoryEvent): event is BatchEvent => event.event === 'batch';

const anyShape: fc.Arbitrary<Partial<HistoryOptions>> = fc.record({
  seed: fc.nat(1e6),
  chunkers: fc.integer({ min: 1, max: 3 }),
  partitions: fc.integer({ min: 1, max: 5 }),
  filesOpen: fc.integer({ min: 1, max: 12 }),
  chunks: fc.tuple(fc.nat(3), fc.nat(9)).map(([low, more]) => ({ low, high: low + more })),
  chunkBytes: fc.constantFrom({ low: 1, high: 1 }, { low: 1, high: 200 }, { low: 64, high: 64 }),
});

test('clean histories of any shape hold', (t) => {
  fc.assert(
    fc.property(anyShape, (options) => {
      const { verdict, violations } = checkHistory(buildHistory({ records: 60, ...options }));
      t.deepEqual(verdict, { verdict: 'HOLDS', exitCode: 0, reasons: [] });
      t.deepEqual(violations, []);
    }),
    { numRuns: 40 },
  );
});

test('a history is checked as it comes: the same events give the same findings', (t) => {
  const events = replaced(buildHistory(), isBatch, 50, () => []);
  t.deepEqual(checkHistory(events), checkHistory(events));
});

test('without any one of its batches, or with any bit of one changed, no history holds', (t) => {
  const events = buildHistory();
  const batches = events.filter(isBatch).length;
  for (let which = 0; which < batches; which += 5) {
    const dropped = checkHistory(replaced(events, isBatch, which, () => []));
    t.not(dropped.verdict.verdict, 'HOLDS', `without batch ${which}`);
    const changed = replaced(events, isBatch, which, (event) => [
      { ...event, bytes: flipped(event.bytes, which * 7_919) },
    ]);
    const { verdict, violations } = checkHistory(changed);
    t.is(verdict.verdict, 'VIOLATED', `with a bit of batch ${which} changed`);
    t.is(violations[0]?.kind, 'corrupt');
    const twice = checkHistory(replaced(events, isBatch, which, (event) => [event, event]));
    t.is(twice.violations[0]?.kind, 'duplicate', `with batch ${which} twice`);
  }
});

test('no history that is cut at either end holds, and the empty one is inconclusive', (t) => {
  const events = buildHistory();
  t.is(checkHistory([]).verdict.verdict, 'INCONCLUSIVE');
  for (let length = 1; length < events.length; length += 23) {
    t.is(checkHistory(events.slice(0, length)).verdict.verdict, 'INCONCLUSIVE', `the first ${length}`);
    t.not(checkHistory(events.slice(length)).verdict.verdict, 'HOLDS', `without the first ${length}`);
  }
});

test('two events that have changed places are no harm as long as no rule orders them', (t) => {
  const events = buildHistory();
  const claims = events.flatMap((event, place) => (event.event === 'raised' ? [place] : []));
  const claim = claims[3] ?? 0;
  const late = events.toSpliced(claim, 1).toSpliced(claim + 4, 0, ...events.slice(claim, claim + 1));
  const restamped = late.map((event, place) => ({ ...event, atNs: events[place]?.atNs ?? 0 }));
  t.deepEqual(checkHistory(restamped).verdict.reasons, []);
});

test('nobody having looked is inconclusive', (t) => {
  t.deepEqual(decideVerdict([]), {
    verdict: 'INCONCLUSIVE',
    exitCode: 3,
    reasons: ['no checker has looked at the history'],
  });
});

function gapAt(atNs: number): Finding {
  return { process: 'state', kind: 'gap', detail: `at ${atNs}`, atNs, journal: 'chunks/part-000', index: 4 };
}

test('a violation beats every doubt; the earliest is named first, and those that were not kept are counted', (t) => {
  const verdict = decideVerdict([
    { violations: [gapAt(9)], violationCount: 1_001, inconclusive: ['no sum was read'] },
    { violations: [gapAt(3)], violationCount: 1, inconclusive: [] },
  ]);
  t.deepEqual(verdict, {
    verdict: 'VIOLATED',
    exitCode: 10,
    reasons: [
      'state: gap journal=chunks/part-000 index=4: at 3',
      'state: gap journal=chunks/part-000 index=4: at 9',
      'and 1,000 more',
      'no sum was read',
    ],
  });
});

test('a doubt alone is inconclusive', (t) => {
  const doubt = { violations: [], violationCount: 0, inconclusive: ['time goes back'] };
  t.deepEqual(decideVerdict([doubt]), { verdict: 'INCONCLUSIVE', exitCode: 3, reasons: ['time goes back'] });
});

test('every checker has a name of its own, and figures come with the verdict', (t) => {
  const names = makeCheckers().map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  t.true((checkHistory(buildHistory()).summary['filesJudged'] ?? 0) > 50);
});
