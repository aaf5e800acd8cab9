/**
 * A summer that has lost one of its shards to a newer owner goes on with the others, and does nothing more for the lost
 * one.
 */

import test, { type ExecutionContext } from 'ava';
import { FencedError } from '../core/errors.ts';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { crc32c } from '../hash/crc32c.ts';
import {
  type AppendOutcome,
  type Journals,
  type ReadEnd,
  type ShardEpoch,
  type StoredBatch,
  chunkJournal,
} from '../journal/journals.ts';
import { decodeBatch } from '../message/batch.ts';
import { decodeSums } from '../message/sum.ts';
import { HeldCommits, MemoryStore } from '../store/testing/memory-store.ts';
import { Summer } from './summer.ts';
import { ChunkJournal, fileOf } from './testing/chunk-journal.ts';

const KEPT: ShardEpoch = { shard: 3, epoch: 7 };
const LOST: ShardEpoch = { shard: 4, epoch: 9 };
const OWNERS = [KEPT, LOST] as const;

type Append = { readonly shard: number; readonly sums: number; answer(outcome: AppendOutcome): void };

/** The journals of two shards, played by a test. */
class TwoShards {
  readonly clock = new ManualClock();
  readonly held = new HeldCommits();
  readonly store = new MemoryStore();
  readonly journals = new Map(OWNERS.map(({ shard }) => [shard, new ChunkJournal(chunkJournal(shard))]));
  readonly appends: Append[] = [];
  readonly reports: number[] = [];
  readonly lost: ShardEpoch[] = [];
  readonly failures: unknown[] = [];
  /** Shards whose reports are answered with `fenced`. */
  readonly fenced = new Set<number>();
  readonly summer: Summer;
  readonly #waiting = new Map<string, (next: StoredBatch | ReadEnd | null) => void>();

  constructor(t: ExecutionContext) {
    this.store.gate = this.held.gate;
    this.summer = new Summer({
      journals: this.#journals(),
      store: this.store,
      clock: this.clock,
      owners: OWNERS,
      batchBytesMax: 1024 * 1024,
      onLost: (owner) => this.lost.push(owner),
      onFailure: (error) => this.failures.push(error),
    });
    this.summer.start();
    t.teardown(() => this.held.open());
  }

  #journals(): Journals {
    const journals: Partial<Journals> = {
      read: (journal) => ({
        next: () => new Promise((resolve) => this.#waiting.set(journal, resolve)),
        close: () => this.#waiting.get(journal)?.(null),
      }),
      append: (journal, bytes, owner) => {
        const batch = decodeBatch(bytes, journal, crc32c);
        if ('fault' in batch) throw new Error(batch.fault);
        const sums = decodeSums(batch.payload)?.length ?? 0;
        return new Promise((answer) => this.appends.push({ shard: owner?.shard ?? -1, sums, answer }));
      },
      report: ({ shard }) => {
        this.reports.push(shard);
        return Promise.resolve(this.fenced.has(shard) ? 'fenced' : 'reported');
      },
    };
    return journals as Journals;
  }

  end({ shard }: ShardEpoch, end: ReadEnd): void {
    this.#waiting.get(chunkJournal(shard))?.(end);
  }

  /** A file of each of these shards is read and folded. */
  async file(...owners: readonly ShardEpoch[]): Promise<void> {
    for (const { shard } of owners) {
      const batch = this.journals.get(shard)?.append(fileOf(0)) ?? null;
      this.#waiting.get(chunkJournal(shard))?.(batch);
    }
    await this.clock.settle();
  }

  async commit(): Promise<void> {
    this.held.releaseOne();
    await this.clock.settle();
  }

  /** The shards of the appended sums. */
  get appended(): number[] {
    return this.appends.map(({ shard }) => shard);
  }

  /** The shards of the rows in the store. */
  get stored(): number[] {
    const rows = this.store.range('checkpoints', { from: Buffer.alloc(0), to: Buffer.alloc(8, 0xff) });
    return rows.map(({ key }) => key.readUInt32BE(0));
  }
}

/**
 * The ways in which a summer hears of a newer owner. Before that, a file of each shard was folded and is in a commit.
 */
const WAYS: Readonly<Record<string, (scene: TwoShards) => Promise<void>>> = {
  'its stream': async (scene) => {
    scene.end(LOST, { end: 'fenced' });
    await scene.commit();
  },
  'a report': async (scene) => {
    scene.fenced.add(LOST.shard);
    await scene.clock.advance(150);
    await scene.commit();
  },
  'an append': async (scene) => {
    await scene.commit();
    scene.appends.find(({ shard }) => shard === LOST.shard)?.answer({ outcome: 'fenced', epoch: 10 });
  },
};

for (const [way, fence] of Object.entries(WAYS)) {
  test(`a shard that is lost by ${way} is dropped, and the other goes on`, async (t) => {
    const scene = new TwoShards(t);
    await scene.file(KEPT, LOST);
    const folded = scene.summer.counts.chunksFolded;
    await fence(scene);
    await scene.clock.settle();
    t.deepEqual(scene.lost, [LOST]);
    t.deepEqual(scene.failures, []);
    t.is(scene.summer.counts.chunksFolded, folded, 'what was counted stays counted');
    const [appended, reported] = [scene.appended.length, scene.reports.length];
    // Later batches of the lost shard are not read. Those of the other shard are, and its sums are published.
    await scene.file(LOST, KEPT);
    await scene.commit();
    t.deepEqual(scene.appended.slice(appended), [KEPT.shard]);
    await scene.clock.advance(3_000);
    t.true(scene.reports.length > reported);
    t.deepEqual(new Set(scene.reports.slice(reported)), new Set([KEPT.shard]));
    if (way !== 'an append') t.deepEqual(new Set(scene.appended), new Set([KEPT.shard]));
  });
}

test('the last shard that is lost ends it, once', async (t) => {
  const scene = new TwoShards(t);
  for (const owner of [LOST, KEPT, LOST]) scene.end(owner, { end: 'fenced' });
  await scene.clock.settle();
  t.deepEqual(scene.lost, [LOST]);
  t.is(scene.failures.length, 1);
  t.true(scene.failures[0] instanceof FencedError);
  t.is((scene.failures[0] as Error).message, 'shard 3 has a newer owner than epoch 7');
});

test('stopped, it commits nothing more of a shard that it has lost', async (t) => {
  const scene = new TwoShards(t);
  await scene.file(KEPT);
  await scene.commit();
  // Folded, and not yet in a transaction.
  await scene.file(KEPT);
  await scene.file(LOST);
  scene.end(LOST, { end: 'fenced' });
  await scene.clock.settle();
  const stopping = scene.summer.stop();
  scene.held.open();
  await stopping;
  t.deepEqual(scene.stored, [KEPT.shard]);
});
