import test from 'ava';
import fc from 'fast-check';
import type { ViolationKind } from '../../../src/core/errors.ts';
import { fileIdOf } from '../../../src/message/chunk.ts';
import type { HistoryEvent, OpenFileState } from '../history.ts';
import { StateChecker } from './state.ts';
import { type Checkpoint, buildHistory } from './testing/history-builder.ts';
import { type Found, flipped, isChunks, isSums, placeOf, replaced, run } from './testing/planted.ts';

function check(events: readonly HistoryEvent[]): Found {
  return run(new StateChecker(), events);
}

const isCheckpoint = (event: HistoryEvent): event is Checkpoint => event.event === 'checkpoint';
const isEnd = (event: HistoryEvent): event is Checkpoint => isCheckpoint(event) && event.moment === 'end';
/** A state in the middle of the run, with open files and unpublished sums. */
const isBusy = (event: HistoryEvent): event is Checkpoint =>
  isCheckpoint(event) && Object.keys(event.openFiles).length > 1 && event.outbox.length > 0 && event.nextSum > 3;
const isBusyRestart = (event: HistoryEvent): event is Checkpoint => isBusy(event) && event.moment === 'restart';

test('states that equal the fold of their journals give no finding', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 4 }), (seed, partitions) => {
      const events = buildHistory({ seed, partitions });
      t.deepEqual(check(events).kinds, []);
      t.true(events.some(isCheckpoint));
    }),
    { numRuns: 20 },
  );
});

type Change = (checkpoint: Checkpoint) => Partial<Checkpoint>;

function firstFile(checkpoint: Checkpoint): [string, OpenFileState] {
  const first = Object.entries(checkpoint.openFiles)[0];
  if (first === undefined) throw new Error('a file is open');
  return first;
}

function withFile(change: (state: OpenFileState) => Partial<OpenFileState>): Change {
  return (checkpoint) => {
    const [file, state] = firstFile(checkpoint);
    return { openFiles: { ...checkpoint.openFiles, [file]: { ...state, ...change(state) } } };
  };
}

function withoutFile(checkpoint: Checkpoint): Partial<Checkpoint> {
  const [file] = firstFile(checkpoint);
  return { openFiles: Object.fromEntries(Object.entries(checkpoint.openFiles).filter(([other]) => other !== file)) };
}

function withNewFile(number: (file: number) => number): Change {
  return (checkpoint) => {
    const [file, state] = firstFile(checkpoint);
    const other = fileIdOf(file.slice(0, 16), number(Number.parseInt(file.slice(16), 16)));
    return { openFiles: { ...checkpoint.openFiles, [other]: state } };
  };
}

function withIndexes(by: number): Change {
  return ({ nextIndexes }) => {
    return { nextIndexes: Object.fromEntries(Object.entries(nextIndexes).map(([id, next]) => [id, next + by])) };
  };
}

const PLANTED: readonly (readonly [title: string, kind: ViolationKind, change: Change])[] = [
  ['a file that is missing from the state', 'state-behind', withoutFile],
  ['a file that has not begun', 'state-ahead', withNewFile((file) => file + 1_000)],
  ['an offset below the state', 'state-behind', ({ offset }) => ({ offset: offset - 100 })],
  ['an offset above the state', 'state-ahead', ({ offset }) => ({ offset: offset + 100 })],
  [
    'a chunk that is not in the state',
    'state-behind',
    withFile(({ lastSequence }) => ({ lastSequence: lastSequence - 1 })),
  ],
  ['a chunk more in the state', 'state-ahead', withFile(({ lastSequence }) => ({ lastSequence: lastSequence + 1 }))],
  ['a digest that is wrong', 'mismatched', withFile(() => ({ digest: '0'.repeat(64) }))],
  ['bytes that are wrong', 'mismatched', withFile(({ bytes }) => ({ bytes: bytes + 1 }))],
  ['indexes below the state', 'state-behind', withIndexes(-1)],
  ['indexes above the state', 'state-ahead', withIndexes(1)],
  ['indexes that are forgotten', 'state-behind', () => ({ nextIndexes: {} })],
  ['a producer that never was', 'state-ahead', ({ nextIndexes }) => ({ nextIndexes: { ...nextIndexes, ff: 3 } })],
  ['a sum fewer', 'state-behind', ({ nextSum }) => ({ nextSum: nextSum - 1 })],
  ['a sum more', 'state-ahead', ({ nextSum }) => ({ nextSum: nextSum + 1 })],
  ['an outbox that ends early', 'state-behind', ({ outbox }) => ({ outbox: cutLast(outbox) })],
];

function cutLast(outbox: Checkpoint['outbox']): Checkpoint['outbox'] {
  return outbox.map(({ first, sums }, at) => ({
    first,
    sums: at === outbox.length - 1 ? sums.subarray(0, -64) : sums,
  }));
}

for (const [title, kind, change] of PLANTED) {
  test(`${title} is ${kind}`, (t) => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(1e6), (seed, which) => {
        const events = buildHistory({ seed });
        fc.pre(events.some(isBusy));
        const planted = replaced(events, isBusy, which, (event) => [{ ...event, ...change(event) }]);
        const { violations } = check(planted);
        t.is(violations[0]?.kind, kind, violations[0]?.detail);
        t.regex(violations[0]?.journal ?? '', /^chunks\/part-/);
      }),
      { numRuns: 12 },
    );
  });
}

