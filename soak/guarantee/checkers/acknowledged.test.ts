import test from 'ava';
import fc from 'fast-check';
import type { ViolationKind } from '../../../src/core/errors.ts';
import { encodeChunk, fileIdOf } from '../../../src/message/chunk.ts';
import { AcknowledgedChecker } from './acknowledged.ts';
import type { HistoryEvent } from '../history.ts';
import { type HistoryOptions, type RecordPlace, buildHistory } from './testing/history-builder.ts';
import { type Found, decoded, isChunks, placeOf, replaced, retired, run } from './testing/planted.ts';

function check(events: readonly HistoryEvent[]): Found {
  return run(new AcknowledgedChecker(), events);
}

test('journals that hold what the seed says and what was acknowledged are clean', (t) => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      (seed, partitions, open) => {
        const { kinds, inconclusive } = check(buildHistory({ seed, partitions, filesOpen: open }));
        t.deepEqual(kinds, []);
        t.deepEqual(inconclusive, []);
      },
    ),
    { numRuns: 20 },
  );
});

test('a chunker that was retired is judged by what it was told, and its end must be in every journal', (t) => {
  for (const seed of [1, 2, 3]) {
    const { events, producer } = retired(buildHistory({ seed }));
    t.deepEqual(check(events), { kinds: [], violations: [], inconclusive: [] });
    const isEnd = (event: HistoryEvent): boolean =>
      isChunks(event) && decoded(event).producer === producer && decoded(event).kind === 'end';
    const [place = 0] = events.flatMap((event, at) => (isEnd(event) ? [at] : []));
    const unended = check(events.toSpliced(place, 1));
    t.deepEqual(unended.kinds, ['acknowledged-loss']);
    t.regex(unended.violations[0]?.detail ?? '', /was retired, and its end is not in the journal/);
    // The end that another process wrote is in the place of an acknowledged record that was lost.
    const told = events.map((event) =>
      event.event === 'acknowledged' && event.producer === producer ? { ...event, through: event.through + 1 } : event,
    );
    t.deepEqual(check(told).kinds, ['acknowledged-loss']);
  }
});

test('a producer that was retired before it had published anything has no end', (t) => {
  const silent = 'ffee000000000001';
  const events = buildHistory({ seed: 1 }).flatMap((event): HistoryEvent[] =>
    event.event === 'producer'
      ? [
          event,
          { ...event, producer: silent },
          { event: 'retired', atNs: event.atNs, process: 'chunker-9', producer: silent },
        ]
      : [event],
  );
  t.deepEqual(check(events), { kinds: [], violations: [], inconclusive: [] });
});

type Replace = (record: Buffer, turn: number) => readonly Buffer[];

/** Replaces records of one producer in one journal; `turn` counts them from the index on. */
function planted({ seed, index: from }: { seed: number; index: number }, replace: Replace): Found & { from: number } {
  const victim = { partition: 1, producer: '' };
  const record: HistoryOptions['tampering']['record'] = (original, { partition, producer, index }: RecordPlace) => {
    if (victim.producer === '') victim.producer = producer;
    const isVictim = partition === victim.partition && producer === victim.producer && index >= from;
    return isVictim ? replace(original, index - from) : [original];
  };
  return { ...check(buildHistory({ seed, tampering: { record } })), from };
}

const flip: Replace = (record, turn) => {
  if (turn === 0) record[record.length - 1] = (record.at(-1) ?? 0) ^ 4;
  return [record];
};
const drop: Replace = (record, turn) => (turn === 0 ? [] : [record]);
/** Larger than any chunk of a history; an end with more chunks than any file of a history has. */
const intrude: Replace = (record, turn) => (turn === 0 ? [foreign(record, 1, 91), record] : [record]);
const intrudeEnd: Replace = (record, turn) => (turn === 0 ? [foreign(record, 8, 0), record] : [record]);
const repeat: Replace = (record, turn) => (turn === 0 ? [record, record] : [record]);

function foreign(record: Buffer, sequence: number, dataBytes: number): Buffer {
  const fileId = fileIdOf(record.toString('hex', 8, 16), 900_000);
  return encodeChunk({ fileId, sequence, data: Buffer.alloc(dataBytes) });
}

/** Flips a bit of a record's data or, for an end, a bit of its file number. */
const PLANTED: readonly (readonly [title: string, kinds: readonly ViolationKind[], replace: Replace])[] = [
  // An end that names another file can equal the real end of that file, which stood before it in the same batch.
  ['a bit that was flipped before the batch was sealed', ['mismatched', 'phantom', 'gap', 'duplicate'], flip],
  ['a record that is left out', ['gap'], drop],
  ['a record that is repeated', ['duplicate'], repeat],
  ['a chunk that no file has', ['phantom'], intrude],
  ['an end that no file has', ['phantom'], intrudeEnd],
];
for (const [title, allowed, replace] of PLANTED) {
  test(`${title} is ${allowed[0]}, and its index is named`, (t) => {
    fc.assert(
      fc.property(fc.record({ seed: fc.nat(1e6), index: fc.nat(25) }), (place) => {
        const { violations, from } = planted(place, replace);
        t.true(allowed.includes((violations[0]?.kind ?? 'none') as ViolationKind), violations[0]?.detail);
        t.is(violations[0]?.index, replace === repeat ? from + 1 : from);
      }),
      { numRuns: 15 },
    );
  });
}

