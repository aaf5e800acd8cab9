import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ViolationError, type ViolationKind, type ViolationWitness } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import type { StoredBatch } from '../journal/journals.ts';
import { encodeBatch } from '../message/batch.ts';
import { type Chunk, encodeChunk, fileIdOf } from '../message/chunk.ts';
import { type Sum, SUM_BYTES } from '../message/sum.ts';
import { forgeBatch } from '../message/testing/forge.ts';
import { numberRange } from '../store/row.ts';
import { WriteBatch } from '../store/store.ts';
import { HeldCommits, MemoryStore } from '../store/testing/memory-store.ts';
import { type OutboxEntry, Shard } from './shard.ts';
import {
  ChunkJournal,
  JOURNAL,
  OTHER_PRODUCER,
  PRODUCER,
  SHARD,
  fileOf,
  interleave,
  sumOf,
} from './testing/chunk-journal.ts';
import { commit, sumsOf } from './testing/shard-commits.ts';

/** Sums by index, as the outboxes gave them. The same index twice must have the same sum. */
class Collected {
  readonly sums: Sum[] = [];

  add(t: ExecutionContext, entry: OutboxEntry | null): void {
    for (const [at, sum] of sumsOf(entry).entries()) {
      const index = (entry?.first ?? 0) + at;
      t.true(index <= this.sums.length, 'indexes are dense');
      if (index < this.sums.length) t.deepEqual(sum, this.sums[index]);
      else this.sums.push(sum);
    }
  }
}

function cut(chunks: readonly Chunk[], sizes: readonly number[]): Chunk[][] {
  const batches: Chunk[][] = [];
  for (let at = 0; at < chunks.length; ) {
    const size = sizes[batches.length % sizes.length] ?? 1;
    batches.push(chunks.slice(at, at + size));
    at += size;
  }
  return batches;
}

function violates(
  t: ExecutionContext,
  shard: Shard,
  stored: StoredBatch,
  kind: ViolationKind,
  witness: ViolationWitness,
): void {
  const error = t.throws(() => shard.fold(stored), { instanceOf: ViolationError });
  t.is(error?.kind, kind);
  t.deepEqual(error?.witness, { journal: JOURNAL, offset: stored.begin, ...witness });
}

const anyInterleave = fc.record({
  count: fc.integer({ min: 1, max: 12 }),
  open: fc.integer({ min: 1, max: 40 }),
  choices: fc.infiniteStream(fc.nat(1_000)),
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
});

test("sums are those of node:crypto in the journal's order, however the records are cut into batches", async (t) => {
  await fc.assert(
    fc.asyncProperty(anyInterleave, fc.infiniteStream(fc.boolean()), async (interleaving, commits) => {
      const { chunks, sums } = interleave(interleaving, () => interleaving.choices.next().value);
      const journal = new ChunkJournal();
      const store = new MemoryStore();
      const shard = new Shard(SHARD, store);
      const collected = new Collected();
      for (const records of cut(chunks, interleaving.sizes)) {
        shard.fold(journal.append(records));
        if (commits.next().value === true) collected.add(t, await commit(shard, store));
      }
      collected.add(t, await commit(shard, store));
      t.deepEqual(collected.sums, sums);
      t.is(shard.filesOpen, 0);
      t.is(shard.offset, journal.head);
      t.is(shard.durableOffset, journal.head);
      t.is(shard.nextSum, sums.length);
      t.is(shard.counts.chunksFolded, chunks.filter(({ data }) => data.length > 0).length);
    }),
    { numRuns: 60 },
  );
});

