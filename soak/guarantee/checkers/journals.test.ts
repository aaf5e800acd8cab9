import test from 'ava';
import fc from 'fast-check';
import type { ViolationKind } from '../../../src/core/errors.ts';
import { PROMISES } from '../../../src/journal/promises.ts';
import { type BatchEvent, BatchReader } from './batch-reader.ts';
import type { HistoryEvent } from '../history.ts';
import { JournalsChecker } from './journals.ts';
import { buildHistory } from './testing/history-builder.ts';
import { type Found, decoded, flipped, isChunks, isSums, placeOf, replaced, resealed, run } from './testing/planted.ts';

function check(events: readonly HistoryEvent[]): Found {
  return run(new JournalsChecker(), events);
}

test('clean journals give no finding', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      const { kinds, inconclusive } = check(buildHistory({ seed }));
      t.deepEqual(kinds, []);
      t.deepEqual(inconclusive, []);
    }),
    { numRuns: 15 },
  );
});

test('a batch that stands again further on is a violation unless its engine may store it twice', (t) => {
  const events = buildHistory({ seed: 1 });
  const at = events.findIndex(isMiddle);
  const twice = events[at];
  if (twice === undefined || !isBatch(twice)) throw new Error('the history has a batch');
  const repeated = inserted(events, at, twice);
  t.deepEqual(check(repeated).kinds, ['duplicate']);
  const { gazette } = PROMISES;
  t.deepEqual(run(new JournalsChecker(new BatchReader(gazette), gazette), repeated).kinds, []);
});

test('where an engine may store records twice, another record at the same index is a mismatch', (t) => {
  const events = buildHistory({ seed: 1 });
  const { gazette } = PROMISES;
  for (const fits of [isChunks, isSums]) {
    for (let at = events.findIndex(fits); at >= 0; at = events.findIndex((event, next) => next > at && fits(event))) {
      const first = events[at];
      if (first === undefined || !isBatch(first)) throw new Error('the history has a batch');
      const { kind, firstIndex, count, payload } = decoded(first);
      if (kind === 'end') continue;
      const other = Uint8Array.from(payload);
      // The last byte of its last record, which stays whole.
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      const found = run(
        new JournalsChecker(new BatchReader(gazette), gazette),
        inserted(events, at, resealed(first, { payload: other })),
      );
      t.deepEqual(found.kinds, ['mismatched']);
      t.is(found.violations[0]?.index, firstIndex + count - 1);
    }
  }
});

test('an end below the next index, which readers skip as a repetition, ends nothing', (t) => {
  const events = buildHistory({ seed: 1 });
  const at = events.findIndex((event) => isEnd(event) && decoded(event).firstIndex > 0);
  const end = events[at];
  if (end === undefined || !isBatch(end)) throw new Error('a producer ends');
  // Another process retired it, and a late batch came first. The end that counts follows.
  const skipped = resealed(end, { firstIndex: decoded(end).firstIndex - 1 });
  const moved = movedOnBy(end);
  const ended = [...events.slice(0, at), skipped, ...events.slice(at).map(moved)];
  const { gazette } = PROMISES;
  t.deepEqual(run(new JournalsChecker(new BatchReader(gazette), gazette), ended).kinds, []);
});

/** Puts a batch behind the event at this place. */
function inserted(events: readonly HistoryEvent[], at: number, batch: BatchEvent): HistoryEvent[] {
  const moved = movedOnBy(batch);
  return [...events.slice(0, at + 1), moved(batch), ...events.slice(at + 1).map(moved)];
}

/** Moves what stands in the journal of the batch on by its length. */
function movedOnBy({ journal, begin, end }: BatchEvent): (event: HistoryEvent) => HistoryEvent {
  const by = end - begin;
  return (event) => {
    if (isHead(event) && event.journal === journal) return { ...event, offset: event.offset + by };
    if (!isBatch(event) || event.journal !== journal) return event;
    return { ...event, begin: event.begin + by, end: event.end + by };
  };
}

type Head = Extract<HistoryEvent, { event: 'head' }>;
const isHead = (event: HistoryEvent): event is Head => event.event === 'head';
const isBatch = (event: HistoryEvent): event is BatchEvent => event.event === 'batch';
const isEnd = (event: HistoryEvent): event is BatchEvent => isChunks(event) && decoded(event).kind === 'end';
const isMiddle = (event: HistoryEvent): event is BatchEvent => isBatch(event) && decoded(event).firstIndex > 0;

