/** The chunker as a whole, over journals and a store in memory and a clock that the test moves. */

import test from 'ava';
import { ViolationError } from '../core/errors.ts';
import { chunkJournal } from '../journal/journals.ts';
import { BATCH_HEADER_BYTES } from '../message/batch.ts';
import { fileIdOf } from '../message/chunk.ts';
import { HeldCommits } from '../store/testing/memory-store.ts';
import { WINDOW_BATCHES } from './stream/publisher.ts';
import { isPositionRow, readRow } from './rows/records.ts';
import { ChunkerBench } from './testing/chunker-bench.ts';
import { holds, recordsOf } from './testing/chunker-claims.ts';

test('so many files as were asked for are published and verified, and then the producer ends', async (t) => {
  for (const fileCount of [1, 2, 40]) {
    const bench = new ChunkerBench({ fileCount });
    bench.start();
    await bench.untilDrained();
    holds(t, bench);
    t.is(bench.chunker.verifiedTotal, fileCount);
    t.is(bench.chunker.filesTotal, fileCount);
    t.deepEqual(
      bench.verified.toSorted((a, b) => a - b),
      Array.from({ length: fileCount }, (_, file) => file),
    );
    t.is(bench.chunker.counts.sumsOutstanding, 0);
    t.is(bench.drained, 1);
  }
});

test('files without any chunk, and one partition, are no exception', async (t) => {
  const bench = new ChunkerBench({ fileCount: 30, workload: { chunks: { low: 0, high: 0 }, partitions: 1 } });
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
  t.is(bench.chunker.verifiedTotal, 30);
});

test('a journal that goes back behind what it acknowledged is an acknowledged loss', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 200, workload: { partitions: 1 } });
  bench.start();
  await bench.clock.advance(1_000);
  const { producer } = bench.life;
  const had = bench.journals.journal(chunkJournal(0)).producer(producer).next;
  bench.loseFrom(0, producer, had - 5);
  const error = await bench.untilFailed();
  t.true(error instanceof ViolationError && error.kind === 'acknowledged-loss');
  if (!(error instanceof ViolationError)) return;
  t.deepEqual(error.witness, { journal: chunkJournal(0), index: had - 5 });
  t.is(bench.failures.length, 1);
});

test('a journal without room holds the generator back, and loses nothing', async (t) => {
  const bench = new ChunkerBench({ fileCount: 200, batchBytes: 500, workload: { partitions: 1 } });
  let isFull = true;
  bench.fate = () => (isFull ? 'refused' : null);
  bench.start();
  await bench.clock.advance(20_000);
  const through = Math.max(...bench.sent.map(({ firstIndex, count }) => firstIndex + count));
  // A record has at least 24 bytes.
  t.true(through <= WINDOW_BATCHES * Math.floor((500 - BATCH_HEADER_BYTES) / 24), `${through} records were sent`);
  t.is(bench.verified.length, 0);
  isFull = false;
  await bench.untilDrained();
  holds(t, bench);
});

test('without a rate no more than a named number of completed files wait for their sums', async (t) => {
  const bench = new ChunkerBench({
    fileCount: 6_000,
    batchBytes: 64 * 1024,
    workload: { chunks: { low: 0, high: 0 }, partitions: 1, filesOpen: 10 },
  });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(10_000);
  t.is(bench.chunker.counts.sumsOutstanding, 4_096);
  bench.summer.resume();
  await bench.untilDrained();
  t.is(bench.chunker.verifiedTotal, 6_000);
});

test('a schedule is kept whatever the sums do, and what was missed is caught up', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(2_000);
  t.is(recordsOf(bench), 201);
  bench.kill();
  await bench.clock.advance(3_000);
  t.is(recordsOf(bench), 201);
  bench.start();
  await bench.clock.advance(100);
  t.is(recordsOf(bench), 511);
});

test('a slice that ends where the reservation does asks for more, even if the journals had all of it', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 30 });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(3_000);
  // From here on no commit ends: the next reservation is never durable.
  bench.gate = () => new Promise(() => {});
  await bench.clock.advance(5_000);
  const reached = recordsOf(bench);
  t.is(reached, bench.sent.at(-1)?.reservedStep ?? -1);
  bench.gate = () => {};
  bench.restart();
  await bench.clock.advance(5_000);
  t.true(recordsOf(bench) > reached + 100, `${recordsOf(bench)} records`);
});

test('whoever runs forward to what a journal has does not run ahead of the schedule', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 20 });
  bench.start();
  await bench.clock.advance(2_000);
  bench.restart();
  await bench.clock.advance(500);
  t.is(recordsOf(bench), 51);
  // Sums of files that only the journal knows are no reason for a failure either.
  bench.fate = () => ({ lateMs: 400 });
  await bench.clock.advance(500);
  bench.restart();
  bench.fate = () => null;
  await bench.clock.advance(1_000);
  t.is(recordsOf(bench), 81);
});

test('a sum that is altered, repeated or invented stops the chunker with its own kind', async (t) => {
  const cases = [
    ['mismatched', (bench: ChunkerBench) => (bench.summer.alter = (sum) => [{ ...sum, digest: 'ab'.repeat(32) }])],
    ['duplicate', (bench: ChunkerBench) => (bench.summer.alter = (sum) => [sum, sum])],
    [
      'phantom',
      (bench: ChunkerBench) =>
        (bench.summer.alter = (sum) => [sum, { ...sum, fileId: fileIdOf(bench.life.producer, 1_000_000) }]),
    ],
    ['lost', (bench: ChunkerBench) => (bench.summer.alter = () => [])],
  ] as const;
  for (const [kind, plant] of cases) {
    const bench = new ChunkerBench({ fileCount: 20, rate: 100 });
    plant(bench);
    bench.start();
    const error = await bench.untilFailed();
    t.true(error instanceof ViolationError);
    if (error instanceof ViolationError) t.is(error.kind, kind);
    t.is(bench.failures.length, 1);
    t.is(bench.drained, 0);
  }
});

test('a chunker stopped for longer than the SLA reads the sums that came meanwhile, and none is lost', async (t) => {
  const bench = new ChunkerBench({ fileCount: 40, rate: 100 });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(200);
  bench.clock.jump(5_000);
  bench.summer.resume();
  bench.clock.jump(300_000);
  await bench.untilDrained();
  holds(t, bench);
});

test('a commit that fails stops the chunker, once', async (t) => {
  const bench = new ChunkerBench({ fileCount: 40, rate: 100 });
  bench.start();
  await bench.clock.advance(300);
  const failure = new Error('no space left');
  bench.gate = () => {
    throw failure;
  };
  t.is(await bench.untilFailed(), failure);
  const sent = bench.sent.length;
  await bench.clock.advance(5_000);
  t.is(bench.sent.length, sent);
  t.deepEqual(bench.failures, [failure]);
});

test('the pin follows what is durable, and never runs ahead of it', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  const durable = (): number => readRow(bench.store, 'position', isPositionRow)?.offset ?? 0;
  bench.start();
  let held = new HeldCommits();
  let seen = 0;
  for (let at = 0; at < 60; at += 1) {
    await bench.clock.advance(37);
    const pin = bench.pin ?? 0;
    t.true(pin <= durable(), `the pin is at ${pin}, durable is ${durable()}`);
    if (at % 20 === 10) {
      held = new HeldCommits();
      bench.gate = held.gate;
    } else if (at % 20 === 0) {
      held.open();
      t.true(at === 0 || pin > seen);
      seen = pin;
    }
  }
  t.true(bench.journals.sums.head > durable());
});
