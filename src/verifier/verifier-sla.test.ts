import test from 'ava';
import { ViolationError } from '../core/errors.ts';
import { fileIdOf } from '../message/chunk.ts';
import { SLA_MS, VerifierBench } from './testing/verifier-bench.ts';
import { WARN_SECONDS } from './verifier.ts';
import { Held, isSettled, violates } from './testing/answers.ts';

test('a sum that became durable after the SLA is late, by the stamps of the broker', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const stampNs = bench.clock.nowNs() + (SLA_MS + 1) * 1e6;
  const batch = bench.batch([bench.sumOf(0)], { stampNs });
  const witness = { journal: 'sums', offset: batch.begin, index: 0, file: bench.fileId(0) };
  t.regex(await violates(t, bench.verifier.check(batch), 'late', witness), /30\.001 s after/);
});

test('a sum that was durable in time is not late, however long its verifier was stopped', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const batch = bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() + SLA_MS * 1e6 });
  bench.clock.jump(10 * SLA_MS);
  await bench.verifier.check(batch);
  t.is(bench.verified.length, 1);
});

/** Lets time pass in which the verifier runs. */
function run(bench: VerifierBench, ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 50) {
    bench.clock.jump(50);
    bench.verifier.look();
  }
}

test('the time in which everything was stopped counts for nobody, and the rest of it does', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.complete(1);
  bench.verifier.look();
  run(bench, 1_000);
  bench.clock.jump(10 * SLA_MS);
  bench.verifier.look();
  await t.notThrowsAsync(bench.verifier.judge());
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() }));
  t.is(bench.verified.length, 1);
  // The first second of a stop counts, because an event loop may be late by that much.
  run(bench, SLA_MS - 2_000);
  await t.notThrowsAsync(bench.verifier.judge());
  run(bench, 50);
  await t.throwsAsync(bench.verifier.judge(), { instanceOf: ViolationError, message: /^no sum 329\.05/ });
  const batch = bench.batch([bench.sumOf(1)], { stampNs: bench.clock.nowNs() });
  await t.throwsAsync(bench.verifier.check(batch), { instanceOf: ViolationError, message: /^the sum came 329\.05/ });
});

test('a stop is known before a sum is judged that was read before any timer ran', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.verifier.look();
  bench.clock.jump(10 * SLA_MS);
  await t.notThrowsAsync(bench.verifier.check(bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() })));
  t.is(bench.verified.length, 1);
});

test('a sum whose time is not known is not judged late', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.clock.jump(10 * SLA_MS);
  // A sum that was durable in an earlier boot of the machine, and a sum whose file's end is not acknowledged yet.
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { stampNs: 0 }));
  bench.complete(1, { isAcknowledged: false });
  bench.clock.jump(10 * SLA_MS);
  await bench.verifier.check(bench.batch([bench.sumOf(1)]));
  t.is(bench.verified.length, 2);
});

test('a sum that is in no place of the journal after the SLA is lost', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.complete(1);
  await bench.verifier.check(bench.batch([bench.sumOf(0)]));
  bench.clock.jump(SLA_MS);
  await t.notThrowsAsync(bench.verifier.judge());
  bench.clock.jump(1);
  const partition = bench.workload.partitionOf(1);
  const endIndex = bench.workload.partitionOf(0) === partition ? 1 : 0;
  const detail = await violates(t, bench.verifier.judge(), 'lost', {
    journal: `chunks of partition ${partition}`,
    file: bench.fileId(1),
    index: endIndex,
  });
  t.regex(detail, new RegExp(`no sum 30\\.001 s .* up to ${bench.tail}`));
});

test('nothing is lost whose end is not acknowledged', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0, { isAcknowledged: false });
  bench.clock.jump(10 * SLA_MS);
  await t.notThrowsAsync(bench.verifier.judge());
  // The time counts from the acknowledgement.
  bench.verifier.acknowledged(bench.workload.partitionOf(0), 1, bench.clock.nowNs());
  bench.clock.jump(SLA_MS - 1);
  await t.notThrowsAsync(bench.verifier.judge());
  bench.clock.jump(2);
  await t.throwsAsync(bench.verifier.judge(), { instanceOf: ViolationError, message: /no sum/ });
});

test('an acknowledgement of unknown time counts from when it was read, and its sum is not judged late', async (t) => {
  const bench = new VerifierBench();
  for (const fileNumber of [0, 1]) bench.complete(fileNumber, { isAcknowledged: false });
  bench.clock.jump(10 * SLA_MS);
  for (const partition of [0, 1]) bench.verifier.acknowledged(partition, 2, 0);
  bench.clock.jump(SLA_MS - 1);
  await t.notThrowsAsync(bench.verifier.judge());
  // A stamp of a clock that is hours ahead of the clock that timed the acknowledgement.
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() + 7_200e9 }));
  t.is(bench.verified.length, 1);
  bench.clock.jump(2);
  const error = await t.throwsAsync(bench.verifier.judge(), { instanceOf: ViolationError, message: /no sum/ });
  t.is(error?.witness.file, bench.fileId(1));
});

