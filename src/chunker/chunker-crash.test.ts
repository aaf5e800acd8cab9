/** A chunker that is killed, or whose appends fail: nothing is lost, nothing is there twice, and all starts agree. */

import test from 'ava';
import fc from 'fast-check';
import { ViolationError } from '../core/errors.ts';
import { BATCH_HEADER_BYTES } from '../message/batch.ts';
import { fileIdOf } from '../message/chunk.ts';
import { HeldCommits } from '../store/testing/memory-store.ts';
import { readBytes } from './rows/records.ts';
import { ChunkerBench } from './testing/chunker-bench.ts';
import { holds, phaseOf, recordsOf } from './testing/chunker-claims.ts';
import type { AppendFault } from './testing/fake-journals.ts';

test('killed at any one commit, whether that became durable or not, it goes on where it was', async (t) => {
  const whole = new ChunkerBench({ fileCount: 25, rate: 40 });
  whole.start();
  await whole.untilDrained();
  const commits = whole.store.commits;
  const firstProducer = whole.life.producer;
  t.true(commits > 10);
  for (let at = 1; at <= commits; at += 1) {
    for (const fate of ['lost', 'durable'] as const) {
      const bench = new ChunkerBench({ fileCount: 25, rate: 40 });
      let isKilled = false;
      bench.gate = ({ number }) => {
        if (isKilled || number !== at) return undefined;
        isKilled = true;
        bench.restart(fate);
        return new Promise(() => {});
      };
      bench.start();
      await bench.clock.until(() => bench.drained > 0 || bench.failures.length > 0);
      t.true(isKilled);
      const message = `killed at commit ${at}, which was ${fate}`;
      holds(t, bench, message);
      t.true(bench.said > 0, message);
      // A second publication of a file would be under another producer.
      if (at > 1) t.is(bench.life.producer, firstProducer, message);
      t.is(
        new Set(bench.sent.filter(({ kind }) => kind === 'chunks').map(({ producer }) => producer)).size,
        1,
        message,
      );
      t.deepEqual(bench.failures, []);
    }
  }
});

const anyFault: fc.Arbitrary<AppendFault | null> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.constantFrom<AppendFault>('lost', 'unanswered', 'refused') },
  { weight: 1, arbitrary: fc.record({ lateMs: fc.integer({ min: 1, max: 3_000 }) }) },
);

const anyTrouble = fc.record({
  seed: fc.nat(),
  filesOpen: fc.integer({ min: 1, max: 6 }),
  partitions: fc.integer({ min: 1, max: 3 }),
  batchBytes: fc.oneof(fc.integer({ min: BATCH_HEADER_BYTES + 64, max: 600 }), fc.constant(4_000)),
  rate: fc.constantFrom<(number | null)[]>(null, 30, 400),
  faults: fc.array(anyFault, { maxLength: 80 }),
  /** Commits between one kill and the next, and whether the last one is lost. */
  kills: fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.constantFrom<'lost' | 'durable'>('lost', 'durable')), {
    maxLength: 8,
  }),
});

type Trouble = typeof anyTrouble extends fc.Arbitrary<infer T> ? T : never;

function troubled(trouble: Trouble, fileCount: number | null): ChunkerBench {
  const { seed, filesOpen, partitions, batchBytes, rate } = trouble;
  const bench = new ChunkerBench({ fileCount, rate, batchBytes, workload: { seed, filesOpen, partitions } });
  let faults = 0;
  bench.fate = () => trouble.faults[faults++] ?? null;
  let kills = 0;
  let commits = 0;
  bench.gate = () => {
    commits += 1;
    const [after, fate] = trouble.kills[kills] ?? [Number.POSITIVE_INFINITY, 'lost'];
    if (commits < after) return undefined;
    commits = 0;
    kills += 1;
    bench.restart(fate);
    return new Promise(() => {});
  };
  return bench;
}

/** No life is unfinished, and no life has left its pin behind. */
function isPutAway(bench: ChunkerBench): boolean {
  return bench.journals.sums.pins.size === 0 && phaseOf(bench) === 'told';
}

test('under crashes, losses and refusals journals hold the pure stream once, and all is verified', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyTrouble, fc.integer({ min: 1, max: 60 }), async (trouble, fileCount) => {
      const bench = troubled(trouble, fileCount);
      bench.start();
      await bench.untilDrained();
      t.true(isPutAway(bench));
      holds(t, bench);
    }),
    { numRuns: 150 },
  );
});

test('a drain at any time ends every file that was opened, and all starts agree on the end', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyTrouble, fc.nat(1_500), async (trouble, drainMs) => {
      const bench = troubled({ ...trouble, rate: 2_048 }, null);
      bench.start();
      await bench.clock.advance(drainMs);
      bench.drain();
      await bench.untilDrained();
      t.true(isPutAway(bench));
      t.not(bench.durableEndStep(), null);
      holds(t, bench);
    }),
    { numRuns: 25 },
  );
});

test('the decision to end is durable before anything that depends on it is sent', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 200 });
  bench.start();
  await bench.clock.advance(1_000);
  const held = new HeldCommits();
  bench.gate = held.gate;
  const before = bench.sent.length;
  bench.drain();
  await bench.clock.advance(2_000);
  t.is(bench.durableEndStep(), null);
  t.is(bench.sent.length, before);
  held.open();
  await bench.untilDrained();
  holds(t, bench);
});