/** The change of one batch, and the kind that is found first. */
const PLANTED: readonly (readonly [
  title: string,
  kind: ViolationKind,
  fits: (event: HistoryEvent) => event is BatchEvent,
  change: (event: BatchEvent, bit: number) => readonly HistoryEvent[],
])[] = [
  ['a batch that is left out', 'gap', isChunks, () => []],
  ['a batch that stands twice at one place', 'duplicate', isBatch, (event) => [event, event]],
  ['a bit that is flipped', 'corrupt', isBatch, (event, bit) => [{ ...event, bytes: flipped(event.bytes, bit) }]],
  ['a batch that is cut', 'corrupt', isBatch, (event) => [{ ...event, bytes: event.bytes.subarray(0, -1) }]],
  ['an index that is skipped', 'gap', isBatch, (event) => [shifted(event, 1)]],
  ['an index that comes again', 'duplicate', isMiddle, (event) => [shifted(event, -1)]],
  [
    'a producer of another run in a chunk journal',
    'phantom',
    isChunks,
    (event) => [resealed(event, { producer: 'ab'.repeat(8) })],
  ],
  ['a shard that does not exist', 'phantom', isSums, (event) => [resealed(event, { producer: '00000000000000ff' })]],
  ['sums in a chunk journal', 'corrupt', isChunks, (event) => [resealed(event, { kind: 'sums' })]],
  ['a count that is wrong', 'corrupt', isChunks, (event) => [resealed(event, { kind: 'chunks', count: 1_000 })]],
];

function shifted(event: BatchEvent, by: number): BatchEvent {
  return resealed(event, { firstIndex: decoded(event).firstIndex + by });
}

for (const [title, kind, fits, change] of PLANTED) {
  test(`${title} is ${kind}`, (t) => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (seed, which, bit) => {
        const events = buildHistory({ seed: seed % 50 });
        // The last batch of a producer in a journal may go unnoticed by this checker; other checkers miss it.
        const planted = replaced(events, fits, which, (event) => change(event, bit));
        const { violations, inconclusive } = check(planted);
        if (violations.length === 0) t.regex(inconclusive.join(), /ends at/);
        else t.is(violations[0]?.kind, kind);
      }),
      { numRuns: 15 },
    );
  });
}

test('a batch in a journal that is not its own is corrupt', (t) => {
  const events = buildHistory();
  const moved = replaced(events, isChunks, 0, (event) => [{ ...event, journal: 'chunks/part-002' }]);
  t.true(check(moved).kinds.includes('corrupt'));
});

test('what comes after the end of a producer is a phantom, and again from the first index a duplicate', (t) => {
  const events = buildHistory();
  const place = placeOf(events, isEnd, 0);
  const end = events[place];
  if (end === undefined || !isChunks(end)) throw new Error('a producer ends');
  const last = events.findLastIndex((event) => isChunks(event) && event.journal === end.journal);
  const head = events[last];
  if (head === undefined || !isChunks(head)) throw new Error('a journal has batches');
  const { firstIndex } = decoded(end);
  for (const [index, kind] of [
    [firstIndex + 1, 'phantom'],
    [0, 'duplicate'],
  ] as const) {
    const again = { ...resealed(end, { firstIndex: index }), begin: head.end, end: head.end + end.bytes.length };
    t.is(check(events.toSpliced(last + 1, 0, again)).violations[0]?.kind, kind);
  }
});

test('a journal that ends before what was read of it has lost something; one that goes on was not read', (t) => {
  const events = buildHistory();
  const shorter = replaced(events, isHead, 1, (event) => [{ ...event, offset: event.offset - 1 }]);
  t.deepEqual(check(shorter).kinds, ['acknowledged-loss']);
  const longer = replaced(events, isHead, 1, (event) => [{ ...event, offset: event.offset + 1 }]);
  t.deepEqual(check(longer).kinds, []);
  t.regex(check(longer).inconclusive[0] ?? '', /chunks\/part-001 ends at/);
});

test('after a hole that the auditor names, indexes and offsets are learnt anew', (t) => {
  const events = buildHistory();
  const hole = replaced(events, isChunks, 7, ({ journal, begin, end, atNs }) => [
    { event: 'unread', journal, from: begin, to: end, atNs },
  ]);
  t.deepEqual(check(hole).kinds, []);
  t.notDeepEqual(check(replaced(hole, isChunks, 40, () => [])).kinds, []);
});
