/** How a life begins, goes on and ends: over stops, reboots, retirement, other workloads and damage. */

import test from 'ava';
import { EXIT, FencedError, OperatingError, UsageError, ViolationError, exitCodeOf } from '../../core/errors.ts';
import { chunkJournal } from '../../journal/journals.ts';
import { wholeRange } from '../../store/row.ts';
import { HeldCommits } from '../../store/testing/memory-store.ts';
import { Ledger } from '../../verifier/ledger.ts';
import { Workload } from '../../workload/workload.ts';
import { TABLE, readBytes } from '../rows/records.ts';
import { ChunkerBench } from '../testing/chunker-bench.ts';
import { holds, phaseOf, recordsOf } from '../testing/chunker-claims.ts';

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

test('a chunker whose hold is gone says so before it sends anything, and never calls a file lost', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(1_500);
  // No sum comes while it is away, and none later.
  bench.summer.isPaused = true;
  await bench.clock.advance(500);
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

test('a chunker that was stopped in its tracks until its pin was gone and its sums trimmed says so, and nothing is lost', async (t) => {
  for (const isTrimmed of [false, true]) {
    const bench = new ChunkerBench({ fileCount: null, rate: 100 });
    bench.start();
    await bench.clock.advance(1_500);
    bench.summer.isPaused = true;
    await bench.clock.advance(500);
    bench.journals.sums.pins.clear();
    bench.summer.resume();
    if (isTrimmed) bench.journals.sums.begin = bench.journals.sums.head;
    await bench.clock.advance(60_000);
    const [error] = bench.failures;
    t.true(error instanceof OperatingError && error.code === 'ERR_PIN_EXPIRED', String(error));
  }
});

test('a number of files is published once, however often its command is repeated; another number is other work', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  bench.start();
  await bench.untilDrained();
  const first = bench.life.producer;
  const sent = bench.sent.length;
  for (let again = 1; again <= 2; again += 1) {
    bench.kill();
    bench.drained = 0;
    bench.start();
    await bench.untilDrained();
    t.is(bench.life.producer, first);
    t.is(bench.sent.length, sent);
    t.is(bench.said, 1 + again);
    t.is(bench.chunker.verifiedTotal, 5);
    t.is(bench.chunker.filesTotal, 5);
    holds(t, bench);
  }
  bench.kill();
  bench.drained = 0;
  bench.start({ fileCount: 6 });
  await bench.untilDrained();
  t.not(bench.life.producer, first);
  t.is(bench.chunker.verifiedTotal, 6);
});

test('what was published until a drain is drained once that was said, and the folder begins a new life', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 200 });
  const drain = async (): Promise<string> => {
    bench.drained = 0;
    bench.wantsDrain = false;
    bench.start();
    await bench.clock.advance(500);
    bench.drain();
    await bench.untilDrained();
    holds(t, bench);
    bench.wantsDrain = false;
    return bench.life.producer;
  };
  const first = await drain();
  bench.kill();
  t.not(await drain(), first);
  t.false(bench.life.resumed);
});

test('who is killed before it was said that it has drained says so at the next start, and publishes nothing', async (t) => {
  for (const fileCount of [null, 30]) {
    const bench = new ChunkerBench({ fileCount, rate: 200 });
    bench.gate = ({ writes }) => {
      const phase = writes.find(({ key }) => key.toString() === 'phase')?.value;
      if (phase == null || !Buffer.from(phase).includes('told')) return undefined;
      bench.gate = () => {};
      bench.kill('lost');
      return new Promise(() => {});
    };
    bench.start();
    await bench.clock.advance(500);
    const { producer } = bench.life;
    bench.drain();
    await bench.clock.until(() => !bench.isRunning);
    t.is(bench.said, 1);
    t.is(bench.drained, 0);
    const sent = bench.sent.length;
    bench.start();
    await bench.untilDrained();
    t.is(bench.said, 2);
    t.is(bench.life.producer, producer);
    t.is(bench.sent.length, sent);
    holds(t, bench);
  }
});

