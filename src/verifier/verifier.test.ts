import test from 'ava';
import { crc32c } from '../hash/crc32c.ts';
import { encodeBatch, shardProducer } from '../message/batch.ts';
import { fileIdOf } from '../message/chunk.ts';
import { forgeBatch } from '../message/testing/forge.ts';
import { encodeSum } from '../message/sum.ts';
import { VerifierBench } from './testing/verifier-bench.ts';
import { Held, isSettled, violates } from './testing/answers.ts';

test('right sums are verified once each, with what they are about', async (t) => {
  const bench = new VerifierBench();
  for (const file of [0, 1, 2]) bench.complete(file);
  t.is(bench.verifier.outstanding, 3);
  const completedNs = bench.clock.nowNs();
  bench.clock.jump(250);
  await bench.verifier.check(bench.batch([bench.sumOf(1), bench.sumOf(0)]));
  const { bytes, lastSequence } = bench.workload.expectedSum(1);
  t.is(bench.verified.length, 2);
  t.deepEqual(bench.verified[0], {
    fileNumber: 1,
    partition: bench.workload.partitionOf(1),
    intendedNs: completedNs,
    verifiedNs: completedNs + 250e6,
    chunks: lastSequence - 1,
    bytes,
  });
  t.is(bench.verifier.outstanding, 1);
  t.deepEqual(
    [0, 1, 2].map((file) => bench.ledger.isVerified(file)),
    [true, true, false],
  );
});

test('position and ledger move together, and whoever continues from them verifies the rest', async (t) => {
  const bench = new VerifierBench();
  for (const file of [0, 1, 2]) bench.complete(file);
  await bench.verifier.check(bench.batch([bench.sumOf(0)]));
  await bench.verifier.check(bench.batch([bench.sumOf(1)], { producer: shardProducer(1), epoch: 4 }));
  t.deepEqual(bench.position, {
    offset: bench.tail,
    nextIndexes: { [shardProducer(0)]: 1, [shardProducer(1)]: 1 },
    epochs: { [shardProducer(0)]: 1, [shardProducer(1)]: 4 },
  });
  bench.restart();
  for (const file of [0, 1, 2]) bench.complete(file);
  t.is(bench.verifier.outstanding, 1);
  await bench.verifier.check(bench.batch([bench.sumOf(2)]));
  t.deepEqual(
    bench.verified.map(({ fileNumber }) => fileNumber),
    [0, 1, 2],
  );
});

test('while a batch waits for completion neither position nor ledger has moved', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const batch = bench.batch([bench.sumOf(0), bench.sumOf(1)]);
  const completion = new Held<void>();
  bench.completeThrough = () => completion.promise;
  const before = structuredClone(bench.position);
  const check = bench.verifier.check(batch);
  t.false(await isSettled(check));
  // A process that was killed here reads the batch again, and none of its sums counts as a second one.
  t.deepEqual(bench.position, before);
  t.is(bench.ledger.verifiedTotal, 0);
  bench.complete(1);
  completion.resolve();
  await check;
  t.is(bench.ledger.verifiedTotal, 2);
  t.is(bench.position.offset, batch.end);
});

test('a sum with another digest, length or sequence is mismatched', async (t) => {
  for (const part of [{ digest: 'ab'.repeat(32) }, { bytes: 1_000_000 }, { lastSequence: 77 }]) {
    const bench = new VerifierBench();
    bench.complete(0);
    bench.complete(1);
    const batch = bench.batch([bench.sumOf(0), { ...bench.sumOf(1), ...part }], { firstIndex: 0 });
    const witness = { journal: 'sums', offset: batch.begin, index: 1, file: bench.fileId(1) };
    await violates(t, bench.verifier.check(batch), 'mismatched', witness);
    t.false(bench.ledger.isVerified(1));
  }
});

test('the sum of another file under this id is mismatched', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.complete(1);
  const batch = bench.batch([{ ...bench.sumOf(1), fileId: bench.fileId(0) }]);
  const witness = { journal: 'sums', offset: batch.begin, index: 0, file: bench.fileId(0) };
  await violates(t, bench.verifier.check(batch), 'mismatched', witness);
});

