/** The sums journal holds other sums than were finished. */

import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { fileIdOf, fileNumberOf } from '../../../src/message/chunk.ts';
import { type Sum, decodeSums, encodeSum } from '../../../src/message/sum.ts';
import type { Decorations } from '../decorations.ts';
import { withManySums } from './adapt-broker.ts';
import { ChangedAppends, opened, resealed } from './decorated.ts';
import { PlantedBatches } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';

/** One in so many sums is wrong. Its index decides, so that a resend repeats the error. */
const RARITY = 8;
const FOREIGN_PRODUCER = 'f0e1d2c3b4a59687';
const BEYOND_ALL_FILES = 1_000_000_000;

export const SUMS_MUTANTS: readonly Mutant[] = [
  {
    name: 'phantom-sum',
    class: 'sums',
    bug: 'a sum is of a file that was never opened',
    kinds: ['phantom'],
    decorations: () =>
      eachSum((sum) => ({
        ...sum,
        fileId: fileIdOf(sum.fileId.slice(0, 16), fileNumberOf(sum.fileId) + BEYOND_ALL_FILES),
      })),
  },
  {
    name: 'sum-of-another-run',
    class: 'sums',
    bug: 'a sum is of a file of another run',
    kinds: ['phantom'],
    decorations: () => eachSum((sum) => ({ ...sum, fileId: FOREIGN_PRODUCER + sum.fileId.slice(16) })),
  },
  {
    name: 'sum-of-another-file',
    class: 'sums',
    bug: 'a file gets the digest of the file before it',
    kinds: ['mismatched'],
    decorations: () => eachSum((sum, before) => ({ ...sum, digest: before.digest })),
  },
  {
    name: 'sum-with-a-wrong-length',
    class: 'sums',
    bug: 'a sum says one byte more than the file has',
    kinds: ['mismatched'],
    decorations: () => eachSum((sum) => ({ ...sum, bytes: sum.bytes + 1 })),
  },
  {
    name: 'sum-with-a-wrong-sequence',
    class: 'sums',
    bug: 'a sum says one chunk less than the file has',
    kinds: ['mismatched'],
    decorations: () => eachSum((sum) => ({ ...sum, lastSequence: sum.lastSequence - 1 })),
  },
  {
    name: 'sum-repeated',
    class: 'sums',
    bug: 'a file gets a second sum in the place of that of the next file',
    kinds: ['duplicate'],
    decorations: () => eachSum((_sum, before) => before),
  },
  {
    name: 'sums-swapped',
    class: 'sums',
    bug: 'the sums of one batch stand in another order than their files ended',
    kinds: ['out-of-order'],
    decorations: () => changedSums((sums) => (sums.length < 2 ? null : [...sums.slice(1), ...sums.slice(0, 1)])),
    adapt: withManySums,
  },
];

/** `before`: the previous sum of the same shard. */
function eachSum(change: (sum: Sum, before: Sum) => Sum): Decorations {
  const befores = new Map<string, Map<number, Sum>>();
  return changedSums((sums, firstIndex, producer) => {
    const before = befores.get(producer) ?? new Map<number, Sum>();
    befores.set(producer, before);
    let isChanged = false;
    const changed = sums.map((sum, at) => {
      const index = firstIndex + at;
      before.set(index, sum);
      const last = before.get(index - 1);
      if (index % RARITY !== RARITY - 1 || last === undefined) return sum;
      const other = change(sum, last);
      isChanged ||= encodeSum(other).compare(encodeSum(sum)) !== 0;
      return other;
    });
    return isChanged ? changed : null;
  });
}

/** `change` returns `null` for a sum that stays as it is. */
function changedSums(
  change: (sums: readonly Sum[], firstIndex: number, producer: string) => readonly Sum[] | null,
): Decorations {
  const planted = new PlantedBatches();
  const changeBatch = (journal: string, bytes: Uint8Array): Uint8Array | null => {
    if (journal !== SUMS_JOURNAL) return null;
    const batch = opened(bytes, journal);
    const sums = change(decodeSums(batch.payload) ?? [], batch.firstIndex, batch.producer);
    return sums === null ? null : resealed(batch, journal, { payload: Buffer.concat(sums.map(encodeSum)) });
  };
  return {
    durable: planted.durable,
    summer: (options) => ({ ...options, journals: new ChangedAppends(options.journals, changeBatch, planted) }),
  };
}