test('a shard that is loaded at any batch boundary gives the same sums under the same indexes', async (t) => {
  const anyEvent = fc.constantFrom('commit', 'commit', 'fold', 'crash-lost', 'crash-durable');
  await fc.assert(
    fc.asyncProperty(anyInterleave, fc.infiniteStream(anyEvent), async (interleaving, events) => {
      const { chunks, sums } = interleave(interleaving, () => interleaving.choices.next().value);
      const journal = new ChunkJournal();
      for (const records of cut(chunks, interleaving.sizes)) journal.append(records);
      let store = new MemoryStore();
      let shard = new Shard(SHARD, store);
      const collected = new Collected();
      const crash = (fate: 'lost' | 'durable'): void => {
        store = store.crash(fate);
        shard = new Shard(SHARD, store);
        for (const entry of shard.outbox) collected.add(t, entry);
      };
      let crashes = 0;
      for (let at = 0; at < journal.batches.length; ) {
        const next = journal.batches[at];
        if (next !== undefined) shard.fold(next);
        const event = crashes < 20 ? events.next().value : 'commit';
        if (event === 'commit') collected.add(t, await commit(shard, store));
        else if (event !== 'fold') {
          crashes += 1;
          const batch = new WriteBatch();
          shard.write(batch);
          store.gate = new HeldCommits().gate;
          void store.commit(batch.writes);
          crash(event === 'crash-lost' ? 'lost' : 'durable');
        }
        // A reader begins at the shard's offset, which is a batch boundary.
        at = journal.batches.findIndex(({ begin }) => begin === shard.offset);
        if (at < 0) t.is(shard.offset, journal.head);
        if (at < 0) break;
      }
      collected.add(t, await commit(shard, store));
      t.deepEqual(collected.sums, sums);
    }),
    { numRuns: 60 },
  );
});

test('loaded at every boundary of one journal, with many pages of open files, all sums are right', async (t) => {
  let choice = 0;
  const { chunks, sums } = interleave({ count: 120, open: 100 }, () => (choice += 7_919));
  const journal = new ChunkJournal();
  for (const records of cut(chunks, [40])) journal.append(records);
  let store = new MemoryStore();
  const collected = new Collected();
  for (const stored of journal.batches) {
    const shard = new Shard(SHARD, store);
    t.is(shard.offset, stored.begin);
    shard.fold(stored);
    collected.add(t, await commit(shard, store));
    t.is(new Shard(SHARD, store).filesOpen, shard.filesOpen);
    store = store.crash('lost');
  }
  t.deepEqual(collected.sums, sums);
});

test('records that were folded already are left out, wholly or in part', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const [first, second] = [fileOf(2), fileOf(3)];
  const all = [...first, ...second];
  shard.fold(journal.append(all.slice(0, 4), { firstIndex: 0 }));
  shard.fold(journal.append(all.slice(1, 3), { firstIndex: 1 }));
  shard.fold(journal.append(all.slice(0, 4), { firstIndex: 0 }));
  t.is(shard.offset, journal.head);
  shard.fold(journal.append(all.slice(2), { firstIndex: 2 }));
  t.deepEqual(sumsOf(await commit(shard, store)), [sumOf(2), sumOf(3)]);
  t.is(shard.counts.chunksFolded, all.length - 2);
});

test('each producer has indexes and files of its own', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const own = fileOf(2);
  const other = fileOf(2, OTHER_PRODUCER);
  for (let at = 0; at < own.length; at += 1) {
    shard.fold(journal.append(own.slice(at, at + 1)));
    shard.fold(journal.append(other.slice(at, at + 1), { producer: OTHER_PRODUCER }));
  }
  t.deepEqual(sumsOf(await commit(shard, store)), [sumOf(2), sumOf(2, OTHER_PRODUCER)]);
});

test('a batch beyond the next offset is a gap, one before it a duplicate', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const journal = new ChunkJournal();
  const [first, second] = [journal.append(fileOf(0)), journal.append(fileOf(1))];
  violates(t, shard, second, 'gap', {});
  shard.fold(first);
  violates(t, shard, first, 'duplicate', {});
  shard.fold(second);
  t.is(shard.offset, journal.head);
});

test('records that are missing are a gap at the first of them', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const journal = new ChunkJournal();
  const file = fileOf(0);
  shard.fold(journal.append(file.slice(0, 1)));
  violates(t, shard, journal.append(file.slice(1), { firstIndex: 2 }), 'gap', { index: 1 });
  const fresh = new Shard(SHARD, new MemoryStore());
  violates(t, fresh, new ChunkJournal().append(fileOf(1), { firstIndex: 5 }), 'gap', { index: 0 });
});

test('a chunk after a missing one is a gap, a chunk that came before is out of order; both name the file', (t) => {
  const file = fileIdOf(PRODUCER, 7);
  const chunkOf = (sequence: number): Chunk => ({ fileId: file, sequence, data: Buffer.alloc(70, sequence) });
  const cases: [number[], ViolationKind][] = [
    [[1, 3], 'gap'],
    [[1, 1], 'out-of-order'],
    [[1, 2, 1], 'out-of-order'],
  ];
  for (const [sequences, kind] of cases) {
    const shard = new Shard(SHARD, new MemoryStore());
    const journal = new ChunkJournal();
    shard.fold(journal.append(fileOf(0)));
    const stored = journal.append([...fileOf(1), ...sequences.map(chunkOf)]);
    violates(t, shard, stored, kind, { file, index: fileOf(0).length + fileOf(1).length + sequences.length - 1 });
    // Nothing of the batch is kept.
    t.is(shard.offset, stored.begin);
    t.is(shard.filesOpen, 0);
  }
});

