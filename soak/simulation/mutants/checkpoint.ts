/** State that must be committed together is not, or is committed wrongly. */

import { PAGE_BYTES, PAGE_SLOTS } from '../../../src/hash/pool.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { openRow, sealRow } from '../../../src/store/row.ts';
import type { Store, StoreReader, Write } from '../../../src/store/store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import { withCrashes } from './adapt.ts';
import { editedCommits } from './decorators/edited-commits.ts';
import { PlantedCommits } from './decorators/harm.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import type { Mutant } from './mutant.ts';

const SLOT_BYTES = PAGE_BYTES / PAGE_SLOTS;

export const CHECKPOINT_MUTANTS: readonly Mutant[] = [
  {
    name: 'offset-before-state',
    class: 'checkpoint',
    bug: 'the read-through offset is committed in a transaction of its own, before the states',
    kinds: ['state-behind', 'gap'],
    decorations: () => editedCommits((writes) => inTwo(writes, 'checkpoints')),
    adapt: withCrashes,
  },
  {
    name: 'state-before-offset',
    class: 'checkpoint',
    bug: 'the states are committed in a transaction of their own, before the read-through offset',
    // For a file that the state lacks it is unknown whether the file has not begun or has ended.
    kinds: ['state-ahead', 'out-of-order', 'gap', 'state-behind'],
    decorations: () => editedCommits((writes) => inTwo(writes, 'states')),
    adapt: withCrashes,
  },
  {
    name: 'indexes-before-offset',
    class: 'checkpoint',
    bug: "the producers' next indexes are committed in a transaction of their own, before the read-through offset",
    // A successor that copies such indexes skips records, and then its states are behind.
    kinds: ['state-ahead', 'gap', 'state-behind'],
    decorations: () => editedCommits((writes) => inTwo(writes, 'producers')),
    adapt: withCrashes,
  },
  {
    name: 'indexes-not-committed',
    class: 'checkpoint',
    bug: "the producers' next indexes are not committed",
    kinds: ['state-behind', 'gap'],
    decorations: () =>
      editedCommits((writes) => [writes.filter(({ table, value }) => table !== 'producers' || value === null)]),
  },
  {
    name: 'next-sum-not-committed',
    class: 'checkpoint',
    bug: 'the index of the next sum is committed as it was one transaction before',
    kinds: ['state-behind'],
    decorations: () => editedCommits((writes, store) => [writes.map((write) => withEarlierNextSum(write, store))]),
  },
  {
    name: 'states-page-lost',
    class: 'checkpoint',
    bug: 'of the pages of states that a transaction should write, the first is left out',
    kinds: ['state-behind', 'gap'],
    decorations: () =>
      editedCommits((writes) => {
        const lost = writes.findIndex(({ table }) => table === 'states');
        return [writes.filter((_, index) => index !== lost)];
      }),
  },
  {
    name: 'finished-file-left-behind',
    class: 'checkpoint',
    bug: 'the state of a file that has ended is not removed from its page',
    kinds: ['leak', 'state-behind'],
    decorations: () => editedCommits((writes, store) => [writes.map((write) => withFinishedFiles(write, store))]),
  },
  {
    name: 'ended-producer-kept',
    class: 'checkpoint',
    bug: 'the next index of a producer that has ended is not removed',
    kinds: ['state-behind'],
    decorations: () => {
      const planted = new PlantedCommits();
      return {
        durable: planted.durable,
        summer: (options) => ({ ...options, store: new KeepingStore(options.store, planted) }),
      };
    },
  },
];

/** A summer that folds the end of a producer keeps its entry, so the store that speaks in the end has it too. */
class KeepingStore extends WrappedStore {
  readonly #planted: PlantedCommits;

  constructor(inner: Store, planted: PlantedCommits) {
    super(inner);
    this.#planted = planted;
  }

  override commit(writes: readonly Write[]): Promise<void> {
    const rest = writes.filter((write) => !isEndOfProducer(write));
    // A row that is removed and written again is correct.
    const written = new Set(rest.map(({ table, key }) => `${table} ${key.toString('hex')}`));
    const kept = writes.filter(
      (write) =>
        isEndOfProducer(write) &&
        this.inner.get(write.table, write.key) !== undefined &&
        !written.has(`${write.table} ${write.key.toString('hex')}`),
    );
    if (kept.length > 0) this.#planted.plant(rest);
    return this.inner.commit(rest);
  }
}

function isEndOfProducer({ table, value }: Write): boolean {
  return table === 'producers' && value === null;
}

/** The rows of one table, then all others. */
function inTwo(writes: readonly Write[], first: string): Write[][] {
  return [writes.filter(({ table }) => table === first), writes.filter(({ table }) => table !== first)];
}

function withEarlierNextSum(write: Write, store: StoreReader): Write {
  const { table, key, value } = write;
  const before = store.get(table, key);
  if (table !== 'checkpoints' || value === null || before === undefined) return write;
  const { nextSum } = openRow(before, isCheckpointRow, 'the checkpoint before');
  const { offset } = openRow(Buffer.from(value), isCheckpointRow, 'the checkpoint');
  return { table, key, value: sealRow({ offset, nextSum }) };
}

/** A page in which slots that would become free keep their content. */
function withFinishedFiles(write: Write, store: StoreReader): Write {
  const { table, key, value } = write;
  const before = store.get(table, key);
  if (table !== 'states' || value === null || before === undefined) return write;
  const row = Buffer.from(value);
  for (let at = 0; at < PAGE_BYTES; at += SLOT_BYTES) {
    const isFree = row.subarray(at, at + 16).every((byte) => byte === 0);
    if (isFree) before.copy(row, at, at, at + SLOT_BYTES);
  }
  row.writeUInt32LE(crc32c(0, row.subarray(0, PAGE_BYTES)), PAGE_BYTES);
  return { table, key, value: row };
}
