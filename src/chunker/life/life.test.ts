/** How a life begins and continues: over stops, reboots, retirement, other workloads and damage. */

import test from 'ava';
import { EXIT, FencedError, OperatingError, UsageError, ViolationError, exitCodeOf } from '../../core/errors.ts';
import { chunkJournal } from '../../journal/journals.ts';
import { wholeRange } from '../../store/row.ts';
import { HeldCommits } from '../../store/testing/memory-store.ts';
import { Ledger } from '../../verifier/ledger.ts';
import { Workload } from '../../workload/workload.ts';
import { TABLE, readBytes } from '../rows/records.ts';
import { ChunkerBench } from '../testing/chunker-bench.ts';
import { holds, recordsOf } from '../testing/chunker-claims.ts';

test('nothing is sent before producer, pin and place are durable', async (t) => {
  const bench = new ChunkerBench();
  const held = new HeldCommits();
  bench.gate = held.gate;
  bench.start();
  for (const keys of [['identity'], ['position'], ['schedule', 'reserved']]) {
    await bench.clock.settle();
    t.is(bench.sent.length, 0);
    const written = held.waiting[0]?.writes.filter(({ value }) => value !== null).map(({ key }) => key.toString());
    t.deepEqual(written, keys);
    // The producer is durable before its pin is made.
    t.is(bench.journals.sums.pins.size, keys[0] === 'identity' ? 0 : 1);
    held.releaseOne();
  }
  held.open();
  await bench.untilDrained();
  holds(t, bench);
});

test('after a graceful stop, or under another rate, the schedule begins anew: nothing was missed', async (t) => {
  for (const rate of [100, 50]) {
    const bench = new ChunkerBench({ fileCount: null, rate: 100 });
    bench.start();
    await bench.clock.advance(2_000);
    if (rate === 100) await bench.chunker.stop();
    bench.kill();
    await bench.clock.advance(3_000);
    bench.rate = rate;
    bench.start();
    await bench.clock.advance(1_000);
    const records = recordsOf(bench);
    // The start continues from a snapshot that is at most a second old.
    t.true(records > 201 && records <= 201 + rate + 1, `${records}`);
  }
});

test('a graceful stop loses no verdict and sends nothing more, and the next start continues', async (t) => {
  const bench = new ChunkerBench({ fileCount: 60, rate: 100 });
  bench.start();
  await bench.clock.advance(1_500);
  const { producer } = bench.life;
  const verified = bench.chunker.verifiedTotal;
  t.true(verified > 0);
  await bench.chunker.stop();
  const sent = bench.sent.length;
  await bench.clock.advance(5_000);
  t.is(bench.sent.length, sent);
  bench.kill();
  const ledger = readBytes(bench.store, 'ledger');
  t.is(ledger === null ? 0 : Ledger.load(ledger, true).verifiedTotal, verified);
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
  t.is(bench.life.producer, producer);
  t.is(new Set(bench.verified).size, bench.verified.length, 'no verdict twice');
});

test('a chunker that stops takes its leave, from what is durable, and is back where it was', async (t) => {
  const bench = new ChunkerBench({ fileCount: 60, rate: 100 });
  bench.start();
  await bench.clock.advance(1_500);
  const { producer } = bench.life;
  await bench.chunker.stop();
  t.deepEqual(bench.journals.left, [producer]);
  t.is(bench.pin, bench.life.position.offset);
  bench.kill();
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
});

test('a chunker that stops waits for no broker', async (t) => {
  const bench = new ChunkerBench({ fileCount: 60, rate: 100 });
  bench.start();
  await bench.clock.advance(1_500);
  bench.journals.isSilent = true;
  let isStopped = false;
  void bench.chunker.stop().then(() => (isStopped = true));
  await bench.clock.advance(1_900);
  t.false(isStopped);
  await bench.clock.advance(200);
  t.true(isStopped);
});

