/** The chunker as a whole, over journals and a store in memory and a clock that the test moves. */

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FencedError, OperatingError, UsageError, ViolationError } from '../core/errors.ts';
import { chunkJournal } from '../journal/journals.ts';
import { BATCH_HEADER_BYTES } from '../message/batch.ts';
import { fileIdOf } from '../message/chunk.ts';
import { wholeRange } from '../store/row.ts';
import { HeldCommits } from '../store/testing/memory-store.ts';
import { Ledger } from '../verifier/ledger.ts';
import { Workload } from '../workload/workload.ts';
import { WINDOW_BATCHES } from './publisher.ts';
import { TABLE, isPhaseRow, isPositionRow, readBytes, readRow } from './records.ts';
import { ChunkerBench } from './testing/chunker-bench.ts';
import type { AppendFault } from './testing/fake-journals.ts';

function phaseOf(bench: ChunkerBench): string | null {
  return readRow(bench.store, 'phase', isPhaseRow)?.phase ?? null;
}

/** All files of a drained life are there once, verified, and everything is put away. */
function holds(t: ExecutionContext, bench: ChunkerBench, message?: string): void {
  const { producer, ledger } = bench.life;
  const endStep = bench.durableEndStep();
  const pure = bench.pureStream(producer, endStep);
  t.deepEqual(
    bench.journalStream(producer),
    pure.map((partition) => partition.map(({ record }) => record)),
    message,
  );
  const files = pure.flat().filter(({ record }) => record.startsWith('00000000')).length;
  t.is(ledger.next, files, message);
  t.is(ledger.outstanding.size, 0, message);
  t.true(bench.hasEnded(producer), message);
  t.is(bench.hold, undefined, message);
  t.is(phaseOf(bench), 'finished', message);
  t.deepEqual(bench.failures, [], message);
  // What was sent kept to what was durable at that time: the end of generation, and how far the generator might come.
  for (const sent of bench.sent) {
    if (sent.kind !== 'chunks' || sent.producer !== producer) continue;
    const last = pure[sent.partition]?.[sent.firstIndex + sent.count - 1]?.step ?? Number.NaN;
    t.true(last < sent.reservedStep, `step ${last} was sent, ${sent.reservedStep} was reserved`);
    if (endStep !== null && last >= endStep) t.is(sent.endStep, endStep, `step ${last} was sent before the decision`);
  }
}

/** Records of all producers in the journals. */
function recordsOf(bench: ChunkerBench): number {
  const producers = new Set(bench.sent.map(({ producer }) => producer));
  return [...producers].flatMap((producer) => bench.journalStream(producer).flat()).length;
}

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

test('nothing is sent before producer, hold and place are durable', async (t) => {
  const bench = new ChunkerBench();
  const held = new HeldCommits();
  bench.gate = held.gate;
  bench.start();
  for (const keys of [['identity'], ['position'], ['schedule', 'reserved']]) {
    await bench.clock.settle();
    t.is(bench.sent.length, 0);
    const written = held.waiting[0]?.writes.filter(({ value }) => value !== null).map(({ key }) => key.toString());
    t.deepEqual(written, keys);
    // The producer is durable before its hold is made.
    t.is(bench.journals.sums.holds.size, keys[0] === 'identity' ? 0 : 1);
    held.releaseOne();
  }
  held.open();
  await bench.untilDrained();
  holds(t, bench);
});

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
      // The last commit finishes the life: who is started after it begins another.
      if (bench.life.producer === firstProducer) holds(t, bench, `killed at commit ${at}, which was ${fate}`);
      else t.true(at === 1 || at === commits, `a new life after commit ${at}`);
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
  /** Commits between one kill and the next, and what becomes of the last. */
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
    if (commits < after || phaseOf(bench) === 'finished') return undefined;
    commits = 0;
    kills += 1;
    bench.restart(fate);
    return new Promise(() => {});
  };
  return bench;
}

/** No life is unfinished, and none has left its hold. */
function isPutAway(bench: ChunkerBench): boolean {
  return bench.journals.sums.holds.size === 0 && phaseOf(bench) === 'finished';
}

