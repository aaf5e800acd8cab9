/**
 * Data that a summer does not read back as it was committed, and data that it continues with although it was not
 * committed.
 */

import { crc32c } from '../../../src/hash/crc32c.ts';
import { PAGE_BYTES, PAGE_SLOTS } from '../../../src/hash/pool.ts';
import { numberRange, openRow, sealRow } from '../../../src/store/row.ts';
import type { Entry, Range, Store, Write } from '../../../src/store/store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withCrashes, withFailingCommits } from './adapt.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { both } from './decorated.ts';
import { watchingChunks } from './retention.ts';
import { finishedSums } from './decorators/claims.ts';
import type { Mutant } from './mutant.ts';

const SLOT_BYTES = PAGE_BYTES / PAGE_SLOTS;
/**
 * Offsets in a slot: the bytes that no whole block has taken, and the count of all bytes (Go's format, behind id and
 * sequence).
 */
const PARTIAL_AT = 16 + 4 + 4 + 32;
const PARTIAL_BYTES = 64;

export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'partial-block-lost',
    class: 'recovery',
    bug: 'a restored state has lost the bytes of its last, incomplete block',
    kinds: ['mismatched'],
    decorations: () => withStore((store, subject) => new PartialLess(store, subject)),
    adapt: withCrashes,
  },
  {
    name: 'states-page-not-restored',
    class: 'recovery',
    bug: 'the last page of states is not restored',
    kinds: ['gap', 'state-behind'],
    decorations: () => withStore((store, subject) => new PageLess(store, subject)),
    adapt: withCrashes,
  },
  {
    name: 'producer-dropped-early',
    class: 'recovery',
    bug: 'a summer that starts forgets a producer that has not ended',
    kinds: ['gap'],
    decorations: () => withStore((store, subject) => new ProducerLess(store, subject)),
    adapt: withCrashes,
  },
  {
    name: 'next-sum-not-restored',
    class: 'recovery',
    bug: 'a summer that starts with an empty outbox counts its sums from 0 again',
    kinds: ['state-behind', 'lost'],
    decorations: () => withStore((store, subject) => new Recounting(store, subject)),
    adapt: withCrashes,
  },
  {
    name: 'commit-failure-ignored',
    class: 'recovery',
    bug: 'a summer goes on in memory after a commit has failed',
    // Its offset is also reported, so what follows the durable state is trimmed.
    kinds: ['state-behind', 'acknowledged-loss'],
    decorations: () =>
      both(watchingChunks(), {
        judged: ({ shard, disk, published, tookEffect }) => {
          if (published > finishedSums(disk, shard)) tookEffect();
        },
        summer: (options) => ({ ...options, store: new ShruggingStore(options.store) }),
      }),
    adapt: withFailingCommits,
  },
];

function withStore(decorate: (store: Store, subject: Subject) => Store): Decorations {
  return { summer: (options, subject) => ({ ...options, store: decorate(options.store, subject) }) };
}

/** A store from which a starting summer reads other data than it holds. A claim reads only keys. */
abstract class Misread extends WrappedStore {
  protected readonly subject: Subject;

  constructor(inner: Store, subject: Subject) {
    super(inner);
    this.subject = subject;
  }
}

class PartialLess extends Misread {
  override range(table: string, range: Range): Entry[] {
    const found = super.range(table, range);
    return table === 'states' ? found.map(({ key, value }) => ({ key, value: this.#withoutPartials(value) })) : found;
  }

  #withoutPartials(row: Buffer): Buffer {
    const page = Buffer.from(row);
    for (let at = PARTIAL_AT; at < PAGE_BYTES; at += SLOT_BYTES) page.fill(0, at, at + PARTIAL_BYTES);
    page.writeUInt32LE(crc32c(0, page.subarray(0, PAGE_BYTES)), PAGE_BYTES);
    if (!page.equals(row)) this.subject.tookEffect();
    return page;
  }
}

class PageLess extends Misread {
  override range(table: string, range: Range): Entry[] {
    const found = super.range(table, range);
    const last = found.at(-1);
    if (table !== 'states' || last === undefined) return found;
    if (last.value.subarray(0, PAGE_BYTES).some((byte) => byte !== 0)) this.subject.tookEffect();
    return found.slice(0, -1);
  }
}

class ProducerLess extends Misread {
  override range(table: string, range: Range): Entry[] {
    const found = super.range(table, range);
    if (table !== 'producers' || found.length === 0) return found;
    this.subject.tookEffect();
    return found.slice(1);
  }
}

/** Takes effect when a committed count is below the previous one. */
class Recounting extends Misread {
  override get(table: string, key: Buffer): Buffer | undefined {
    const found = super.get(table, key);
    if (table !== 'checkpoints' || found === undefined) return found;
    if (this.inner.keys('outbox', numberRange(key.readUInt32BE(0))).length > 0) return found;
    const { offset } = openRow(found, isCheckpointRow, 'the checkpoint');
    return sealRow({ offset, nextSum: 0 });
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const isBelow = writes.some((write) => this.#isBelow(write));
    await super.commit(writes);
    if (isBelow) this.subject.tookEffect();
  }

  #isBelow({ table, key, value }: Write): boolean {
    if (table !== 'checkpoints' || value === null) return false;
    const { nextSum } = openRow(Buffer.from(value), isCheckpointRow, 'the checkpoint');
    return nextSum < finishedSums(this.inner, key.readUInt32BE(0));
  }
}

class ShruggingStore extends WrappedStore {
  #isFailed = false;

  override async commit(writes: readonly Write[]): Promise<void> {
    if (this.#isFailed) return;
    try {
      await super.commit(writes);
    } catch {
      this.#isFailed = true;
    }
  }
}
