import test from 'ava';
import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { shardProducer } from '../../../src/message/batch.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { Chronicle, type Hole } from './chronicle.ts';
import { FilePaths } from './file-path.ts';
import { whyLines } from './why.ts';

const PRODUCER = 'c000000000000001';
const FILE = `${PRODUCER}${'0'.repeat(16)}`;
const SUMS = { journal: SUMS_JOURNAL, begin: 64, end: 176, byteLength: 112, producer: shardProducer(0), count: 1 };
const QUESTION = { line: 'planted', atNs: null, journal: SUMS_JOURNAL, offset: 64, file: FILE };

/** The events of a soak have numbers and times, and no causes. */
function numbered(events: readonly object[], firstN = 1): LoggedEvent[] {
  return events.map((event, index) => ({ n: firstN + index, atNs: (index + 1) * 1e9, ...event }) as LoggedEvent);
}

/** A summer is killed, comes back, claims its shard, and publishes a sum for the second time. */
const KILLED = numbered([
  { event: 'ready', process: 'summer-0' },
  { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 1, sumsHead: 0 },
  { event: 'fault', id: 4, kind: 'pause-broker', target: 'broker' },
  { event: 'fault', id: 5, kind: 'kill-summer', target: 'summer-0' },
  { event: 'ended', process: 'summer-0', exitCode: null },
  { event: 'raised', process: 'summer-0', shard: 0, epoch: 2, sumsHead: 64 },
  { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 2, sumsHead: 64 },
  { event: 'batch', ...SUMS, stampNs: 8e9, epoch: 2, index: 1, files: [FILE] },
  { event: 'found', process: 'exactly-once', kind: 'duplicate', detail: '', journal: SUMS_JOURNAL, offset: 64 },
]);

function why(events: readonly LoggedEvent[], holes: readonly Hole[] = []): string {
  const chronicle = new Chronicle(events, { holes });
  return whyLines(chronicle, QUESTION, { paths: new FilePaths(chronicle), effect: null }).join('\n');
}

test('without told causes the walk goes from a sum to its claim, to the end of the process, and to the fault', (t) => {
  const lines = why(KILLED);
  const order = [/sums at 64/, /has confirmed shard 0 with epoch 2/, /has raised shard 0/, /is killed/, /fault 5 is/];
  const places = order.map((line) => lines.slice(lines.indexOf('by what caused each')).search(line));
  t.false(places.includes(-1), lines);
  t.deepEqual(
    places.toSorted((one, other) => one - other),
    places,
    lines,
  );
  t.regex(lines, /first events that made it possible:\n.*kill-summer/);
  t.notRegex(lines, /pause-broker/);
});

test('a fault that had healed before the end of a process did not end it', (t) => {
  const told = numbered([
    { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 1, sumsHead: 0 },
    { event: 'fault', id: 5, kind: 'pause-summer', target: 'summer-0' },
    { event: 'fault-healed', id: 5, kind: 'pause-summer', target: 'summer-0' },
    { event: 'ended', process: 'summer-0', exitCode: null },
    { event: 'raised', process: 'summer-0', shard: 0, epoch: 2, sumsHead: 64 },
    { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 2, sumsHead: 64 },
    { event: 'batch', ...SUMS, stampNs: 8e9, epoch: 2, index: 1, files: [FILE] },
  ]);
  t.regex(why(told), /summer-0 is killed/);
  t.notRegex(why(told), /fault 5 is injected/);
});

test('a takeover is the cause of the claim of the successor', (t) => {
  const taken = numbered([
    { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 1, sumsHead: 0 },
    { event: 'fault', id: 7, kind: 'takeover-running', target: 'summer-0' },
    { event: 'raised', process: 'summer-1', shard: 0, epoch: 2, sumsHead: 64 },
    { event: 'confirmed', process: 'summer-1', shard: 0, epoch: 2, sumsHead: 64 },
    { event: 'batch', ...SUMS, stampNs: 5e9, epoch: 2, index: 1, files: [FILE] },
  ]);
  t.regex(why(taken), /summer-1 has raised shard 0 with epoch 2\n.*fault 7 is injected: takeover-running of summer-0/);
});

test('a record was acknowledged because of the batch that holds it', (t) => {
  const journal = chunkJournal(0);
  const batch = { event: 'batch', journal, stampNs: 1, byteLength: 1, producer: PRODUCER };
  const told = numbered([
    { ...batch, begin: 0, end: 1, index: 0, count: 4 },
    { ...batch, begin: 1, end: 2, index: 4, count: 4 },
    { event: 'acknowledged', producer: PRODUCER, partition: 0, through: 6, stampNs: 1 },
  ]);
  const chronicle = new Chronicle(told);
  const question = { line: 'planted', atNs: 3e9 };
  const lines = whyLines(chronicle, question, { paths: new FilePaths(chronicle), effect: null }).join('\n');
  t.regex(lines, /records below 6 of partition 0 are durable\n.*at 1: records 4 to 7/);
});

test('where earlier events were not kept, the walk says so instead of guessing', (t) => {
  const holes = [{ fromNs: 0, toNs: 5e9, events: 6, what: 'batch 6' }];
  const kept = KILLED.slice(5);
  t.regex(why(kept, holes), /what led to that is not known: of 6 events before it only counts were kept/);
  t.notRegex(why(KILLED), /not known: of/);
});

test('a lost file leads from what was found to the last that is known of it', (t) => {
  const workload = { seed: 1, chunkerNumber: 0, filesOpen: 1, chunks: { low: 1, high: 1 } };
  const options = { ...workload, chunkBytes: { low: 1, high: 1 }, partitions: 1 };
  const journal = chunkJournal(0);
  const batch = { journal, begin: 0, end: 9, byteLength: 9, producer: PRODUCER, index: 0, count: 2 };
  const lost = numbered([
    { event: 'ready', process: 'chunker-0' },
    { event: 'producer', process: 'chunker-0', producer: PRODUCER, workload: options, fileCount: null },
    { event: 'phase', phase: 'steady' },
    { event: 'batch', ...batch, stampNs: 3e9 },
    { event: 'violation', process: 'chunker-0', kind: 'lost', detail: '', journal, index: 1, file: FILE },
    { event: 'halted' },
  ]);
  const chronicle = new Chronicle(lost);
  // The time of a table is rounded.
  const question = { line: 'planted', atNs: 5e9 + 400, journal, file: FILE };
  const lines = whyLines(chronicle, question, { paths: new FilePaths(chronicle), effect: null }).join('\n');
  t.regex(lines, /chunker-0 finds a violation: lost.*\n.*at 0: records 0 to 1 of .*\n.*chunker-0 is ready/);
});