test('the end is not before what a dead incarnation may have sent', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 2_000 });
  // Its messages arrive two minutes later, when it is long dead.
  bench.fate = () => ({ lateMs: 120_000 });
  bench.start();
  await bench.clock.advance(300);
  bench.kill();
  bench.wantsDrain = true;
  bench.fate = () => null;
  bench.start();
  await bench.clock.advance(0);
  t.is(bench.durableEndStep(), bench.life.reservedStep);
  t.true(bench.life.reservedStep > 0);
  await bench.untilDrained(600_000);
  holds(t, bench);
});

test('what a dead incarnation sent and arrived late is taken over, not sent again', async (t) => {
  const bench = new ChunkerBench({ fileCount: 20, rate: 100 });
  bench.fate = () => ({ lateMs: 400 });
  bench.start();
  await bench.clock.advance(300);
  bench.kill();
  bench.fate = () => null;
  await bench.clock.advance(500);
  const before = bench.sent.length;
  t.true(before > 0);
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
  const durable = bench.life.journals.map((journal) => journal.durable);
  t.true(durable.some((index) => index > 0));
  for (const { partition, firstIndex } of bench.sent.slice(before)) t.true(firstIndex >= (durable[partition] ?? 0));
});

test('a snapshot that is ahead of what has arrived is not used', async (t) => {
  const bench = new ChunkerBench({ fileCount: 60, rate: 100, batchBytes: 4_000 });
  // From half a second on nothing arrives any more, and every sender dies.
  bench.fate = () => (bench.clock.nowNs() > 1.5e9 ? { lateMs: 1e9 } : null);
  bench.start();
  await bench.clock.advance(2_500);
  bench.kill();
  const snapshots = (['snapshot-0', 'snapshot-1'] as const).map((name) => readBytes(bench.store, name));
  t.true(snapshots.some((snapshot) => snapshot !== null));
  bench.fate = () => null;
  bench.start();
  await bench.untilDrained();
  t.is(bench.life.snapshot, null);
  holds(t, bench);
});

test('what was generated again while the bytes of a dead incarnation arrived is dropped', async (t) => {
  const bench = new ChunkerBench({ fileCount: 30, rate: 100, workload: { partitions: 1 } });
  // Without sums the next start runs forward before an answer comes.
  bench.summer.isPaused = true;
  bench.fate = () => ({ lateMs: 600 });
  bench.start();
  await bench.clock.advance(300);
  bench.kill();
  // The next incarnation is slower. Its first batch is under way, and more is built behind it, when the batches of the
  // dead incarnation arrive.
  let appends = 0;
  bench.fate = () => (appends++ === 0 ? { lateMs: 650 } : null);
  bench.rate = 30;
  bench.batchBytes = 4_000;
  bench.start();
  await bench.clock.advance(649);
  t.is(appends, 1);
  t.true(recordsOf(bench) > 20, `${recordsOf(bench)}`);
  bench.summer.resume();
  await bench.untilDrained();
  holds(t, bench);
});

test('appends whose fate is unknown are sent again, and are in the journal once', async (t) => {
  const bench = new ChunkerBench({ fileCount: 30 });
  let appends = 0;
  bench.fate = () => {
    appends += 1;
    if (appends > 60) return null;
    return appends % 2 === 0 ? 'lost' : 'unanswered';
  };
  bench.start();
  await bench.untilDrained();
  t.true(appends > 60);
  holds(t, bench);
});

test('a sum of a file that only a dead incarnation knows is no phantom', async (t) => {
  const bench = new ChunkerBench({ fileCount: 500, rate: 2_000, batchBytes: 4_000 });
  // Nothing is published, no snapshot is taken, and every sent batch is in the journal.
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(900);
  bench.kill();
  // More records than a new incarnation generates before it reads.
  t.true(recordsOf(bench) > 1_000 && bench.summer.waiting > 100);
  bench.summer.resume();
  // The sums exist before the new incarnation has generated anything.
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
});

test('a file that was completed before a restart is lost when its sum never comes', async (t) => {
  const bench = new ChunkerBench({ fileCount: 60, rate: 100 });
  const file = fileIdOf((0x8000_0001).toString(16).padEnd(16, '0'), 0);
  bench.summer.alter = (sum) => (sum.fileId === file ? [] : [sum]);
  bench.start();
  await bench.clock.advance(3_000);
  bench.restart();
  await bench.clock.settle();
  t.not(bench.life.snapshot, null);
  t.is(bench.failures.length, 0);
  const error = await bench.untilFailed();
  t.true(error instanceof ViolationError);
  if (error instanceof ViolationError) t.is(`${error.kind} ${error.witness.file}`, `lost ${file}`);
});

test('a killed chunker of a slow schedule that is told to drain ends within seconds of the schedule', async (t) => {
  const rate = 30;
  const bench = new ChunkerBench({ fileCount: null, rate });
  bench.start();
  await bench.clock.advance(3_000);
  bench.restart('lost');
  await bench.clock.advance(1_000);
  bench.drain();
  await bench.untilDrained();
  const endStep = bench.durableEndStep() ?? Number.POSITIVE_INFINITY;
  t.true(endStep <= rate * 8, `no file is opened from step ${endStep} on`);
  holds(t, bench);
});
