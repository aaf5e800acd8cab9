import test from 'ava';
import fc from 'fast-check';
import { fileIdOf } from '../../../src/message/chunk.ts';
import { Workload } from '../../../src/workload/workload.ts';
import type { Happening } from '../history.ts';
import { StoryFacts } from './story-facts.ts';
import { storyFields, storyTitle } from './story-lines.ts';
import { type ViolationStory, storiesOf } from './violation-stories.ts';

const PRODUCER = 'c0ffee0000000001';
const WORKLOAD = {
  seed: 7,
  chunkerNumber: 1,
  filesOpen: 5,
  chunks: { low: 3, high: 9 },
  chunkBytes: { low: 32, high: 32 },
  partitions: 4,
};
const PARTITION_OF = new Workload(WORKLOAD);

type Timed = readonly [atMs: number, happening: Happening];

const BEGIN: readonly Timed[] = [
  [0, { event: 'run', seed: 7, slaMs: 500, partitions: 4, processes: [], faults: {} }],
  [100, { event: 'producer', process: 'chunker-0', producer: PRODUCER, workload: WORKLOAD, fileCount: null }],
  [110, ready('summer-0', [0, 2])],
  [120, ready('summer-1', [1, 3])],
];

function ready(process: string, shards: readonly number[]): Happening {
  const said = { event: 'ready', component: 'summer', pid: 1, shards, epochs: shards.map(() => 1) } as const;
  return { event: 'said', process, said };
}

function late(number: number, seconds: string): Happening {
  const detail = `the sum came ${seconds} s after the end of its file was acknowledged`;
  return { event: 'found', process: 'time', kind: 'late', detail, journal: 'sums', file: fileIdOf(PRODUCER, number) };
}

function lost(number: number, seconds: string): Happening {
  const detail = `no sum ${seconds} s after the end of the file was acknowledged, and none in the journal up to 9`;
  const journal = `chunks of partition ${PARTITION_OF.partitionOf(number)}`;
  return { event: 'violation', process: 'chunker-0', kind: 'lost', detail, journal, file: fileIdOf(PRODUCER, number) };
}

function fault(
  id: number,
  kind = 'kill-broker',
  target = 'broker',
): { readonly id: number; kind: string; target: string } {
  return { id, kind, target };
}

function factsOf(...timed: readonly Timed[]): StoryFacts {
  const facts = new StoryFacts();
  for (const [atMs, happening] of [...BEGIN, ...timed]) {
    facts.hear({ atNs: 1e9 + atMs * 1e6, ...happening });
  }
  return facts;
}

function told(...timed: readonly Timed[]): { stories: ViolationStory[]; text: string } {
  const facts = factsOf(...timed);
  const stories = storiesOf(facts);
  const text = stories.map((story) =>
    [storyTitle(story), ...storyFields(story, facts.startNs).map(([name, line]) => `${name}: ${line}`)].join('\n'),
  );
  return { stories, text: text.join('\n') };
}

test('files that were given up and whose sums came after all are one story of late sums, each file once', (t) => {
  const { stories, text } = told(
    [2_000, { event: 'fault', ...fault(4) }],
    [2_010, { event: 'fault-effective', ...fault(4) }],
    [2_600, lost(1, '0.510')],
    [2_601, lost(2, '0.505')],
    [2_700, late(1, '0.600')],
    [2_700, late(3, '0.590')],
    [4_600, { event: 'halted' }],
  );
  t.is(stories.length, 1);
  const [story] = stories;
  t.deepEqual(
    story?.kinds,
    new Map([
      ['late', 2],
      ['lost', 1],
    ]),
  );
  t.is(story?.fileCount, 3);
  t.is(story?.example.file, fileIdOf(PRODUCER, 1));
  t.deepEqual(story?.finders, ['chunker-0', 'time']);
  t.log(text);
  t.regex(text, /^late: 2 sums came later than the SLA of 500 ms, and 1 file had no sum yet when the run ended$/m);
  t.regex(
    text,
    /^when: from 2\.09 s to 2\.70 s of the run, first found at 2\.60 s by chunker-0 and the checker time$/m,
  );
  t.regex(
    text,
    /^meanwhile: all of it was found in the 2\.6 s until the run ended in which fault 4 was open: kill-broker of brok/m,
  );
  t.regex(text, /^shards: summer-0 held|^shards: summer-1 held/m);
  t.regex(text, /^machine: the harness itself was never 200 ms late then: the machine had time$/m);
});

test('who held a shard is told by partition, a successor behind the one that it replaced', (t) => {
  const partition = PARTITION_OF.partitionOf(1);
  const before = partition % 2 === 0 ? 'summer-0' : 'summer-1';
  const { stories } = told([2_500, ready('summer-9.1', [partition])], [2_700, late(1, '0.600')]);
  t.deepEqual([...(stories[0]?.holders.keys() ?? [])], [before, 'summer-9.1']);
  t.deepEqual(told([2_500, late(1, '0.600')], [2_600, ready('summer-9.1', [partition])]).stories[0]?.holders.size, 1);
});

