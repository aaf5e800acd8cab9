/**
 * Dependencies that forward every call, so that a mutant can change some of them; and batches that are changed and
 * sealed again.
 */

import { crc32c } from '../../../src/hash/crc32c.ts';
import type {
  AppendOutcome,
  Journals,
  ReadEnd,
  ReadStream,
  ShardEpoch,
  StoredBatch,
} from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { type Batch, decodeBatch, encodeBatch } from '../../../src/message/batch.ts';
import type { Store, Write } from '../../../src/store/store.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import type { Decorations } from '../decorations.ts';
import type { PlantedBatches } from './decorators/harm.ts';

/** A store that reports what has become durable. */
export class CommittedStore extends WrappedStore {
  readonly #onCommitted: (writes: readonly Write[]) => void;

  constructor(inner: Store, onCommitted: (writes: readonly Write[]) => void) {
    super(inner);
    this.#onCommitted = onCommitted;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    await this.inner.commit(writes);
    this.#onCommitted(writes);
  }
}

/** Journals whose appends are changed on the way. */
export class ChangedAppends extends WrappedJournals {
  readonly #change: (journal: string, batch: Uint8Array) => Uint8Array | null;
  readonly #planted: PlantedBatches | null;

  /** `change` returns `null` for a batch that stays as it is. `planted` gets the changed batches. */
  constructor(
    inner: Journals,
    change: (journal: string, batch: Uint8Array) => Uint8Array | null,
    planted: PlantedBatches | null,
  ) {
    super(inner);
    this.#change = change;
    this.#planted = planted;
  }

  override append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const changed = this.#change(journal, batch);
    if (changed !== null) this.#planted?.plant(changed);
    return this.inner.append(journal, changed ?? batch, owner);
  }
}

/** Journals whose streams are changed on the way: a batch becomes no batch, one or several. */
export class ChangedReads extends WrappedJournals {
  readonly #change: (journal: string, batch: StoredBatch) => readonly StoredBatch[];

  constructor(inner: Journals, change: (journal: string, batch: StoredBatch) => readonly StoredBatch[]) {
    super(inner);
    this.#change = change;
  }

  override read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = this.inner.read(journal, offset, options);
    const ready: StoredBatch[] = [];
    const next = async (): Promise<StoredBatch | ReadEnd | null> => {
      for (;;) {
        const first = ready.shift();
        if (first !== undefined) return first;
        const read = await stream.next();
        if (read === null || !('bytes' in read)) return read;
        ready.push(...this.#change(journal, read));
      }
    };
    return { next, close: () => stream.close() };
  }
}

/** Both decorations. Where both decorate the same thing, `inner` is nearer to the world. */
export function both(outer: Decorations, inner: Decorations): Decorations {
  return {
    ...inner,
    ...outer,
    broker: (options, subject) => {
      const decorated = inner.broker?.(options, subject) ?? options;
      return outer.broker?.(decorated, subject) ?? decorated;
    },
    chunker: (options, subject) => {
      const decorated = inner.chunker?.(options, subject) ?? options;
      return outer.chunker?.(decorated, subject) ?? decorated;
    },
    summer: (options, subject) => {
      const decorated = inner.summer?.(options, subject) ?? options;
      return outer.summer?.(decorated, subject) ?? decorated;
    },
    durable: (watched, writes) => {
      inner.durable?.(watched, writes);
      outer.durable?.(watched, writes);
    },
    ended: (watched) => {
      inner.ended?.(watched);
      outer.ended?.(watched);
    },
    judged: (state) => {
      inner.judged?.(state);
      outer.judged?.(state);
    },
  };
}

/** A sound batch, opened. */
export function opened(bytes: Uint8Array, journal: string): Batch {
  const batch = decodeBatch(bytes, journal, crc32c);
  if ('fault' in batch) throw new Error(`a batch of ${journal} is not sound: ${batch.fault}`);
  return batch;
}

/** The batch with another payload, and other changed fields, under a fitting checksum. */
export function resealed(batch: Batch, journal: string, changes: Partial<Batch>): Buffer {
  const { payload, ...header } = { ...batch, ...changes };
  return encodeBatch(header, payload, journal, crc32c);
}

/** A copy with one flipped bit. */
export function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
  return copy;
}