test('two records that have changed places in a batch are out of order', (t) => {
  fc.assert(
    fc.property(fc.record({ seed: fc.nat(1e6), index: fc.nat(25) }), (place) => {
      let first: Buffer | null = null;
      const { violations } = planted(place, (record, turn) => {
        if (turn === 0) first = record;
        if (turn === 0) return [];
        return turn === 1 && first !== null ? [record, first] : [record];
      });
      // With a boundary between them, or with another record of the same file, the first record is missing in its
      // place.
      t.true(['out-of-order', 'gap'].includes(violations[0]?.kind ?? 'none'), violations[0]?.detail);
      t.is(violations[0]?.index, place.index);
    }),
    { numRuns: 15 },
  );
});

test('records of another seed, and records beyond the end of the stream, are found', (t) => {
  // The second chunker opens a fixed number of files, and its stream ends with them.
  const events = buildHistory();
  const fewer = replaced(events, isProducer, 1, (event) => [{ ...event, fileCount: 30 }]);
  t.false(check(fewer).kinds.length === 0);
  const otherSeed = replaced(events, isProducer, 0, (event) => {
    return [{ ...event, workload: { ...event.workload, seed: event.workload.seed + 1 } }];
  });
  t.false(check(otherSeed).kinds.length === 0);
});

type Producer = Extract<HistoryEvent, { event: 'producer' }>;
const isProducer = (event: HistoryEvent): event is Producer => event.event === 'producer';
type Ending = Extract<HistoryEvent, { event: 'ending' }>;
const isEnding = (event: HistoryEvent): event is Ending => event.event === 'ending';
type Acknowledged = Extract<HistoryEvent, { event: 'acknowledged' }>;
const isAcknowledged = (event: HistoryEvent): event is Acknowledged => event.event === 'acknowledged';

test('another step of the end, or one that lies behind what is in a journal, is found', (t) => {
  const events = buildHistory();
  for (const by of [-5, 5]) {
    const moved = replaced(events, isEnding, 0, (event) => [{ ...event, endStep: event.endStep + by }]);
    t.false(check(moved).kinds.length === 0, `by ${by}`);
  }
  const twice = replaced(events, isEnding, 0, (event) => [event, { ...event, endStep: event.endStep + 1 }]);
  t.deepEqual(check(twice).kinds, ['mismatched']);
  t.deepEqual(check(replaced(events, isEnding, 0, (event) => [event, event])).kinds, []);
});

test('what was acknowledged and is in no journal is an acknowledged loss', (t) => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(1e6), (seed, which) => {
      const events = buildHistory({ seed });
      const more = replaced(events, isAcknowledged, which, (event) => [{ ...event, through: event.through + 10_000 }]);
      const { violations } = check(more);
      t.is(violations[0]?.kind, 'acknowledged-loss');
      t.regex(violations[0]?.journal ?? '', /^chunks\/part-/);
    }),
    { numRuns: 15 },
  );
});

test('a producer that has drained has its end in every journal', (t) => {
  const events = buildHistory();
  const end = placeOf(events, (event) => isChunks(event) && decoded(event).kind === 'end', 1);
  t.deepEqual(check(events.toSpliced(end, 1)).kinds, ['acknowledged-loss']);
  t.deepEqual(check(events.toSpliced(end, 1).slice(0, -1)).kinds, []);
});

test('a journal that expects again what it had acknowledged is found, although it is published again', (t) => {
  const events = buildHistory();
  const less = (by: number): HistoryEvent[] =>
    replaced(events, isAcknowledged, 9, (event) => [event, { ...event, through: event.through - by }]);
  t.deepEqual(check(less(0)).kinds, []);
  t.deepEqual(check(less(1)).kinds, ['acknowledged-loss']);
});

test('a journal is trimmed up to what is needed of it, and no further', (t) => {
  const events = buildHistory();
  const trimmed = (begin: number): HistoryEvent[] =>
    events.toSpliced(20, 0, { event: 'trimmed', atNs: events[20]?.atNs ?? 0, journal: 'sums', begin, needed: 640 });
  t.deepEqual(check(trimmed(640)).kinds, []);
  const { kinds, violations } = check(trimmed(641));
  t.deepEqual(kinds, ['acknowledged-loss']);
  t.is(violations[0]?.offset, 640);
});