test('a second sum of a file under a new index is a duplicate, even if it is right', async (t) => {
  for (const restarts of [false, true]) {
    const bench = new VerifierBench();
    bench.complete(0);
    await bench.verifier.check(bench.batch([bench.sumOf(0)]));
    if (restarts) bench.restart();
    const batch = bench.batch([bench.sumOf(0)]);
    const witness = { journal: 'sums', offset: batch.begin, index: 1, file: bench.fileId(0) };
    await violates(t, bench.verifier.check(batch), 'duplicate', witness);
  }
});

test('two sums of one file in one batch, or from two shards, are a duplicate', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const twice = bench.batch([bench.sumOf(0), bench.sumOf(0)]);
  const file = bench.fileId(0);
  await violates(t, bench.verifier.check(twice), 'duplicate', { journal: 'sums', offset: twice.begin, index: 1, file });
  const other = new VerifierBench();
  other.complete(0);
  await other.verifier.check(other.batch([other.sumOf(0)]));
  const batch = other.batch([other.sumOf(0)], { producer: shardProducer(1) });
  await violates(t, other.verifier.check(batch), 'duplicate', { journal: 'sums', offset: batch.begin, index: 0, file });
});

test('a sum of a file that was never completed is a phantom, once the journal was asked', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const batch = bench.batch([bench.sumOf(3)]);
  const witness = { journal: 'sums', offset: batch.begin, index: 0, file: bench.fileId(3) };
  await violates(t, bench.verifier.check(batch), 'phantom', witness);
  t.deepEqual(bench.asked, [bench.workload.partitionOf(3)]);
});

test('a sum of a file that a dead incarnation completed is no phantom', async (t) => {
  const bench = new VerifierBench();
  bench.completeThrough = () => {
    bench.complete(3);
    return Promise.resolve();
  };
  await bench.verifier.check(bench.batch([bench.sumOf(3)]));
  t.deepEqual(bench.asked, [bench.workload.partitionOf(3)]);
  t.true(bench.ledger.isVerified(3));
  t.is(bench.verified.length, 1);
});

test('the journal is not asked about a file that is known to be completed', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  await bench.verifier.check(bench.batch([bench.sumOf(0)]));
  t.deepEqual(bench.asked, []);
});

test('a file number that cannot be is a phantom', async (t) => {
  const bench = new VerifierBench();
  const file = `${bench.fileId(0).slice(0, 16)}ffffffffffffffff`;
  const batch = bench.batch([{ ...bench.sumOf(0), fileId: file }]);
  const witness = { journal: 'sums', offset: batch.begin, index: 0, file };
  await violates(t, bench.verifier.check(batch), 'phantom', witness);
});

test('a batch that begins beyond the next offset is a gap, before it a duplicate', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  const batch = bench.batch([bench.sumOf(0)]);
  const beyond = { ...batch, begin: batch.begin + 64 };
  await violates(t, bench.verifier.check(beyond), 'gap', { journal: 'sums', offset: beyond.begin });
  await bench.verifier.check(batch);
  await violates(t, bench.verifier.check(batch), 'duplicate', { journal: 'sums', offset: batch.begin });
  t.is(bench.verified.length, 1);
});

test('indexes that are skipped are a gap, of the producer that skipped them', async (t) => {
  const bench = new VerifierBench();
  bench.complete(0);
  bench.position.nextIndexes[shardProducer(0)] = 5;
  const batch = bench.batch([bench.sumOf(0)], { firstIndex: 6 });
  const witness = { journal: 'sums', offset: batch.begin, index: 5 };
  t.regex(await violates(t, bench.verifier.check(batch), 'gap', witness), /sums 5 to 5 of producer 0000000000000000/);
  // The first index of another producer is 0.
  const first = new VerifierBench();
  const late = first.batch([first.sumOf(0)], { producer: shardProducer(1), firstIndex: 2 });
  await violates(t, first.verifier.check(late), 'gap', { journal: 'sums', offset: late.begin, index: 0 });
});