test('two that are far apart in time, or say something else, are stories of their own', (t) => {
  const mismatch = {
    event: 'found',
    process: 'exactly-once',
    kind: 'mismatched',
    detail: 'the sum a should be b',
    journal: 'sums',
    offset: 77,
    index: 5,
    file: fileIdOf(PRODUCER, 8),
  } as const;
  const { stories, text } = told([2_000, late(1, '0.600')], [2_000, mismatch], [9_000, late(2, '0.600')]);
  t.is(stories.length, 3);
  t.regex(text, /^mismatched: a sum is not that of its file$/m);
  t.regex(
    text,
    /^example: file c0ffee.*8 \(partition \d, journal sums, offset 77, record 5\): the sum a should be b$/m,
  );
  t.regex(text, /^meanwhile: no fault was open, and none had just ended$/m);
});

/** A fault from its injection to its recovery. */
function ended(atMs: number): readonly Timed[] {
  return [
    [1_000, { event: 'fault', ...fault(1) }],
    [1_100, { event: 'fault-healed', ...fault(1) }],
    [atMs, { event: 'fault-recovered', ...fault(1) }],
  ];
}

test('a fault that had just ended is told of where none was open, and one that ended long before is not', (t) => {
  const justEnded = told(...ended(1_500), [3_000, late(1, '0.600')]).text;
  t.regex(justEnded, /^meanwhile: fault 1 had just ended: .* healed at 1\.10 s, recovered at 1\.50 s$/m);
  t.regex(told(...ended(1_500), [9_000, late(1, '0.600')]).text, /no fault was open/);
});

test('a fault that was given up is open no longer, and those that were open together are all told of', (t) => {
  const began = (atMs: number, id: number, target: string): Timed => [
    atMs,
    { event: 'fault', ...fault(id, 'kill-summer', target) },
  ];
  const missed: Timed = [1_200, { event: 'fault-missed', ...fault(1, 'kill-summer', 'summer-0') }];
  const both = [began(1_000, 1, 'summer-0'), began(1_100, 2, 'summer-1')];
  const open = told(...both, [9_000, late(1, '0.600')]);
  t.deepEqual(
    open.stories[0]?.faults.map(({ id }) => id),
    [1, 2],
  );
  t.regex(open.text, /^meanwhile: .*fault 1.*kill-summer of summer-0.*fault 2.*kill-summer of summer-1/m);
  const { stories } = told(...both, missed, [9_000, late(1, '0.600')]);
  t.deepEqual(
    stories[0]?.faults.map(({ id }) => id),
    [2],
  );
});

test('the time of a recovery is that of the last partition, and not when it was written down', (t) => {
  const facts = factsOf(
    [1_000, { event: 'fault', ...fault(1) }],
    [1_100, { event: 'fault-healed', ...fault(1) }],
    [2_500, { event: 'fault-recovered', ...fault(1), recoveredNs: 1e9 + 1_400e6 }],
  );
  t.is(facts.faults[0]?.recoveredNs, 1e9 + 1_400e6);
});

function waited(cpuMs: number): Timed {
  return [2_600, { event: 'own-delay', fromNs: 1e9 + 2_000e6, cpuNs: cpuMs * 1e6 }];
}

test('a machine that kept the harness waiting is named, and what the harness was busy with itself is not', (t) => {
  const { stories, text } = told(waited(0), [2_700, late(1, '0.900')]);
  t.is(stories[0]?.host.longestNs, 600e6);
  t.regex(text, /^machine: the harness itself had to wait for 600 ms, longer than the SLA: the whole host was late$/m);
  t.is(told(waited(600), [2_700, late(1, '0.900')]).stories[0]?.host.count, 0);
  // This delay was before the file waited.
  t.is(told(waited(0), [4_700, late(1, '0.900')]).stories[0]?.host.count, 0);
});

test('an event loop that was late is told of beside the machine', (t) => {
  const said = {
    event: 'progress',
    component: 'summer',
    chunksFolded: 1,
    bytesFolded: 1,
    commits: 1,
    filesOpen: 1,
    sumsPublished: 1,
    eventLoopLagNsMax: 450e6,
  } as const;
  const { text } = told([2_500, { event: 'said', process: 'summer-1', said }], [2_700, late(1, '0.900')]);
  t.regex(text, /; the event loop of summer-1 was late by 450 ms$/m);
});

test('every file that a violation names is in a story, and none is counted twice in one', (t) => {
  const violation = fc.tuple(
    fc.integer({ min: 1, max: 20_000 }),
    fc.nat(8),
    fc.boolean(),
    fc.integer({ min: 501, max: 4_000 }),
  );
  fc.assert(
    fc.property(fc.array(violation, { minLength: 1, maxLength: 40 }), (found) => {
      const inTime = found.toSorted(([one], [other]) => one - other);
      const timed = inTime.map(([atMs, file, isLate, waitedMs]): Timed => {
        const seconds = (waitedMs / 1e3).toFixed(3);
        return [5_000 + atMs, isLate ? late(file, seconds) : lost(file, seconds)];
      });
      const { stories } = told(...timed);
      const counted = stories.reduce((sum, { fileCount }) => sum + fileCount, 0);
      const files = new Set(found.map(([, file]) => file));
      t.true(counted >= files.size);
      for (const { kinds, fileCount } of stories) {
        t.is(
          [...kinds.values()].reduce((sum, count) => sum + count, 0),
          fileCount,
        );
        t.true(fileCount <= files.size);
      }
    }),
  );
});