test('a file that begins in the middle is a gap', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const chunk = { fileId: fileIdOf(PRODUCER, 7), sequence: 2, data: Buffer.alloc(3) };
  violates(t, shard, new ChunkJournal().append([chunk]), 'gap', { file: fileIdOf(PRODUCER, 7), index: 0 });
});

test('a batch that does not verify, or is of another kind or journal, is corrupt', (t) => {
  const payload = encodeChunk(fileOf(2)[0] ?? { fileId: '', sequence: 1, data: Buffer.alloc(1) });
  const header = { kind: 'chunks', producer: PRODUCER, firstIndex: 0, count: 1, epoch: 0 } as const;
  const right = encodeBatch(header, payload, JOURNAL, crc32c);
  const flipped = Buffer.from(right);
  flipped[55] = (flipped[55] ?? 0) ^ 1;
  const bad = [
    flipped,
    right.subarray(0, right.length - 1),
    encodeBatch(header, payload, 'chunks/part-004', crc32c),
    encodeBatch({ ...header, kind: 'sums' }, Buffer.alloc(SUM_BYTES), JOURNAL, crc32c),
    // If the count were trusted as a size, it would mean 256 GB of sums.
    forgeBatch({ ...header, count: 4_000_000_000 }, payload, JOURNAL),
    forgeBatch({ ...header, firstIndex: 2n ** 53n - 1n }, payload, JOURNAL),
    forgeBatch({ ...header, epoch: 2n ** 64n - 1n }, payload, JOURNAL),
  ];
  for (const bytes of bad) {
    const shard = new Shard(SHARD, new MemoryStore());
    violates(t, shard, new ChunkJournal().store(bytes), 'corrupt', {});
    t.is(shard.offset, 0);
    t.false(shard.isDirty);
  }
  const shard = new Shard(SHARD, new MemoryStore());
  shard.fold(new ChunkJournal().store(right));
  t.is(shard.filesOpen, 1);
});

test('records that do not add up to their batch are corrupt, and the witness names where', (t) => {
  const chunks = fileOf(2);
  const payload = Buffer.concat(chunks.map(encodeChunk));
  const long = Buffer.from(payload);
  long.writeUInt32LE(1_000_000, 0);
  const header = { kind: 'chunks', producer: PRODUCER, firstIndex: 0, count: chunks.length, epoch: 0 } as const;
  const cases: [Uint8Array, number, RegExp][] = [
    [long, chunks.length, /at byte 0 of the payload/],
    [payload.subarray(0, payload.length - 1), chunks.length, /malformed/],
    [payload, chunks.length + 1, /malformed/],
    [payload, chunks.length - 1, /malformed/],
  ];
  for (const [bytes, count, message] of cases) {
    const stored = new ChunkJournal().store(encodeBatch({ ...header, count }, bytes, JOURNAL, crc32c));
    const shard = new Shard(SHARD, new MemoryStore());
    const error = t.throws(() => shard.fold(stored), { instanceOf: ViolationError, message });
    t.is(error?.kind, 'corrupt');
    t.like(error?.witness, { journal: JOURNAL, offset: 0 });
  }
});

test('the end of a producer drops its files and its index, and nothing of another', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const other = fileOf(2, OTHER_PRODUCER);
  for (const file of [2, 3, 4]) shard.fold(journal.append(fileOf(file).slice(0, 1)));
  shard.fold(journal.append(other.slice(0, 1), { producer: OTHER_PRODUCER }));
  await commit(shard, store);
  t.is(store.keys('producers', numberRange(SHARD)).length, 2);
  shard.fold(journal.end());
  t.is(shard.filesOpen, 1);
  await commit(shard, store);
  t.is(store.keys('producers', numberRange(SHARD)).length, 1);
  const loaded = new Shard(SHARD, store);
  t.is(loaded.filesOpen, 1);
  loaded.fold(journal.append(other.slice(1), { producer: OTHER_PRODUCER }));
  t.deepEqual(sumsOf(await commit(loaded, store)), [sumOf(2, OTHER_PRODUCER)]);
});
