import test from 'ava';
import fc from 'fast-check';
import { encodeSum } from '../../src/message/sum.ts';
import { BatchReader } from './checkers/batch-reader.ts';
import { buildHistory } from './checkers/testing/history-builder.ts';
import { flipped } from './checkers/testing/planted.ts';
import { soakHistory } from './checkers/testing/soak-history.ts';
import type { Happening, HistoryEvent } from './history.ts';
import { LISTED_MAX, isLoggedEvent, loggedEvent, type LoggedEvent } from './logged-event.ts';

type Checkpoint = Extract<HistoryEvent, { event: 'checkpoint' }>;

const PRODUCER = 'c0ffee0000000001';
const FILE = `${PRODUCER}0000000000000001`;

/** Events that a built history does not have. */
const OTHERS: readonly HistoryEvent[] = [
  { atNs: 1, event: 'completed', producer: PRODUCER, fileNumber: 1, endIndex: 4, intendedNs: 3 },
  { atNs: 1, event: 'verified', producer: PRODUCER, fileNumber: 1 },
  { atNs: 1, event: 'verified-files', producer: PRODUCER, files: 2 },
  { atNs: 1, event: 'ending', producer: PRODUCER, endStep: 7 },
  { atNs: 1, event: 'unread', journal: 'sums', from: 1, to: 2 },
  { atNs: 1, event: 'trimmed', journal: 'sums', begin: 1, needed: 2 },
  { atNs: 1, event: 'violation', process: 'chunker-0', kind: 'lost', detail: 'planted', journal: 'sums', file: FILE },
];

function everyKind(seed = 1): HistoryEvent[] {
  return [...buildHistory({ seed, records: 30 }), ...OTHERS];
}

function logged(events: readonly HistoryEvent[]): LoggedEvent[] {
  const reader = new BatchReader();
  return events.map((event, index) => loggedEvent({ n: index + 1, event }, reader));
}

function readBack(event: LoggedEvent): unknown {
  return JSON.parse(JSON.stringify(event));
}

test('an event of every kind comes back from its line as it was written', (t) => {
  const kinds = new Set<string>();
  for (const event of logged(everyKind())) {
    const line = readBack(event);
    t.true(isLoggedEvent(line), JSON.stringify(line));
    t.deepEqual(line, event);
    kinds.add(event.event);
  }
  t.true(kinds.size >= 20, `${kinds.size} kinds`);
});

test('so does every event that only a soak has, without the histograms of what was said', (t) => {
  const failure = { process: 'summer-0', what: 'x', exitCode: null, beforeReady: false, lastLogLines: ['a'] };
  const others: readonly Happening[] = [
    { event: 'fault', id: 1, kind: 'pause-broker', target: 'broker', insteadOf: 7 },
    { event: 'fault-refuted', id: 1, kind: 'pause-broker', target: 'broker' },
    { event: 'fault-missed', id: 1, kind: 'pause-broker', target: 'broker' },
    { event: 'failed', ...failure },
    { event: 'crashed', ...failure },
    { event: 'interrupted', how: 'at once' },
    { event: 'halted' },
    { event: 'own-delay', fromNs: 7, cpuNs: 3 },
    { event: 'fault-recovered', id: 1, kind: 'kill-broker', target: 'broker', recoveredNs: 9 },
    { event: 'audited', error: 'no answer' },
    { event: 'doubt', reason: 'it hung', process: 'broker' },
    { event: 'found', process: 'state', kind: 'gap', detail: 'planted', index: 4 },
  ];
  const kinds = new Set<string>();
  for (const event of logged(soakHistory({ others }))) {
    const line = readBack(event);
    t.true(isLoggedEvent(line), JSON.stringify(line));
    t.deepEqual(line, event);
    kinds.add(event.event);
  }
  for (const { event } of others) t.true(kinds.has(event), event);
  for (const kind of ['said', 'up', 'flowed', 'faults-due', 'fault-healed', 'fault-recovered', 'unfollowed']) {
    t.true(kinds.has(kind), kind);
  }
  const said = soakHistory().find((event) => event.event === 'said' && event.said.event === 'progress');
  t.true(said?.event === 'said' && said.said.event === 'progress' && said.said.component === 'chunker');
  if (said?.event !== 'said' || said.said.event !== 'progress' || said.said.component !== 'chunker') return;
  const [kept] = logged([{ ...said, said: { ...said.said, latency: 'AAAA', scheduleLag: 'BBBB' } }]);
  t.like(kept, { said: { latency: null, scheduleLag: null, verifiedTotal: said.said.verifiedTotal } });
  t.false(isLoggedEvent({ ...kept, said: { event: 'progress', component: 'chunker' } }));
});

