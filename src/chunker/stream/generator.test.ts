import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { type Chunk, decodeChunks, fileIdOf, fileNumberOf } from '../../message/chunk.ts';
import { Workload, type WorkloadOptions } from '../../workload/workload.ts';
import { Generator, savedIndexes } from './generator.ts';

const PRODUCER = '80aabbccddeeff01';
const OPTIONS: WorkloadOptions = {
  seed: 11,
  chunkerNumber: 1,
  filesOpen: 4,
  chunks: { low: 0, high: 5 },
  chunkBytes: { low: 1, high: 40 },
  partitions: 3,
};

const anyOptions: fc.Arbitrary<WorkloadOptions> = fc.record({
  seed: fc.maxSafeNat(),
  chunkerNumber: fc.nat(9),
  filesOpen: fc.integer({ min: 1, max: 7 }),
  chunks: fc.tuple(fc.nat(4), fc.nat(4)).map(([low, more]) => ({ low, high: low + more })),
  chunkBytes: fc.tuple(fc.nat(20), fc.nat(20)).map(([low, more]) => ({ low: low + 1, high: low + 1 + more })),
  partitions: fc.integer({ min: 1, max: 5 }),
});
const anyCount = fc.option(fc.nat(30));

type Step = { readonly partition: number; readonly index: number; readonly isEnd: boolean; readonly record: string };

function make(options: WorkloadOptions, fileCount: number | null = null): Generator {
  return new Generator({ workload: new Workload(options), producer: PRODUCER, fileCount });
}

/** Takes a step by `write`; `null` at the end. */
function step(generator: Generator): Step | null {
  const next = generator.peek();
  if (next === null) return null;
  const { partition, isEnd, recordBytes } = next;
  const index = generator.indexes[partition] ?? Number.NaN;
  const record = Buffer.alloc(recordBytes);
  generator.write(new DataView(record.buffer, record.byteOffset, record.length), 0);
  return { partition, index, isEnd, record: record.toString('hex') };
}

function steps(generator: Generator, max: number): Step[] {
  const taken: Step[] = [];
  while (taken.length < max) {
    const next = step(generator);
    if (next === null) break;
    taken.push(next);
  }
  return taken;
}

function skip(generator: Generator, count: number): void {
  for (let taken = 0; taken < count && generator.peek() !== null; taken += 1) generator.skip();
}

function chunkOf(record: string): Chunk {
  const chunk = decodeChunks(Buffer.from(record, 'hex'))?.[0];
  if (chunk === undefined) throw new Error('a step is one whole record');
  return chunk;
}

test('the same seed gives the same records, wherever they are written to', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.integer({ min: 100, max: 400 }), (options, batchBytes) => {
      const expected = steps(make(options), 120).map(({ record }) => record);
      // Packed into batches with odd offsets, as the publisher does.
      const generator = make(options);
      const batch = Buffer.alloc(batchBytes, 0xee);
      const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
      const found: string[] = [];
      let used = 1;
      while (found.length < expected.length) {
        const bytes = generator.peek()?.recordBytes ?? 0;
        if (used + bytes > batchBytes) used = 1;
        generator.write(view, used);
        found.push(batch.toString('hex', used, used + bytes));
        used += bytes;
      }
      t.deepEqual(found, expected);
    }),
    { numRuns: 50 },
  );
});

test('another seed or chunker number gives another stream', (t) => {
  const streams = [
    OPTIONS,
    { ...OPTIONS, seed: 12 },
    { ...OPTIONS, seed: OPTIONS.seed + 2 ** 32 },
    { ...OPTIONS, chunkerNumber: 2 },
  ].map((options) => JSON.stringify(steps(make(options), 60)));
  t.is(new Set(streams).size, streams.length);
});

test('a generator that is saved and restored at any step gives the same stream', (t) => {
  fc.assert(
    fc.property(anyOptions, anyCount, fc.nat(80), (options, fileCount, at) => {
      const generator = make(options, fileCount);
      skip(generator, at);
      const saved = generator.save();
      const restored = make(options, fileCount);
      // The earlier steps of this generator do not matter.
      skip(restored, 17);
      restored.restore(saved);
      t.true(restored.save().equals(saved));
      t.deepEqual(savedIndexes(saved, options.partitions), [...generator.indexes]);
      t.is(restored.step, generator.step);
      t.deepEqual(restored.openFiles(), generator.openFiles());
      t.deepEqual(steps(restored, 60), steps(generator, 60));
    }),
  );
});

test('skipping a record and writing it advance alike', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.infiniteStream(fc.boolean()), (options, choices) => {
      const writer = make(options);
      const mixed = make(options);
      for (let at = 0; at < 60; at += 1) {
        step(writer);
        if (choices.next().value === true) skip(mixed, 1);
        else step(mixed);
        t.true(mixed.save().equals(writer.save()));
      }
    }),
    { numRuns: 30 },
  );
});

