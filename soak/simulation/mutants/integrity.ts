/**
 * Bytes that change. A change that a checksum finds and a resend heals is not a bug. So these bytes change before the
 * checksum is computed, under a new checksum, or for good.
 */

import { type Journals, SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { CHUNK_HEADER_BYTES } from '../../../src/message/chunk.ts';
import { SUM_BYTES } from '../../../src/message/sum.ts';
import type { Store, Write } from '../../../src/store/store.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { ChangedAppends, ChangedReads, flipped, opened, resealed } from './decorated.ts';
import { PlantedBatches, PlantedCommits } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';

/** One in so many batches is damaged. */
const RARITY = 20;

export const INTEGRITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'bit-flipped-before-sealing',
    class: 'integrity',
    bug: 'a bit of a chunk turns over before its batch is sealed',
    kinds: ['mismatched'],
    decorations: () => changedAppends('chunker', flipData),
  },
  {
    name: 'chunk-cut-short',
    class: 'integrity',
    bug: 'the last byte of a chunk is missing from its batch',
    kinds: ['mismatched'],
    decorations: () => changedAppends('chunker', cutData),
  },
  {
    name: 'bit-flipped-at-rest',
    class: 'integrity',
    bug: 'a bit of a batch turns over on its way to the disk of the broker',
    kinds: ['corrupt'],
    decorations: () => {
      const planted = new PlantedCommits();
      return {
        durable: planted.durable,
        broker: (options, subject) => ({
          ...options,
          store: new DamagedBatches(options.store, { subject, planted }, (bytes) =>
            flipped(bytes, subject.prng.below(bytes.length * 8)),
          ),
        }),
      };
    },
  },
  {
    name: 'bit-flipped-in-sum',
    class: 'integrity',
    bug: 'a bit of a sum turns over before its batch is sealed',
    kinds: ['mismatched'],
    decorations: () => changedAppends('summer', flipDigest),
  },
  {
    name: 'bit-flipped-when-read',
    class: 'integrity',
    bug: 'a bit of a chunk turns over between the check of its batch and the fold',
    kinds: ['mismatched'],
    decorations: () => ({
      summer: (options, subject) => ({
        ...options,
        journals: new ChangedReads(options.journals, (journal, stored) => {
          const bytes = flipData(stored.bytes, journal, subject);
          if (bytes === null) return [stored];
          subject.tookEffect();
          return [{ ...stored, bytes }];
        }),
      }),
    }),
  },
];

/** Batches of this component are changed before they are sealed. */
function changedAppends(
  component: 'chunker' | 'summer',
  change: (bytes: Uint8Array, journal: string, subject: Subject) => Uint8Array | null,
): Decorations {
  const planted = new PlantedBatches();
  const decorate = <Options extends { readonly journals: Journals }>(options: Options, subject: Subject): Options => ({
    ...options,
    journals: new ChangedAppends(options.journals, (journal, bytes) => change(bytes, journal, subject), planted),
  });
  return { durable: planted.durable, [component]: decorate };
}

/** Flips a bit in the data of the first chunk that has any. `null`: this batch stays as it is. */
function flipData(bytes: Uint8Array, journal: string, { prng }: Subject): Uint8Array | null {
  const batch = opened(bytes, journal);
  if (batch.kind !== 'chunks' || prng.below(RARITY) > 0) return null;
  const at = firstData(batch.payload);
  return at === null ? null : resealed(batch, journal, { payload: flipped(batch.payload, at * 8 + prng.below(8)) });
}

function cutData(bytes: Uint8Array, journal: string, { prng }: Subject): Uint8Array | null {
  const batch = opened(bytes, journal);
  if (batch.kind !== 'chunks' || prng.below(RARITY) > 0) return null;
  const { payload } = batch;
  const at = firstData(payload);
  if (at === null) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const dataBytes = view.getUint32(at - CHUNK_HEADER_BYTES, true);
  // A chunk of one byte would become the end of its file.
  if (dataBytes < 2) return null;
  const end = at + dataBytes;
  const cut = Buffer.concat([payload.subarray(0, end - 1), payload.subarray(end)]);
  cut.writeUInt32LE(dataBytes - 1, at - CHUNK_HEADER_BYTES);
  return resealed(batch, journal, { payload: cut });
}

/** Where the data of the first chunk that has any begins. */
function firstData(payload: Uint8Array): number | null {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  for (let at = 0; at < payload.length; at += CHUNK_HEADER_BYTES) {
    if (view.getUint32(at, true) > 0) return at + CHUNK_HEADER_BYTES;
  }
  return null;
}

function flipDigest(bytes: Uint8Array, journal: string, { prng }: Subject): Uint8Array | null {
  if (journal !== SUMS_JOURNAL || prng.below(RARITY) > 0) return null;
  const batch = opened(bytes, journal);
  return resealed(batch, journal, { payload: flipped(batch.payload, (SUM_BYTES - 1) * 8 + prng.below(8)) });
}

/** A broker's store that now and then damages a batch. */
class DamagedBatches extends WrappedStore {
  readonly #subject: Subject;
  readonly #planted: PlantedCommits;
  readonly #damage: (bytes: Uint8Array) => Uint8Array;

  constructor(
    inner: Store,
    { subject, planted }: { readonly subject: Subject; readonly planted: PlantedCommits },
    damage: (bytes: Uint8Array) => Uint8Array,
  ) {
    super(inner);
    this.#subject = subject;
    this.#planted = planted;
    this.#damage = damage;
  }

  override commit(writes: readonly Write[]): Promise<void> {
    const { prng } = this.#subject;
    let isDamaged = false;
    const damaged = writes.map((write) => {
      if (write.table !== 'batches' || write.value === null || prng.below(RARITY) > 0) return write;
      isDamaged = true;
      return { ...write, value: this.#damage(write.value) };
    });
    if (isDamaged) this.#planted.plant(damaged);
    return this.inner.commit(damaged);
  }
}
