import test, { type ExecutionContext } from 'ava';
import { FencedError, UsageError, ViolationError } from '../core/errors.ts';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { crc32c } from '../hash/crc32c.ts';
import type { AppendOutcome, Journals, ReadEnd, ReadStream, StoredBatch } from '../journal/journals.ts';
import { decodeBatch } from '../message/batch.ts';
import { type Sum, decodeSums } from '../message/sum.ts';
import { HeldCommits, MemoryStore } from '../store/testing/memory-store.ts';
import { Summer } from './summer.ts';
import { ChunkJournal, SHARD, fileOf, sumOf } from './testing/chunk-journal.ts';

type Append = {
  readonly first: number;
  readonly epoch: number;
  readonly sums: readonly Sum[];
  answer(outcome: AppendOutcome): void;
};

/** Journals played by a test: it hands batches to the summer, and answers the summer's appends. */
class PlayedJournals {
  readonly appends: Append[] = [];
  readonly reports: number[] = [];
  readFrom = -1;
  reportOutcome: 'reported' | 'fenced' = 'reported';
  #waiting: ((next: StoredBatch | ReadEnd | null) => void)[] = [];
  #ready: (StoredBatch | ReadEnd)[] = [];

  deliver(...next: readonly (StoredBatch | ReadEnd)[]): void {
    for (const each of next) {
      const wake = this.#waiting.shift();
      if (wake === undefined) this.#ready.push(each);
      else wake(each);
    }
  }

  get asJournals(): Journals {
    const stream: ReadStream = {
      next: () => {
        const ready = this.#ready.shift();
        return ready === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(ready);
      },
      close: () => {
        for (const wake of this.#waiting.splice(0)) wake(null);
      },
    };
    const journals: Partial<Journals> = {
      read: (_journal, offset) => {
        this.readFrom = offset;
        return stream;
      },
      append: (journal, bytes) => {
        const batch = decodeBatch(bytes, journal, crc32c);
        if ('fault' in batch) throw new Error(batch.fault);
        return new Promise((answer) => {
          const sums = decodeSums(batch.payload) ?? [];
          this.appends.push({ first: batch.firstIndex, epoch: batch.epoch, sums, answer });
        });
      },
      report: (_owner, offset) => {
        this.reports.push(offset);
        return Promise.resolve(this.reportOutcome);
      },
    };
    return journals as Journals;
  }
}

class Scene {
  readonly clock = new ManualClock();
  readonly journals = new PlayedJournals();
  readonly held = new HeldCommits();
  readonly failures: unknown[] = [];
  readonly store: MemoryStore;
  readonly summer: Summer;

  constructor(t: ExecutionContext, options: { store?: MemoryStore; epoch?: number; batchBytesMax?: number } = {}) {
    const { store = new MemoryStore(), epoch = 7, batchBytesMax = 1024 * 1024 } = options;
    this.store = store;
    store.gate = this.held.gate;
    this.summer = new Summer({
      journals: this.journals.asJournals,
      store,
      clock: this.clock,
      owners: [{ shard: SHARD, epoch }],
      batchBytesMax,
      onFailure: (error) => this.failures.push(error),
    });
    this.summer.start();
    t.teardown(() => this.held.open());
  }

  async commit(): Promise<void> {
    await this.clock.settle();
    this.held.releaseOne();
    await this.clock.settle();
  }