test('looking at the next record changes nothing, however often', (t) => {
  const looked = make(OPTIONS, 20);
  const plain = make(OPTIONS, 20);
  for (let taken = step(plain); taken !== null; taken = step(plain)) {
    const first = { ...looked.peek() };
    t.deepEqual({ ...looked.peek() }, first);
    t.deepEqual({ ...looked.peek() }, first);
    t.deepEqual(step(looked), taken);
  }
  t.is(looked.peek(), null);
  t.is(looked.peek(), null);
});

test('a record is written or skipped only after a look at it, and no snapshot is taken between', (t) => {
  const generator = make(OPTIONS);
  const view = new DataView(new ArrayBuffer(100));
  t.throws(() => generator.write(view, 0), { name: 'InvariantError' });
  t.throws(() => generator.skip(), { name: 'InvariantError' });
  generator.peek();
  t.throws(() => generator.save(), { name: 'InvariantError' });
  generator.skip();
  t.notThrows(() => generator.save());
  t.throws(() => generator.skip(), { name: 'InvariantError' });
});

test('what a look shows is what is written', (t) => {
  const generator = make(OPTIONS);
  const workload = new Workload(OPTIONS);
  for (let at = 0; at < 200; at += 1) {
    const { partition, fileNumber, sequence, isEnd, dataBytes, recordBytes } = { ...generator.peek() };
    const chunk = chunkOf(step(generator)?.record ?? '');
    t.is(chunk.fileId, fileIdOf(PRODUCER, fileNumber ?? -1));
    t.is(chunk.sequence, sequence ?? -1);
    t.is(chunk.data.length, dataBytes ?? -1);
    t.is(recordBytes, 24 + chunk.data.length);
    t.is(isEnd, chunk.data.length === 0);
    t.is(partition, workload.partitionOf(fileNumber ?? -1));
  }
});

test('the indexes of every partition are dense, and so are file numbers and sequences', (t) => {
  fc.assert(
    fc.property(anyOptions, anyCount, (options, fileCount) => {
      const generator = make(options, fileCount);
      const nextIndexes = Array.from({ length: options.partitions }, () => 0);
      const sequences = new Map<number, number>();
      let files = 0;
      for (const { partition, index, record } of steps(generator, 150)) {
        t.is(index, nextIndexes[partition] ?? -1);
        nextIndexes[partition] = index + 1;
        const { fileId, sequence } = chunkOf(record);
        const file = fileNumberOf(fileId);
        t.is(sequence, (sequences.get(file) ?? 0) + 1);
        // A new file has the next number.
        if (sequence === 1) t.is(file, files);
        if (sequence === 1) files += 1;
        sequences.set(file, sequence);
      }
      t.deepEqual([...generator.indexes], nextIndexes);
      t.is(generator.nextFile, files);
    }),
    { numRuns: 50 },
  );
});

test('every file is whole: its sum over the stream is the expected one, and it ends once', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.nat(20), (options, fileCount) => {
      const workload = new Workload(options);
      const files = new Map<number, { bytes: Buffer[]; lastSequence: number; ends: number }>();
      for (const { record } of steps(make(options, fileCount), Number.POSITIVE_INFINITY)) {
        const { fileId, sequence, data } = chunkOf(record);
        const file = files.get(fileNumberOf(fileId)) ?? { bytes: [], lastSequence: 0, ends: 0 };
        files.set(fileNumberOf(fileId), file);
        t.is(file.ends, 0);
        file.bytes.push(Buffer.from(data));
        file.lastSequence = sequence;
        if (data.length === 0) file.ends += 1;
      }
      t.is(files.size, fileCount);
      for (const [number, { bytes, lastSequence, ends }] of files) {
        const whole = Buffer.concat(bytes);
        const digest = createHash('sha256').update(whole).digest('hex');
        t.is(ends, 1);
        t.deepEqual(workload.expectedSum(number), { lastSequence, bytes: whole.length, digest });
      }
    }),
    { numRuns: 50 },
  );
});

test('no more files are open at once than asked for, and as many as that are', (t) => {
  const generator = make({ ...OPTIONS, filesOpen: 6, chunks: { low: 3, high: 3 } });
  let most = 0;
  for (let at = 0; at < 300; at += 1) {
    step(generator);
    most = Math.max(most, generator.filesOpen);
    t.is(new Set(generator.openFiles()).size, generator.filesOpen);
  }
  t.is(most, 6);
});

test('so many files as were asked for are opened, and all of them end', (t) => {
  for (const fileCount of [0, 1, 2, 25]) {
    const generator = make(OPTIONS, fileCount);
    const taken = steps(generator, Number.POSITIVE_INFINITY);
    t.is(generator.nextFile, fileCount);
    t.is(taken.filter(({ isEnd }) => isEnd).length, fileCount);
    t.true(generator.isEnded);
    t.is(generator.filesOpen, 0);
  }
});