test('acknowledging below an end does not start its time', async (t) => {
  const bench = new VerifierBench();
  bench.verifier.completed({ fileNumber: 0, intendedNs: 0, endIndex: 7, acknowledgedNs: null });
  bench.verifier.acknowledged(bench.workload.partitionOf(0), 7, bench.clock.nowNs());
  bench.verifier.acknowledged(1 - bench.workload.partitionOf(0), 100, bench.clock.nowNs());
  bench.clock.jump(2 * SLA_MS);
  await t.notThrowsAsync(bench.verifier.judge());
  bench.verifier.acknowledged(bench.workload.partitionOf(0), 8, bench.clock.nowNs() - 2 * SLA_MS * 1e6);
  await t.throwsAsync(bench.verifier.judge(), { instanceOf: ViolationError });
});

test('a verifier that was stopped reads what is in the journal before it judges', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const batch = bench.batch([bench.sumOf(0)]);
  bench.clock.jump(10 * SLA_MS);
  const judged = bench.verifier.judge();
  t.false(await isSettled(judged));
  await bench.verifier.check(batch);
  await t.notThrowsAsync(judged);
});

test('nothing is lost before everything below the head that was asked for is read', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.complete(1);
  const first = bench.batch([bench.sumOf(0)]);
  const second = bench.batch([{ ...bench.sumOf(0), fileId: fileIdOf('9000000000000000', 0) }]);
  bench.clock.jump(2 * SLA_MS);
  const judged = bench.verifier.judge();
  await bench.verifier.check(first);
  t.false(await isSettled(judged));
  const checked = bench.verifier.check(second);
  const error = await t.throwsAsync(judged, { instanceOf: ViolationError });
  t.is(error?.witness.file, bench.fileId(1));
  await checked;
});

test('a sum that arrives while the head is asked for is not lost', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.clock.jump(2 * SLA_MS);
  const head = new Held<number>();
  bench.head = () => head.promise;
  const judged = bench.verifier.judge();
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() - SLA_MS * 1e6 }));
  head.resolve(1_000);
  await t.notThrowsAsync(judged);
});

test('only what was overdue when it asked is judged', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.clock.jump(SLA_MS / 2);
  bench.complete(1);
  bench.clock.jump(SLA_MS / 2 + 1);
  const batch = bench.batch([bench.sumOf(0)], { stampNs: bench.clock.nowNs() - 1e9 });
  const judged = bench.verifier.judge();
  bench.clock.jump(SLA_MS);
  await bench.verifier.check(batch);
  await t.notThrowsAsync(judged);
  await t.throwsAsync(bench.verifier.judge(), { instanceOf: ViolationError, message: /no sum/ });
});

test('the head is asked for only when something is overdue, and once at a time', async (t) => {
  const bench = new VerifierBench();
  let asked = 0;
  bench.head = () => {
    asked += 1;
    return Promise.resolve(bench.tail + 64);
  };
  await bench.verifier.judge();
  bench.complete(0);
  await bench.verifier.judge();
  t.is(asked, 0);
  bench.clock.jump(2 * SLA_MS);
  const judged = bench.verifier.judge();
  await bench.verifier.judge();
  await bench.verifier.judge();
  t.is(asked, 1);
  t.false(await isSettled(judged));
});

test('a file that waits is warned of once at each threshold', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const startNs = bench.clock.nowNs();
  const seen: number[] = [];
  for (let ms = 0; ms < SLA_MS; ms += 50) {
    await bench.verifier.judge();
    bench.clock.jump(50);
  }
  for (const delay of bench.delays) {
    const [file, seconds] = delay.split(' ');
    t.is(file, bench.fileId(0));
    seen.push(Number(seconds));
  }
  t.deepEqual(
    seen,
    WARN_SECONDS.filter((seconds) => seconds < 30),
  );
  t.is(bench.clock.nowNs() - startNs, SLA_MS * 1e6);
});

test('a wait that passed several thresholds at once is one warning, and the next file has its own', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.complete(1);
  bench.clock.jump(5_000);
  await bench.verifier.judge();
  t.deepEqual(bench.delays, [`${bench.fileId(0)} 5`]);
  await bench.verifier.judge();
  await bench.verifier.check(bench.batch([bench.sumOf(0)]));
  await bench.verifier.judge();
  t.deepEqual(bench.delays, [`${bench.fileId(0)} 5`, `${bench.fileId(1)} 5`]);
});

test('what is verified in time is never warned of', async (t) => {
  const bench = new VerifierBench();
  for (let file = 0; file < 20; file += 1) {
    bench.complete(file);
    bench.clock.jump(60);
    await bench.verifier.check(bench.batch([bench.sumOf(file)]));
    await bench.verifier.judge();
  }
  t.deepEqual(bench.delays, []);
  t.is(bench.verified.length, 20);
});

test('behind a file that waits, deadlines of verified files do not pile up, and it is still lost', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const files = 9_000;
  for (let file = 1; file <= files; file += 1) {
    bench.complete(file);
    await bench.verifier.check(bench.batch([bench.sumOf(file)]));
    if (file % 100 === 0) await bench.verifier.judge();
    t.true(bench.verifier.deadlines < 4_300, `${bench.verifier.deadlines} after ${file} files`);
  }
  bench.clock.jump(SLA_MS + 1);
  const journal = `chunks of partition ${bench.workload.partitionOf(0)}`;
  await violates(t, bench.verifier.judge(), 'lost', { journal, file: bench.fileId(0), index: 0 });
});
