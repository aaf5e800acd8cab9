/**
 * Where bugs do their harm: in durable data, observed before any checker sees it. These functions watch, and signal
 * that a bug took effect. They change nothing.
 */

import { isJournalRow, isShardRow } from '../../../../src/journal/broker/tables.ts';
import { BATCH_HEADER_BYTES, readProducer } from '../../../../src/message/batch.ts';
import { readCount } from '../../../../src/message/counts.ts';
import { openRow } from '../../../../src/store/row.ts';
import type { Write } from '../../../../src/store/store.ts';
import { isCheckpointRow } from '../../../../src/summer/rows.ts';
import type { Decorations, Watched } from '../../decorations.ts';
import type { OwnedWrites } from '../../world/disk.ts';

type Durable = NonNullable<Decorations['durable']>;

/** A batch that has become durable in a journal. Journals are numbered: the sums journal comes after all others. */
export type DurableBatch = {
  readonly journal: number;
  readonly begin: number;
  readonly bytes: Buffer;
  readonly producer: string;
  readonly firstIndex: number;
  readonly count: number;
  readonly epoch: number;
};

/** Batches that a bug has made. The bug takes effect when a journal has one of them. */
export class PlantedBatches {
  readonly #planted = new Set<string>();

  plant(bytes: Uint8Array): void {
    this.#planted.add(headerOf(bytes));
  }

  readonly durable: Durable = (watched, writes) => {
    for (const { bytes } of batchesOf(watched, writes)) {
      if (this.#planted.has(headerOf(bytes))) watched.tookEffect();
    }
  };
}

/** A header names its payload by the checksum, so different batches have different headers. */
function headerOf(bytes: Uint8Array): string {
  const length = Math.min(bytes.length, BATCH_HEADER_BYTES);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
}

/**
 * The place of a batch that has become durable: the index of its first record, and the index that follows all earlier
 * records of its producer.
 */
type Place = { readonly firstIndex: number; readonly next: number };

/** The bug takes effect when a journal has a batch in such a place. */
export function watchingPlaces(isHarm: (place: Place) => boolean): Pick<Decorations, 'durable'> {
  /** By journal and producer. */
  const nextIndexes = new Map<string, number>();
  return {
    durable: (watched, writes) => {
      for (const { journal, producer, firstIndex, count } of batchesOf(watched, writes)) {
        const name = `${journal} ${producer}`;
        const next = nextIndexes.get(name) ?? 0;
        if (isHarm({ firstIndex, next })) watched.tookEffect();
        nextIndexes.set(name, Math.max(next, firstIndex + count));
      }
    },
  };
}

/** The bug takes effect when a journal has the same records of a producer twice. */
export function watchingRepeats(): Pick<Decorations, 'durable'> {
  return watchingPlaces(({ firstIndex, next }) => firstIndex < next);
}

/** Commits that a bug has made. The bug takes effect when one of them is durable. */
export class PlantedCommits {
  readonly #planted = new Set<string>();

  plant(writes: readonly Write[]): void {
    this.#planted.add(signatureOf(writes));
  }

  readonly durable: Durable = ({ tookEffect }, writes) => {
    if (this.#planted.size > 0 && this.#planted.has(signatureOf(writes))) tookEffect();
  };
}

function signatureOf(writes: readonly Write[] | OwnedWrites): string {
  return writes
    .map(({ table, key, value }) => `${table} ${key.toString('hex')} ${value === null ? '' : headerOf(value)}`)
    .join();
}

/** The batches that this commit of the broker has made durable; empty for any other process. */
export function batchesOf({ component }: Watched, writes: OwnedWrites): DurableBatch[] {
  if (component !== 'broker') return [];
  return writes.flatMap(({ table, key, value }) => {
    if (table !== 'batches' || value === null) return [];
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    const place = { journal: key.readUInt32BE(0), begin: key.readUIntBE(6, 6) };
    const records = { producer: readProducer(value, 16), firstIndex: readCount(view, 24) };
    const epoch = readCount(view, 32);
    return [{ ...place, ...records, bytes: value, count: view.getUint32(12, true), epoch }];
  });
}

/** By shard, the offset up to which this commit of a summer has folded; empty for any other process. */
export function foldedBy({ component }: Watched, writes: OwnedWrites): { shard: number; offset: number }[] {
  if (component !== 'summer') return [];
  return writes.flatMap(({ table, key, value }) =>
    table === 'checkpoints' && value !== null
      ? [{ shard: key.readUInt32BE(0), offset: openRow(value, isCheckpointRow, 'a checkpoint').offset }]
      : [],
  );
}

/** By journal number, the begin of the journal after this commit of the broker. */
export function beginsOf({ component }: Watched, writes: OwnedWrites): (readonly [number, number])[] {
  if (component !== 'broker') return [];
  return writes.flatMap(({ table, key, value }) =>
    table === 'journals' && value !== null
      ? [[key.readUInt32BE(0), openRow(value, isJournalRow, 'a journal').begin] as const]
      : [],
  );
}

/** Shards whose confirmed store is named in this commit of the broker. */
export function confirmedOf(
  { component }: Watched,
  writes: OwnedWrites,
): { shard: number; path: string; epoch: number }[] {
  if (component !== 'broker') return [];
  return writes.flatMap(({ table, key, value }) => {
    if (table !== 'shards' || value === null) return [];
    const { confirmed, epoch } = openRow(value, isShardRow, 'a shard');
    return confirmed === null ? [] : [{ shard: key.readUInt32BE(0), path: confirmed, epoch }];
  });
}

/**
 * Stores with wrong rows of some shards. The bug takes effect when the broker durably names such a store for such a
 * shard.
 */
export class FlawedStores {
  /** By path. */
  readonly #flawed = new Map<string, Set<number>>();

  /** Notes whether the store's rows of this shard are wrong. */
  set(path: string, shard: number, isFlawed: boolean): void {
    const shards = this.#flawed.get(path) ?? new Set();
    this.#flawed.set(path, shards);
    if (isFlawed) shards.add(shard);
    else shards.delete(shard);
  }

  readonly durable: Durable = (watched, writes) => {
    for (const { shard, path } of confirmedOf(watched, writes)) {
      if (this.#flawed.get(path)?.has(shard) === true) watched.tookEffect();
    }
  };
}
