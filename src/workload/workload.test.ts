import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { Workload, type WorkloadOptions, fillChunk } from './workload.ts';

const OPTIONS: WorkloadOptions = {
  seed: 7,
  chunkerNumber: 2,
  filesOpen: 5,
  chunks: { low: 0, high: 6 },
  chunkBytes: { low: 1, high: 300 },
  partitions: 8,
};

const anyRange = (low: number, high: number): fc.Arbitrary<{ low: number; high: number }> =>
  fc
    .tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
    .map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));

const anyOptions: fc.Arbitrary<WorkloadOptions> = fc.record({
  seed: fc.maxSafeNat(),
  chunkerNumber: fc.nat(65_535),
  filesOpen: fc.integer({ min: 1, max: 9 }),
  chunks: anyRange(0, 8),
  chunkBytes: anyRange(1, 200),
  partitions: fc.integer({ min: 1, max: 256 }),
});

function ascending(a: number, b: number): number {
  return a - b;
}

function bytesOf(workload: Workload, fileNumber: number): Buffer {
  const seed = workload.fileSeed(fileNumber);
  const parts: Buffer[] = [];
  for (let sequence = 1; sequence <= workload.chunkCount(seed); sequence += 1) {
    const part = Buffer.alloc(workload.chunkBytes(seed, sequence));
    fillChunk(new DataView(part.buffer, part.byteOffset, part.length), 0, part.length, seed, sequence);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

test('the same options give the same files, in whatever order they are asked for', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 5 }), (options, files) => {
      const one = new Workload(options);
      const other = new Workload({ ...options });
      const expected = files.map((file) => ({ ...one.expectedSum(file), bytes: bytesOf(one, file).toString('hex') }));
      const found = files
        .toReversed()
        .map((file) => ({ ...other.expectedSum(file), bytes: bytesOf(other, file).toString('hex') }));
      t.deepEqual(found.toReversed(), expected);
    }),
  );
});

test('a file never changes from one version to the next', (t) => {
  const workload = new Workload(OPTIONS);
  t.deepEqual(workload.expectedSum(0), {
    lastSequence: 2,
    bytes: 214,
    digest: '468b4d8c4cf551d3050236764518cd361a872514d6470e39cc7e3c8bb9ba7183',
  });
  t.deepEqual(workload.expectedSum(2 ** 40 + 3), {
    lastSequence: 7,
    bytes: 940,
    digest: '6e4a7cdbd2112e4d0e7340e6c4de848bb9d5d7fe966a8fd1fea936da4358a8de',
  });
});

test('another seed, chunker or file number gives other files', (t) => {
  const sums = [
    OPTIONS,
    { ...OPTIONS, seed: 8 },
    { ...OPTIONS, seed: OPTIONS.seed + 2 ** 32 },
    { ...OPTIONS, chunkerNumber: 3 },
    { ...OPTIONS, seed: OPTIONS.chunkerNumber, chunkerNumber: OPTIONS.seed },
  ].flatMap((options) => {
    const workload = new Workload({ ...options, chunks: { low: 3, high: 3 } });
    return [0, 1, 2, 2 ** 32, 2 ** 32 + 1].map((file) => workload.expectedSum(file).digest);
  });
  t.is(new Set(sums).size, sums.length);
});

test('the chunks of one file differ', (t) => {
  const workload = new Workload({ ...OPTIONS, chunks: { low: 200, high: 200 }, chunkBytes: { low: 16, high: 16 } });
  const bytes = bytesOf(workload, 1);
  const chunks = Array.from({ length: 200 }, (_, at) => bytes.toString('hex', at * 16, at * 16 + 16));
  t.is(new Set(chunks).size, 200);
});