test('who is stopped while it becomes durable that its end was said waits for that', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(({ value }) => value !== null && Buffer.from(value).includes('"told"'))
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  let isStopped = false;
  const stopping = bench.chunker.stop().then(() => (isStopped = true));
  await bench.clock.settle();
  t.false(isStopped);
  held.open();
  await stopping;
  t.is(bench.drained, 1);
  holds(t, bench);
});

test('who is stopped while its end becomes durable closes nothing under what follows from that', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(
      ({ key, value }) => key.toString() === 'phase' && value !== null && !Buffer.from(value).includes('ending'),
    )
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  const stopping = bench.chunker.stop().then(() => {
    t.is(held.waiting.length, 0);
  });
  // The end, and then that it was said.
  for (const phase of ['finished', 'told']) {
    await bench.clock.until(() => held.waiting.length > 0);
    held.releaseOne();
    await bench.clock.settle();
    t.is(phaseOf(bench), phase);
  }
  await stopping;
  holds(t, bench);
});

test('who is stopped while its end becomes durable waits for the word of it, however long the release takes', async (t) => {
  const bench = new ChunkerBench({ fileCount: 5 });
  const held = new HeldCommits();
  bench.gate = (commit) =>
    commit.writes.some(
      ({ key, value }) => key.toString() === 'phase' && value !== null && !Buffer.from(value).includes('ending'),
    )
      ? held.gate(commit)
      : undefined;
  bench.start();
  await bench.clock.until(() => held.waiting.length > 0);
  let isStopped = false;
  const stopping = bench.chunker.stop().then(() => {
    isStopped = true;
  });
  bench.journals.answerMs = 5;
  held.releaseOne();
  await bench.clock.until(() => isStopped || held.waiting.length > 0);
  await bench.clock.advance(100);
  // Whoever stopped it closes its store next.
  t.false(isStopped);
  t.is(bench.said, 1);
  held.releaseOne();
  await bench.clock.until(() => isStopped);
  await stopping;
  t.is(phaseOf(bench), 'told');
  holds(t, bench);
});

test('a life that died between its end and the release only releases its pin at the next start', async (t) => {
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
  const [first = ''] = bench.journals.sums.pins.keys();
  t.not(first, '');
  const sent = bench.sent.length;
  bench.start();
  await bench.untilDrained();
  t.is(bench.life.producer, first);
  t.is(bench.sent.length, sent);
  t.deepEqual(bench.journals.released, [first]);
  t.is(bench.journals.sums.pins.size, 0);
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

test('a producer that was retired while it only waits for sums is fenced, and not taken for absent', async (t) => {
  for (const isRetired of [true, false]) {
    const bench = new ChunkerBench({ fileCount: 5 });
    bench.summer.isPaused = true;
    bench.start();
    await bench.clock.advance(500);
    const { producer } = bench.life;
    // Its pin goes last.
    if (isRetired)
      for (const partition of [0, 1]) bench.journals.journal(chunkJournal(partition)).producer(producer).ended = true;
    bench.journals.sums.pins.delete(producer);
    const error = await bench.untilFailed();
    t.true(isRetired ? error instanceof FencedError : error instanceof OperatingError, String(error));
    t.is(bench.failures.length, 1);
  }
});

test('a life that had begun to end finishes although what it had read is trimmed and its pin is gone', async (t) => {
  const bench = new ChunkerBench({ fileCount: 8 });
  bench.fate = (_journal, { kind }) => {
    if (kind !== 'end') return null;
    return bench.incarnations === 1 ? 'lost' : { lateMs: 1_000 };
  };
  bench.start();
  await bench.clock.until(() => bench.sent.some(({ kind }) => kind === 'end'));
  bench.kill();
  bench.journals.sums.pins.clear();
  bench.journals.sums.begin = bench.journals.sums.head + 1;
  bench.start();
  await bench.untilDrained();
  t.true(bench.life.isEnding);
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
  // Nobody knows how long ago the files of the old boot were intended.
  const intended = bench.verdicts.map(({ intendedNs }) => intendedNs);
  t.true(intended.some((ns) => Number.isNaN(ns)));
  t.deepEqual(
    intended.filter((ns) => ns < rebootNs),
    [],
  );
});