  get appended(): { first: number; sums: readonly Sum[] }[] {
    return this.journals.appends.map(({ first, sums }) => ({ first, sums }));
  }
}

test('a sum is appended only after the transaction that finished it is durable, under its epoch', async (t) => {
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  scene.journals.deliver(journal.append(fileOf(0)));
  await scene.clock.settle();
  t.is(scene.held.waiting.length, 1);
  t.deepEqual(scene.appended, []);
  // The next file is folded meanwhile, and waits for its transaction.
  scene.journals.deliver(journal.append(fileOf(1)));
  await scene.commit();
  t.deepEqual(scene.appended, [{ first: 0, sums: [sumOf(0)] }]);
  t.is(scene.journals.appends[0]?.epoch, 7);
  await scene.commit();
  t.deepEqual(scene.appended[1], { first: 1, sums: [sumOf(1)] });
});

test('what is not acknowledged is published again by the next life, under the same index', async (t) => {
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  scene.journals.deliver(journal.append([...fileOf(0), ...fileOf(1)]));
  await scene.commit();
  t.is(scene.appended.length, 1);
  const again = new Scene(t, { store: scene.store.crash('lost'), epoch: 8 });
  await again.clock.settle();
  t.deepEqual(again.appended, [{ first: 0, sums: [sumOf(0), sumOf(1)] }]);
  t.is(again.journals.appends[0]?.epoch, 8);
  t.is(again.journals.readFrom, journal.head);
});

test('a transaction that was lost is done again: its sums get the same indexes', async (t) => {
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  const first = journal.append(fileOf(0));
  const second = journal.append(fileOf(1));
  scene.journals.deliver(first);
  await scene.commit();
  scene.journals.deliver(second);
  await scene.clock.settle();
  const again = new Scene(t, { store: scene.store.crash('lost') });
  t.is(again.journals.readFrom, second.begin);
  again.journals.deliver(second);
  await again.commit();
  t.deepEqual(again.appended, [
    { first: 0, sums: [sumOf(0)] },
    { first: 1, sums: [sumOf(1)] },
  ]);
});

test('a failed commit stops it: nothing is appended or reported any more', async (t) => {
  const scene = new Scene(t);
  scene.store.gate = () => {
    throw new Error('no space');
  };
  scene.journals.deliver(new ChunkJournal().append(fileOf(0)));
  await scene.clock.settle();
  t.deepEqual(scene.failures.map(String), ['Error: no space']);
  await scene.clock.advance(5_000);
  t.deepEqual(scene.appended, []);
  t.deepEqual(scene.journals.reports, []);
});

test('only what is durable is reported', async (t) => {
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  scene.journals.deliver(journal.append(fileOf(0)));
  await scene.clock.advance(500);
  t.true(scene.journals.reports.every((offset) => offset === 0));
  await scene.commit();
  await scene.clock.advance(500);
  t.is(scene.journals.reports.at(-1), journal.head);
});

test('fenced by its stream, an append or a report, it fails once as fenced', async (t) => {
  const ways: readonly ((scene: Scene) => Promise<void>)[] = [
    async (scene) => scene.journals.deliver({ end: 'fenced' }),
    async (scene) => {
      scene.journals.deliver(new ChunkJournal().append(fileOf(0)));
      await scene.commit();
      scene.journals.appends[0]?.answer({ outcome: 'fenced', epoch: 9 });
    },
    async (scene) => {
      scene.journals.reportOutcome = 'fenced';
      await scene.clock.advance(200);
    },
  ];
  for (const fence of ways) {
    const scene = new Scene(t);
    await fence(scene);
    await scene.clock.settle();
    t.is(scene.failures.length, 1);
    t.true(scene.failures[0] instanceof FencedError);
  }
});

test('a trimmed journal, a rejected read and a gap are errors that name the journal', async (t) => {
  const ends = [
    [{ end: 'trimmed', begin: 9 }, /was trimmed: it begins at 9/],
    [{ end: 'rejected', reason: 'why' }, /cannot read chunks\/part-003: why/],
  ] as const;
  for (const [end, message] of ends) {
    const scene = new Scene(t);
    scene.journals.deliver(end);
    await scene.clock.settle();
    t.regex((scene.failures[0] as Error).message, message);
  }
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  journal.append(fileOf(0));
  scene.journals.deliver(journal.append(fileOf(1)));
  await scene.clock.settle();
  t.true(scene.failures[0] instanceof ViolationError);
  t.deepEqual(scene.appended, []);
});

test('stopped, it commits what is folded and appends nothing more; the next life goes on from there', async (t) => {
  const scene = new Scene(t);
  const journal = new ChunkJournal();
  scene.journals.deliver(journal.append(fileOf(0)));
  await scene.clock.settle();
  scene.journals.deliver(journal.append(fileOf(1)));
  await scene.clock.settle();
  const stopped = scene.summer.stop();
  scene.held.open();
  await stopped;
  t.deepEqual(scene.appended, []);
  const again = new Scene(t, { store: scene.store.crash('lost') });
  t.is(again.journals.readFrom, journal.head);
  await again.clock.settle();
  t.deepEqual(
    again.appended.flatMap(({ sums }) => sums),
    [sumOf(0), sumOf(1)],
  );
});

test('sums of one transaction are cut into batches that the journals take', async (t) => {
  for (const [sumsPerBatch, spare] of [
    [1, 0],
    [1, 63],
    [3, 0],
  ] as const) {
    const batchBytesMax = 48 + sumsPerBatch * 64 + spare;
    const scene = new Scene(t, { batchBytesMax });
    const files = Array.from({ length: 7 }, (_, file) => file);
    scene.journals.deliver(new ChunkJournal().append(files.flatMap((file) => fileOf(file))));
    await scene.commit();
    t.deepEqual(
      scene.appended.map(({ first, sums }) => [first, sums.length]),
      Array.from({ length: Math.ceil(7 / sumsPerBatch) }, (_, at) => {
        const first = at * sumsPerBatch;
        return [first, Math.min(sumsPerBatch, 7 - first)];
      }),
    );
    t.deepEqual(
      scene.appended.flatMap(({ sums }) => sums),
      files.map((file) => sumOf(file)),
    );
  }
});

test('journals that take no batch of a single sum are refused before anything is read', (t) => {
  for (const batchBytesMax of [0, 47, 48, 111]) {
    t.throws(() => new Scene(t, { batchBytesMax }), {
      instanceOf: UsageError,
      message: `the journals take batches of at most ${batchBytesMax} bytes, and a batch with one sum has 112`,
    });
  }
});