test('counts and lengths stay within their ranges and reach both ends', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.maxSafeNat(), (options, file) => {
      const workload = new Workload(options);
      const seed = workload.fileSeed(file);
      const count = workload.chunkCount(seed);
      t.true(Number.isInteger(count) && count >= options.chunks.low && count <= options.chunks.high);
      for (let sequence = 1; sequence <= count; sequence += 1) {
        const length = workload.chunkBytes(seed, sequence);
        t.true(Number.isInteger(length) && length >= options.chunkBytes.low && length <= options.chunkBytes.high);
      }
    }),
  );
  const workload = new Workload({ ...OPTIONS, chunks: { low: 2, high: 4 }, chunkBytes: { low: 5, high: 7 } });
  const seeds = Array.from({ length: 100 }, (_, file) => workload.fileSeed(file));
  t.deepEqual([...new Set(seeds.map((seed) => workload.chunkCount(seed)))].toSorted(ascending), [2, 3, 4]);
  t.deepEqual([...new Set(seeds.map((seed) => workload.chunkBytes(seed, 1)))].toSorted(ascending), [5, 6, 7]);
});

test('the expected sum is that of node:crypto over the concatenated chunks', (t) => {
  fc.assert(
    fc.property(anyOptions, fc.maxSafeNat(), (options, file) => {
      const workload = new Workload(options);
      const bytes = bytesOf(workload, file);
      t.deepEqual(workload.expectedSum(file), {
        lastSequence: workload.chunkCount(workload.fileSeed(file)) + 1,
        bytes: bytes.length,
        digest: createHash('sha256').update(bytes).digest('hex'),
      });
    }),
  );
});

test('the expected sum holds across the segments in which a long file is hashed', (t) => {
  for (const chunkBytes of [65_535, 65_536, 65_537, 40_000]) {
    const range = { low: chunkBytes, high: chunkBytes };
    const workload = new Workload({ ...OPTIONS, chunks: { low: 5, high: 5 }, chunkBytes: range });
    const digest = createHash('sha256').update(bytesOf(workload, 3)).digest('hex');
    t.deepEqual(workload.expectedSum(3), { lastSequence: 6, bytes: 5 * chunkBytes, digest });
  }
});

test('a shorter chunk is the beginning of a longer one, and nothing is written outside of it', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(9), fc.nat(70), fc.nat(7), (seed, sequence, length, offset) => {
      const fill = (size: number): Buffer => {
        const target = Buffer.alloc(100, 0xee);
        fillChunk(new DataView(target.buffer, target.byteOffset, target.length), offset, size, seed, sequence);
        return target;
      };
      const short = fill(length);
      t.true(short.subarray(offset, offset + length).equals(fill(80).subarray(offset, offset + length)));
      t.true(short.subarray(0, offset).every((byte) => byte === 0xee));
      t.true(short.subarray(offset + length).every((byte) => byte === 0xee));
    }),
  );
});

test('a partition is in bounds and depends on the file number and the partitions alone', (t) => {
  fc.assert(
    fc.property(anyOptions, anyOptions, fc.maxSafeNat(), (options, other, file) => {
      const partition = new Workload(options).partitionOf(file);
      t.true(Number.isInteger(partition) && partition >= 0 && partition < options.partitions);
      t.is(new Workload({ ...other, partitions: options.partitions }).partitionOf(file), partition);
    }),
  );
});

test('files spread over all partitions', (t) => {
  const workload = new Workload(OPTIONS);
  const counts = Array.from({ length: 8 }, () => 0);
  for (let file = 0; file < 8_000; file += 1) {
    const partition = workload.partitionOf(file);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  // The standard deviation of each is 30.
  for (const count of counts) t.true(Math.abs(count - 1_000) < 200, `${count}`);
});

test('options that cannot be are refused', (t) => {
  const bad: Partial<WorkloadOptions>[] = [
    { filesOpen: 0 },
    { partitions: 0 },
    { chunkBytes: { low: 0, high: 4 } },
    { chunkBytes: { low: 5, high: 4 } },
    { chunks: { low: 5, high: 4 } },
  ];
  for (const part of bad) t.throws(() => new Workload({ ...OPTIONS, ...part }), { name: 'InvariantError' });
});