test('a file that has ended in the journal and is still open in the state is behind', (t) => {
  const events = buildHistory();
  const planted = replaced(events, isBusy, 0, (event) => {
    const state = firstFile(event)[1];
    // All earlier files have ended except the open ones: this is the first that is not open.
    const open = new Set(Object.keys(event.openFiles));
    const ended = events.flatMap((other) =>
      other.event === 'verified' && other.atNs < event.atNs ? [fileIdOf(other.producer, other.fileNumber)] : [],
    );
    const sums = Object.fromEntries(ended.filter((file) => !open.has(file)).map((file) => [file, state]));
    return [{ ...event, openFiles: { ...event.openFiles, ...sums } }];
  });
  const { violations } = check(planted);
  t.is(violations[0]?.kind, 'state-behind');
});

test('a sum that is wrong in the outbox, and is not published yet, is mismatched', (t) => {
  const events = buildHistory();
  const checkpoint = events.findIndex(isBusy);
  // Nothing of the sums journal was read: the whole outbox is judged.
  const before = events.slice(0, checkpoint + 1).filter((event) => !isSums(event));
  t.deepEqual(check(before).kinds, []);
  for (let bit = 0; bit < 512; bit += 37) {
    const planted = replaced(before, isBusy, 0, (event) => [
      { ...event, outbox: event.outbox.map(({ first, sums }) => ({ first, sums: flipped(sums, bit) })) },
    ]);
    t.deepEqual(check(planted).kinds, ['mismatched'], `bit ${bit}`);
  }
});

test('sums that are published before the state has finished them are found at the restart', (t) => {
  const events = buildHistory();
  const sums = events.slice(placeOf(events, isBusyRestart, 0)).filter(isSums);
  const planted = replaced(events, isBusyRestart, 0, (event) => [
    ...sums.map((batch) => ({ ...batch, atNs: event.atNs })),
    event,
  ]);
  const { violations } = check(planted);
  t.is(violations[0]?.kind, 'state-behind');
  t.regex(violations[0]?.detail ?? '', /are in the sums journal .*restart/);
});

test('an outbox with a hole, or with a sum twice, is found', (t) => {
  const events = buildHistory();
  const doubled = (by: number): string[] => {
    const planted = replaced(events, isBusy, 0, (event) => {
      const all = Buffer.concat(event.outbox.map(({ sums }) => sums));
      const first = event.nextSum - all.length / 64;
      return [
        {
          ...event,
          outbox: [
            { first, sums: all },
            { first: event.nextSum + by, sums: all.subarray(0, 64) },
          ],
        },
      ];
    });
    return [...check(planted).kinds];
  };
  t.deepEqual(doubled(1), ['gap']);
  t.deepEqual(doubled(-1), ['duplicate']);
});

test('a state of another moment than its offset is ahead or behind', (t) => {
  fc.assert(
    fc.property(fc.nat(60), (seed) => {
      const events = buildHistory({ seed });
      const [early, late] = events.filter(isCheckpoint).filter(({ shard }) => shard === 1);
      if (early === undefined || late === undefined) throw new Error('there are checkpoints');
      fc.pre(early.offset < late.offset);
      const newer = events.map((event) => (event === early ? { ...late, offset: early.offset } : event));
      t.is(check(newer).violations[0]?.kind, 'state-ahead');
      const older = events.map((event) => (event === late ? { ...early, offset: late.offset } : event));
      t.is(check(older).violations[0]?.kind, 'state-behind');
    }),
    { numRuns: 15 },
  );
});

test('at the end nothing is open of a producer that is over, everything is folded, and every sum is published', (t) => {
  const events = buildHistory();
  const producer = events.find((event) => event.event === 'drained')?.producer ?? '';
  const state = { lastSequence: 1, bytes: 1, digest: '0'.repeat(64) };
  const change = (part: Partial<Checkpoint>): string[] => [
    ...check(replaced(events, isEnd, 1, (event) => [{ ...event, ...part }])).kinds,
  ];
  t.deepEqual(change({ openFiles: { [fileIdOf(producer, 3)]: state } }), ['leak']);
  t.true(change({ nextSum: 1_000 }).includes('lost'));
  t.true(change({ nextSum: 0 }).includes('state-behind'));
  t.true(change({ offset: 0 }).includes('state-behind'));
  const withoutSum = buildHistory({ tampering: { sum: (sum, { index }) => (index === 4 ? [] : [sum]) } });
  t.deepEqual(check(withoutSum).kinds, ['lost']);
});

test('a file of a producer that its process has given up for another is a leak at the end', (t) => {
  const events = buildHistory();
  const begun = { event: 'producer', process: 'chunker-0', producer: 'c1'.repeat(8), fileCount: null } as const;
  const first = events.find((event) => event.event === 'producer');
  if (first === undefined) throw new Error('there is a producer');
  const middle = events.findIndex(isCheckpoint);
  // The history stops in the middle, as if the chunker had begun another life.
  const cut = events.slice(0, middle);
  const { workload, atNs } = first;
  const checkpoint = events[middle];
  if (checkpoint === undefined || !isCheckpoint(checkpoint)) throw new Error('there is a checkpoint');
  const over = [...cut, { ...begun, workload, atNs }, { ...checkpoint, moment: 'end' as const }];
  t.deepEqual(check(over).kinds, ['leak']);
  t.deepEqual(check([...cut, { ...checkpoint, moment: 'end' as const }]).kinds, []);
});

test('what was not read is not judged', (t) => {
  const events = buildHistory();
  const hole = replaced(events, isChunks, 3, ({ journal, begin, end, atNs }) => [
    { event: 'unread', journal, from: begin, to: end, atNs },
  ]);
  t.deepEqual(check(hole).kinds, []);
  const last = events.findLast((event) => isChunks(event) && event.journal === 'chunks/part-000');
  t.notDeepEqual(check(events.filter((event) => event !== last)).kinds, []);
});