/** A chunker of a run without an end whose last sums wait: its summer is paused. */
async function awaitingSums(): Promise<ChunkerBench> {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(1_500);
  bench.summer.isPaused = true;
  await bench.clock.advance(500);
  return bench;
}

test('a chunker whose pin is gone says so before it sends anything, and never calls a file lost', async (t) => {
  // No sum comes while the chunker is away, or later.
  const bench = await awaitingSums();
  bench.kill();
  await bench.clock.advance(60_000);
  bench.journals.sums.pins.clear();
  const sent = bench.sent.length;
  bench.start();
  const error = await bench.untilFailed();
  t.true(error instanceof OperatingError && error.code === 'ERR_PIN_EXPIRED', String(error));
  t.is(exitCodeOf(error), EXIT.inconclusive);
  t.regex(String(error), /stream-sum retire --producer 8000000100000000/);
  t.is(bench.sent.length, sent);
});

test('a chunker that slept until its pin was gone and its sums were trimmed says so, and loses nothing', async (t) => {
  for (const isTrimmed of [false, true]) {
    const bench = await awaitingSums();
    bench.journals.sums.pins.clear();
    bench.summer.resume();
    if (isTrimmed) bench.journals.sums.begin = bench.journals.sums.head;
    await bench.clock.advance(60_000);
    const [error] = bench.failures;
    t.true(error instanceof OperatingError && error.code === 'ERR_PIN_EXPIRED', String(error));
  }
});

test('a chunker that has its pin and whose sums are trimmed says what is kept, and loses nothing', async (t) => {
  const bench = await awaitingSums();
  bench.kill();
  bench.summer.resume();
  await bench.clock.advance(500);
  const { sums } = bench.journals;
  sums.begin = sums.head;
  bench.start();
  const error = await bench.untilFailed();
  t.is(exitCodeOf(error), EXIT.inconclusive);
  t.regex(String(error), new RegExp(`is kept from ${sums.begin} on, and producer \\w+ has read it up to \\d+: `));
  t.regex(String(error), /stream-sum retire --producer 8000000100000000/);
});

test('a producer that was retired while it ran is fenced', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(500);
  bench.journals.journal(chunkJournal(1)).producer(bench.life.producer).ended = true;
  const error = await bench.untilFailed();
  t.true(error instanceof FencedError);
  const sent = bench.sent.length;
  await bench.clock.advance(2_000);
  t.is(bench.sent.length, sent);
  t.is(bench.failures.length, 1);
});

test('a producer that was retired while it only waits for sums is fenced, and not taken for absent', async (t) => {
  for (const isRetired of [true, false]) {
    const bench = new ChunkerBench({ fileCount: 5 });
    bench.summer.isPaused = true;
    bench.start();
    await bench.clock.advance(500);
    const { producer } = bench.life;
    // The pin goes last.
    if (isRetired)
      for (const partition of [0, 1]) bench.journals.journal(chunkJournal(partition)).producer(producer).ended = true;
    bench.journals.sums.pins.delete(producer);
    const error = await bench.untilFailed();
    t.true(isRetired ? error instanceof FencedError : error instanceof OperatingError, String(error));
    t.is(bench.failures.length, 1);
  }
});

test('a producer that was retired while it was dead is fenced at its start, and sends nothing', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(500);
  const { producer } = bench.life;
  bench.kill();
  bench.journals.journal(chunkJournal(0)).producer(producer).ended = true;
  const sent = bench.sent.length;
  bench.start();
  const error = await bench.untilFailed();
  t.true(error instanceof FencedError);
  t.is(bench.sent.length, sent);
});

test('a folder is refused to another workload', async (t) => {
  const others: [Partial<ChunkerBench['workload']['options']>, number | null][] = [
    [{ seed: 4 }, 20],
    [{ chunkerNumber: 1 }, 20],
    [{ filesOpen: 5 }, 20],
    [{ chunks: { low: 0, high: 6 } }, 20],
    [{ chunkBytes: { low: 2, high: 40 } }, 20],
    [{}, 21],
    [{}, null],
  ];
  for (const [options, fileCount] of others) {
    const bench = new ChunkerBench({ fileCount: 20, rate: 100 });
    bench.start();
    await bench.clock.advance(300);
    bench.kill();
    const workload = new Workload({ ...bench.workload.options, ...options });
    bench.start({ workload, fileCount });
    const error = await bench.untilFailed();
    t.true(error instanceof UsageError && error.message.includes('another workload'), String(error));
  }
});