test('files without data consist of their end alone', (t) => {
  const generator = make({ ...OPTIONS, chunks: { low: 0, high: 0 } }, 10);
  const taken = steps(generator, Number.POSITIVE_INFINITY);
  t.is(taken.length, 10);
  for (const { isEnd, record } of taken) {
    t.true(isEnd);
    t.like(chunkOf(record), { sequence: 1 });
  }
});

test('files of every length in the range occur', (t) => {
  const generator = make({ ...OPTIONS, chunks: { low: 1, high: 3 } }, 60);
  const ends = steps(generator, Number.POSITIVE_INFINITY).filter(({ isEnd }) => isEnd);
  const lengths = new Set(ends.map(({ record }) => chunkOf(record).sequence - 1));
  t.deepEqual(
    [...lengths].toSorted((a, b) => a - b),
    [1, 2, 3],
  );
});

test('from the end step on no file is opened, and every open one ends', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.nat(60), fc.nat(30), fc.boolean(), (options, at, later, hasLooked) => {
      const generator = make(options);
      skip(generator, at);
      if (hasLooked) generator.peek();
      const endStep = generator.endSoon(at + later);
      // A record that is already chosen belongs to a step before the end.
      t.is(endStep, Math.max(at + later, hasLooked ? at + 1 : at));
      t.is(generator.endStep, endStep);
      const stream: Step[] = [];
      let filesAtEnd = generator.nextFile;
      for (let taken = step(generator); taken !== null; taken = step(generator)) {
        stream.push(taken);
        if (generator.step <= endStep) filesAtEnd = generator.nextFile;
        else t.is(generator.nextFile, filesAtEnd, 'a file was opened too late');
      }
      t.is(generator.filesOpen, 0);
      t.true(generator.isEnded);
      // Nothing else changes: up to the end step the stream is that of a generator that never ends.
      const endless = make(options);
      skip(endless, at);
      t.deepEqual(stream.slice(0, endStep - at), steps(endless, endStep - at));
    }),
  );
});

test('a generator with the decision to end gives the stream of the one that decided', (t) => {
  fc.assert(
    fc.property(
      anyOptions,
      fc.nat(60),
      fc.nat(30),
      fc.nat(60),
      fc.boolean(),
      (options, at, later, snapshot, looked) => {
        const decider = make(options);
        const stream = steps(decider, at);
        if (looked) decider.peek();
        const endStep = decider.endSoon(at + later);
        stream.push(...steps(decider, Number.POSITIVE_INFINITY));
        // From the beginning, and from a snapshot that was taken before the decision.
        const restarted = make(options);
        restarted.endAt(endStep);
        t.deepEqual(steps(restarted, Number.POSITIVE_INFINITY), stream);
        const before = make(options);
        skip(before, Math.min(snapshot, endStep));
        const restored = make(options);
        restored.restore(before.save());
        restored.endAt(endStep);
        t.deepEqual(steps(restored, Number.POSITIVE_INFINITY), stream.slice(before.step));
        // From a snapshot that was taken at any later step. It knows the decision, which is also read from the store.
        const since = make(options);
        since.endAt(endStep);
        skip(since, endStep + snapshot);
        const resumed = make(options);
        resumed.restore(since.save());
        resumed.endAt(endStep);
        t.deepEqual(steps(resumed, Number.POSITIVE_INFINITY), stream.slice(since.step));
      },
    ),
  );
});

test('a snapshot keeps the decision to end, and the past does not change', (t) => {
  const generator = make(OPTIONS);
  skip(generator, 10);
  generator.endSoon(15);
  const restored = make(OPTIONS);
  restored.restore(generator.save());
  t.is(restored.endStep, 15);
  t.deepEqual(steps(restored, 1_000), steps(generator, 1_000));
  const late = make(OPTIONS);
  skip(late, 10);
  t.throws(() => late.endAt(9), { name: 'InvariantError' });
  late.endAt(12);
  late.endAt(20);
  t.is(late.endStep, 12);
});

test('bytes that cannot be a snapshot are refused', (t) => {
  const generator = make(OPTIONS);
  skip(generator, 20);
  const saved = generator.save();
  const altered = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(saved);
    bytes.writeDoubleLE(value, at * 8);
    return bytes;
  };
  const cuts = Array.from({ length: saved.length }, (_, length) => saved.subarray(0, length));
  const bad = [
    ...cuts,
    Buffer.concat([saved, Buffer.alloc(1)]),
    altered(0, -1),
    altered(0, 0.5),
    altered(2, Number.NaN),
    altered(3, OPTIONS.filesOpen + 1),
    altered(3, generator.filesOpen - 1),
  ];
  for (const bytes of bad) t.throws(() => make(OPTIONS).restore(bytes), { name: 'InvariantError' });
  t.notThrows(() => make(OPTIONS).restore(saved));
});