test('whatever is killed, lost, late or refused, the journals hold the pure stream once and every file is verified', async (t) => {
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

test('a drain at any time, in any trouble, ends every file that was opened, and all starts agree on the end', async (t) => {
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
    { numRuns: 40 },
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
  // What it sends arrives two minutes later, when it is long dead.
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
  // From half a second on nothing arrives any more, and whoever sent it dies.
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
  // No sum makes the next one run forward before it is answered.
  bench.summer.isPaused = true;
  bench.fate = () => ({ lateMs: 600 });
  bench.start();
  await bench.clock.advance(300);
  bench.kill();
  // The next one is slower. Its first batch is under way, and more is built behind it, when those of the dead one arrive.
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

test('whoever runs forward to what a journal has does not run ahead of the schedule', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 20 });
  bench.start();
  await bench.clock.advance(2_000);
  bench.restart();
  await bench.clock.advance(500);
  t.is(recordsOf(bench), 51);
  // Sums of files that only the journal knows are no reason either.
  bench.fate = () => ({ lateMs: 400 });
  await bench.clock.advance(500);
  bench.restart();
  bench.fate = () => null;
  await bench.clock.advance(1_000);
  t.is(recordsOf(bench), 81);
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
    // It continues from a snapshot that is at most a second old.
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

test('a finished folder begins a new life with a new producer', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  bench.start();
  await bench.untilDrained();
  const first = bench.life.producer;
  bench.kill();
  bench.drained = 0;
  bench.start();
  await bench.untilDrained();
  t.not(bench.life.producer, first);
  t.false(bench.life.resumed);
  holds(t, bench);
  t.is(bench.chunker.verifiedTotal, 5);
});

test('the hold of a life that died between its end and the release is released at the next start', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  bench.gate = ({ writes }) => {
    const phase = writes.find(({ key }) => key.toString() === 'phase')?.value;
    if (phase == null || !Buffer.from(phase).includes('finished')) return undefined;
    bench.gate = () => {};
    bench.kill('durable');
    return new Promise(() => {});
  };
  bench.start();
  await bench.clock.until(() => bench.incarnations === 1 && phaseOf(bench) === 'finished');
  const [first = ''] = bench.journals.sums.holds.keys();
  t.not(first, '');
  bench.start();
  await bench.untilDrained();
  t.deepEqual(bench.journals.released, [first, bench.life.producer]);
  t.is(bench.journals.sums.holds.size, 0);
  holds(t, bench);
});

test('a life that had begun to end finishes, whether its end records had arrived or not', async (t) => {
  for (const arrived of ['none', 'some', 'all'] as const) {
    const bench = new ChunkerBench({ fileCount: 8 });
    bench.fate = (_journal, { kind }) => {
      if (kind !== 'end' || bench.incarnations > 1) return null;
      if (arrived === 'all') return 'unanswered';
      return arrived === 'some' && bench.sent.filter((sent) => sent.kind === 'end').length === 1
        ? 'unanswered'
        : 'lost';
    };
    bench.start();
    await bench.clock.until(() => bench.sent.some(({ kind }) => kind === 'end'));
    t.is(phaseOf(bench), 'ending');
    const { producer } = bench.life;
    bench.restart();
    await bench.untilDrained();
    t.true(bench.life.isEnding);
    t.is(bench.life.producer, producer);
    holds(t, bench, arrived);
  }
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

test('a sum of a file that only a dead incarnation knows is no phantom', async (t) => {
  const bench = new ChunkerBench({ fileCount: 500, rate: 2_000, batchBytes: 4_000 });
  // Nothing is published, no snapshot is taken, and what was sent is in the journal.
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(900);
  bench.kill();
  // More than a new incarnation generates before it reads.
  t.true(recordsOf(bench) > 1_000 && bench.summer.waiting > 100);
  bench.summer.resume();
  // The sums are there before the new incarnation has generated anything.
  bench.start();
  await bench.untilDrained();
  holds(t, bench);
});

test('a chunker that was stopped for longer than the SLA reads what came meanwhile, and finds nothing lost', async (t) => {
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
  // Nobody knows how long ago the files of the old boot were intended.
  const intended = bench.verdicts.map(({ intendedNs }) => intendedNs);
  t.true(intended.some((ns) => Number.isNaN(ns)));
  t.deepEqual(
    intended.filter((ns) => ns < rebootNs),
    [],
  );
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

test('the hold follows what is durable, and never runs ahead of it', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  const durable = (): number => readRow(bench.store, 'position', isPositionRow)?.offset ?? 0;
  bench.start();
  let held = new HeldCommits();
  let seen = 0;
  for (let at = 0; at < 60; at += 1) {
    await bench.clock.advance(37);
    const hold = bench.hold ?? 0;
    t.true(hold <= durable(), `the hold is at ${hold}, durable is ${durable()}`);
    if (at % 20 === 10) {
      held = new HeldCommits();
      bench.gate = held.gate;
    } else if (at % 20 === 0) {
      held.open();
      t.true(at === 0 || hold > seen);
      seen = hold;
    }
  }
  t.true(bench.journals.sums.head > durable());
});