test('a line that has lost a field, or has something else in it, is refused', (t) => {
  const events = logged(everyKind());
  const optional = new Set(['cause', 'tells', 'flowMsMin', 'fault', 'epoch', 'events', 'journal', 'offset', 'file']);
  for (const name of ['index', 'begin', 'files', 'openFiles', 'unpublishedFiles', 'producer', 'count']) {
    optional.add(name);
  }
  fc.assert(
    fc.property(fc.nat(events.length - 1), fc.nat(), fc.constantFrom('drop', 'spoil'), (at, pick, how) => {
      const line = readBack(events[at] as LoggedEvent) as Record<string, unknown>;
      const names = Object.keys(line).filter((name) => how === 'spoil' || !optional.has(name));
      const name = names[pick % names.length] ?? 'event';
      if (how === 'drop') delete line[name];
      else line[name] = typeof line[name] === 'object' ? -1 : {};
      t.false(isLoggedEvent(line), `${how} ${name}: ${JSON.stringify(line)}`);
    }),
  );
  for (const value of [null, 1, 'run', [], {}, { event: 'toString', n: 1, atNs: 1 }, { event: 'end', n: 0, atNs: 1 }]) {
    t.false(isLoggedEvent(value));
  }
});

test('a batch keeps its place, its header and the files of its sums, and none of its bytes', (t) => {
  const batches = everyKind().filter((event) => event.event === 'batch');
  const [chunks] = logged(batches.filter(({ journal }) => journal !== 'sums'));
  const [sums] = logged(batches.filter(({ journal }) => journal === 'sums'));
  t.like(chunks, {
    event: 'batch',
    index: 0,
    byteLength: batches.find(({ journal }) => journal !== 'sums')?.bytes.length,
  });
  t.false('epoch' in (chunks ?? {}));
  t.false('files' in (chunks ?? {}));
  t.true(sums?.event === 'batch' && sums.epoch === 1 && sums.files?.length === sums.count);
  for (const event of logged(batches)) t.false('bytes' in event);
});

test('a batch that does not verify is kept with its fault', (t) => {
  const batch = everyKind().find((event) => event.event === 'batch');
  t.truthy(batch);
  if (batch === undefined) return;
  const bytes = Buffer.from(flipped(Buffer.from(batch.bytes), batch.bytes.length * 8 - 1));
  const [event] = logged([{ ...batch, bytes }]);
  t.true(isLoggedEvent(readBack(event as LoggedEvent)));
  t.true(event?.event === 'batch' && event.fault?.includes('checksum') === true && event.producer === undefined);
});

function sumOf(file: number): Buffer {
  const fileId = file.toString(16).padStart(32, '0');
  return encodeSum({ fileId, lastSequence: 1, bytes: 0, digest: 'ab'.repeat(32) });
}

/** A checkpoint with so many open files and unpublished sums. */
function checkpointOf(count: number): Checkpoint {
  const files = Array.from({ length: count }, (_, file) => file);
  return {
    atNs: 1,
    event: 'checkpoint',
    process: 'summer-0',
    shard: 0,
    moment: 'restart',
    offset: 10,
    nextSum: 3,
    nextIndexes: { [PRODUCER]: 5 },
    openFiles: Object.fromEntries(
      files.map((file) => [
        file.toString(16).padStart(32, '0'),
        { lastSequence: 1, bytes: 2, digest: 'cd'.repeat(32) },
      ]),
    ),
    outbox: [{ first: 0, sums: Buffer.concat(files.map(sumOf)) }],
  };
}

test('a checkpoint lists what is open while that is short, and counts it always', (t) => {
  for (const count of [0, 1, LISTED_MAX, LISTED_MAX + 1]) {
    const [event] = logged([checkpointOf(count)]);
    t.true(isLoggedEvent(readBack(event as LoggedEvent)));
    t.true(event?.event === 'checkpoint' && event.openFileCount === count && event.unpublishedCount === count);
    t.is(event?.event === 'checkpoint' && event.openFiles !== undefined, count <= LISTED_MAX);
    t.is(event?.event === 'checkpoint' && event.unpublishedFiles !== undefined, count <= LISTED_MAX);
  }
});