test('a damaged row stops the start, and nothing is sent', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(2_500);
  bench.drain();
  await bench.clock.settle();
  bench.kill();
  const good = bench.store;
  const entries = good.range(TABLE, wholeRange());
  const names = entries.map(({ key }) => key.toString());
  t.deepEqual(names, ['end', 'identity', 'ledger', 'position', 'reserved', 'schedule', 'snapshot-0', 'snapshot-1']);
  const sent = bench.sent.length;
  for (const { key, value } of entries) {
    for (const at of [0, 4, value.length - 1]) {
      const damaged = Buffer.from(value);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      bench.store = good.crash('lost');
      bench.store.overwrite(TABLE, key, damaged);
      bench.failures.length = 0;
      bench.start();
      const error = await bench.untilFailed();
      t.true(
        error instanceof OperatingError && error.code === 'ERR_STORE_DAMAGED',
        `${key.toString()}: ${String(error)}`,
      );
      bench.kill();
    }
  }
  t.is(bench.sent.length, sent);
});

test('journals that lost what both snapshots know is acknowledged are found out at the start', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(3_500);
  const { producer } = bench.life;
  bench.kill();
  t.not(readBytes(bench.store, 'snapshot-0'), null);
  t.not(readBytes(bench.store, 'snapshot-1'), null);
  bench.loseFrom(0, producer, 1);
  bench.failures.length = 0;
  bench.start();
  const error = await bench.untilFailed();
  t.true(error instanceof ViolationError && error.kind === 'acknowledged-loss', String(error));
});

test('a life goes on after a reboot: its schedule begins anew, and no time of the old boot is used', async (t) => {
  const bench = new ChunkerBench({ fileCount: 140, rate: 100 });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(1_100);
  const { producer } = bench.life;
  bench.kill();
  bench.boot = 'boot-2';
  await bench.clock.advance(100_000);
  const before = recordsOf(bench);
  const rebootNs = bench.clock.nowNs();
  bench.start();
  await bench.clock.advance(1_000);
  t.is(bench.life.producer, producer);
  const records = recordsOf(bench);
  t.true(records > before && records <= before + 101, `${records} after ${before}`);
  bench.summer.resume();
  await bench.untilDrained();
  holds(t, bench);
  // It is unknown how long ago the files of the old boot were intended.
  const intended = bench.verdicts.map(({ intendedNs }) => intendedNs);
  t.true(intended.some((ns) => Number.isNaN(ns)));
  t.deepEqual(
    intended.filter((ns) => ns < rebootNs),
    [],
  );
});

test('a producer that is retired while its chunker starts is fenced, and not taken for absent', async (t) => {
  for (const isRetired of [true, false]) {
    const bench = new ChunkerBench({ fileCount: null, rate: 100 });
    bench.start();
    await bench.clock.advance(500);
    const { producer } = bench.life;
    bench.kill();
    const sent = bench.sent.length;
    // The chunker hears that no journal has an end, and then that its pin is gone.
    bench.journals.answerMs = 100;
    bench.start();
    await bench.clock.advance(50);
    if (isRetired)
      for (const partition of [0, 1]) bench.journals.journal(chunkJournal(partition)).producer(producer).ended = true;
    bench.journals.sums.pins.delete(producer);
    const error = await bench.untilFailed();
    t.true(isRetired ? error instanceof FencedError : error instanceof OperatingError, String(error));
    t.is(exitCodeOf(error), isRetired ? EXIT.fenced : EXIT.inconclusive);
    t.is(bench.sent.length, sent);
  }
});
