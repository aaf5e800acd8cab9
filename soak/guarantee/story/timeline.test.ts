import test from 'ava';
import { timelineOf, timelinePage } from '../../../src/report/timeline.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { Chronicle } from './chronicle.ts';
import type { Telling } from './telling.ts';
import { timelineOfRun } from './timeline.ts';

const PRODUCER = '8d58437230e4f21d';
const WORKLOAD = {
  seed: 1,
  chunkerNumber: 0,
  filesOpen: 2,
  chunks: { low: 1, high: 1 },
  chunkBytes: { low: 8, high: 8 },
  partitions: 1,
};

/** A life that a fault kills, and a life that does not end. */
const HAPPENED = [
  { event: 'run', seed: 1, slaMs: 1_000, partitions: 1, processes: ['broker', 'summer-0', 'chunker-0'], faults: {} },
  { event: 'phase', phase: 'warm-up' },
  { event: 'started', process: 'broker' },
  { event: 'ready', process: 'broker' },
  { event: 'started', process: 'summer-0' },
  { event: 'ready', process: 'summer-0' },
  { event: 'raised', process: 'summer-0', shard: 0, epoch: 1, sumsHead: 0 },
  { event: 'confirmed', process: 'summer-0', shard: 0, epoch: 1, sumsHead: 0 },
  { event: 'producer', process: 'chunker-0', producer: PRODUCER, workload: WORKLOAD, fileCount: null },
  { event: 'fault', id: 1, kind: 'crash', target: 'summer-0' },
  { event: 'ended', process: 'summer-0', exitCode: null },
  { event: 'fault-effective', id: 1, kind: 'crash', target: 'summer-0' },
  { event: 'started', process: 'summer-0' },
  { event: 'verified', producer: PRODUCER, fileNumber: 0 },
] as const;

function telling(happened: readonly object[] = HAPPENED): Telling {
  const events = happened.map((event, index) => ({ n: index + 1, atNs: 1e9 + index * 1e8, ...event })) as LoggedEvent[];
  return {
    title: 'a run of </script><b>',
    verdict: 'VIOLATED',
    remarks: [],
    chronicle: new Chronicle(events),
    violations: [{ line: 'summer-0: gap: planted', atNs: 1.5e9 }],
    failures: [],
    doubts: [],
    effect: null,
  };
}

test('the data of the page are what the events say', (t) => {
  const timeline = timelineOf(timelinePage(timelineOfRun(telling())));
  t.deepEqual(timeline.lanes, ['broker', 'summer-0', 'chunker-0']);
  t.deepEqual(
    timeline.spans.map(({ lane, fromS, toS, readyS }) => [lane, fromS, readyS, toS]),
    [
      [0, 0.2, 0.3, 1.3],
      [1, 0.4, 0.5, 1],
      [1, 1.2, null, 1.3],
    ],
  );
  const [fault] = timeline.faults;
  t.deepEqual([fault?.lanes, fault?.atS, fault?.toS, fault?.hasHit], [[1], 0.9, 1.1, true]);
  t.deepEqual(
    timeline.violations.map(({ lane, atS }) => [lane, atS]),
    [[1, 0.5]],
  );
  t.deepEqual(
    timeline.marks.map(({ lane, kind, atS }) => [lane, kind, atS]),
    [
      [1, 'claims', 0.6],
      [1, 'claims', 0.7],
    ],
  );
  t.is(
    timeline.activity.counts.flat().reduce((sum, count) => sum + count, 0),
    HAPPENED.length,
  );
  t.deepEqual(
    timeline.files.map(({ id, steps }) => [id, steps.length]),
    [[`${PRODUCER}${'0'.repeat(16)}`, 1]],
  );
  t.deepEqual(timeline.leftOut, []);
});

test('what is not drawn is counted: files, marks, and what was kept as counts only', (t) => {
  const files = Array.from({ length: 250 }, (_, fileNumber) => ({ event: 'verified', producer: PRODUCER, fileNumber }));
  const claims = Array.from({ length: 4_500 }, () => ({ ...HAPPENED[6] }));
  const { chronicle, ...rest } = telling([...HAPPENED, ...files.slice(1), ...claims]);
  const hole = { fromNs: 0, toNs: 1e9, events: 7, what: 'batch 7' };
  const holed = { ...rest, chronicle: new Chronicle(chronicle.events, { holes: [hole] }) };
  const { leftOut, files: shown, marks } = timelineOfRun(holed);
  t.is(shown.length, 200);
  t.is(marks.length, 4_000);
  t.regex(leftOut[0] ?? '', /only counts were kept of 7 events: batch 7$/);
  t.deepEqual(leftOut.slice(1), ['502 of 4502 marks, evenly over time', '50 of 250 paths of files']);
});

test('the page needs nothing else, and no text of a run can end its scripts', (t) => {
  const page = timelinePage(timelineOfRun(telling()));
  t.is(page.match(/<\/script>/g)?.length, 3);
  const [before = '', , after = ''] = page.split(/<script>|<\/script>/);
  for (const part of [before, after]) t.notRegex(part, /<link|<img|@import|src=|https?:/);
  t.true(before.includes('a run of &lt;/script&gt;&lt;b&gt;: VIOLATED'));
  t.is(timelineOf(page).title, 'a run of </script><b>: VIOLATED');
});