test('sums below the next index are those that were read before, and are left out', async (t) => {
  const bench = new VerifierBench();
  for (const file of [0, 1, 2]) bench.complete(file);
  await bench.verifier.check(bench.batch([bench.sumOf(0), bench.sumOf(1)]));
  // The first batch lies wholly below the next index, the second one partly.
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { firstIndex: 0 }));
  t.is(bench.position.nextIndexes[shardProducer(0)], 2);
  await bench.verifier.check(bench.batch([bench.sumOf(0), bench.sumOf(1), bench.sumOf(2)], { firstIndex: 0 }));
  t.is(bench.position.nextIndexes[shardProducer(0)], 3);
  t.is(bench.position.offset, bench.tail);
  t.deepEqual(
    bench.verified.map(({ fileNumber }) => fileNumber),
    [0, 1, 2],
  );
});

test('bytes that do not verify, or hold no sums, are corrupt', async (t) => {
  const sum = encodeSum(new VerifierBench().sumOf(0));
  const header = { kind: 'sums', producer: shardProducer(0), firstIndex: 0, count: 1, epoch: 1 } as const;
  const right = encodeBatch(header, sum, 'sums', crc32c);
  const flipped = Buffer.from(right);
  flipped[60] = (flipped[60] ?? 0) ^ 4;
  const reserved = Buffer.from(sum).fill(1, 20, 21);
  const bad = [
    flipped,
    right.subarray(0, right.length - 1),
    Buffer.alloc(0),
    encodeBatch(header, sum, 'chunks/part-000', crc32c),
    encodeBatch({ ...header, kind: 'chunks' }, sum, 'sums', crc32c),
    encodeBatch({ ...header, kind: 'end' }, Buffer.alloc(0), 'sums', crc32c),
    forgeBatch({ ...header, count: 2 }, sum, 'sums'),
    forgeBatch({ ...header, count: 0xffff_ffff }, sum, 'sums'),
    forgeBatch(header, sum.subarray(1), 'sums'),
    encodeBatch(header, reserved, 'sums', crc32c),
  ];
  for (const bytes of bad) {
    const bench = new VerifierBench();
    bench.complete(0);
    await violates(t, bench.verifier.check(bench.store(bytes)), 'corrupt', { journal: 'sums', offset: 1_000 });
    t.is(bench.position.offset, 1_000);
  }
  const bench = new VerifierBench();
  bench.complete(0);
  await bench.verifier.check(bench.store(right));
  t.is(bench.verified.length, 1);
});

test('a sum under an older epoch than the last one of its shard is that of a stale writer', async (t) => {
  const bench = new VerifierBench();
  for (const file of [0, 1, 2]) bench.complete(file);
  await bench.verifier.check(bench.batch([bench.sumOf(0)], { epoch: 3 }));
  // Another shard has its own epochs.
  await bench.verifier.check(bench.batch([bench.sumOf(1)], { epoch: 1, producer: shardProducer(1) }));
  bench.restart();
  const batch = bench.batch([bench.sumOf(2)], { epoch: 2 });
  const witness = { journal: 'sums', offset: batch.begin, index: 1 };
  await violates(t, bench.verifier.check(batch), 'stale-writer', witness);
});

test("sums of other producers' files are left alone", async (t) => {
  const bench = new VerifierBench();
  const foreign = { fileId: fileIdOf('9000000000000000', 0), lastSequence: 1, bytes: 9, digest: '00'.repeat(32) };
  await bench.verifier.check(bench.batch([foreign, foreign]));
  t.deepEqual(bench.verified, []);
  t.deepEqual(bench.asked, []);
  t.is(bench.position.nextIndexes[shardProducer(0)], 2);
  t.is(bench.position.offset, bench.tail);
});

test('a file that is verified already does not complete again', (t) => {
  const bench = new VerifierBench();
  bench.ledger.cover(2);
  bench.ledger.verify(0);
  bench.complete(0);
  bench.complete(1);
  t.is(bench.verifier.outstanding, 1);
});
