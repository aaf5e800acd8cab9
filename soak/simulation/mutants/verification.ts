/** The verifier misses something, or remembers other things than it has seen. */

import * as records from '../../../src/chunker/rows/records.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import type { Store, Write } from '../../../src/store/store.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withChunkerCrashes } from './adapt-broker.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { ChangedReads, both } from './decorated.ts';
import { watchingSums } from './retention.ts';
import type { Mutant } from './mutant.ts';

/** One batch in so many. */
const RARITY = 10;

export const VERIFICATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'verifier-stops-reading',
    class: 'verification',
    bug: 'a verifier reads some sums, and then no more',
    kinds: ['late', 'lost'],
    decorations: () => {
      const left = new Map<string, number>();
      return {
        chunker: (options, { name, tookEffect }) => ({
          ...options,
          journals: new ChangedReads(options.journals, (journal, batch) => {
            const more = journal === SUMS_JOURNAL ? (left.get(name) ?? RARITY) : 1;
            left.set(name, more - 1);
            if (more > 0) return [batch];
            tookEffect();
            return [];
          }),
        }),
      };
    },
  },
  {
    name: 'verifier-misses-a-batch',
    class: 'verification',
    bug: 'a batch of sums does not reach the verifier',
    kinds: ['gap'],
    decorations: () =>
      verifierReads((batch, { prng, tookEffect }) => {
        if (prng.below(RARITY) > 0) return [batch];
        tookEffect();
        return [];
      }),
  },
  {
    name: 'verifier-reads-twice',
    class: 'verification',
    bug: 'a batch of sums reaches the verifier twice',
    kinds: ['duplicate'],
    decorations: () =>
      verifierReads((batch, { prng, tookEffect }) => {
        if (prng.below(RARITY) > 0) return [batch];
        tookEffect();
        return [batch, batch];
      }),
  },
  {
    name: 'ledger-behind-position',
    class: 'verification',
    bug: 'the place of a verifier is durable, and what it has verified up to there is not',
    // The verifier knows nothing of a file that is not in the ledger and was generated before the snapshot.
    kinds: ['lost', 'late', 'phantom'],
    decorations: () => withoutRow('ledger'),
    adapt: withChunkerCrashes,
  },
  {
    name: 'position-behind-ledger',
    class: 'verification',
    bug: 'what a verifier has verified is durable, and its place is not',
    // Its pin moves as if the place were durable.
    kinds: ['duplicate', 'acknowledged-loss'],
    decorations: () => both(withoutRow('position'), watchingSums()),
    adapt: withChunkerCrashes,
  },
];

function verifierReads(
  change: (
    batch: Parameters<ConstructorParameters<typeof ChangedReads>[1]>[1],
    subject: Subject,
  ) => ReturnType<ConstructorParameters<typeof ChangedReads>[1]>,
): Decorations {
  return {
    chunker: (options, subject) => ({
      ...options,
      journals: new ChangedReads(options.journals, (journal, batch) =>
        journal === SUMS_JOURNAL ? change(batch, subject) : [batch],
      ),
    }),
  };
}

/**
 * Half of the time a row is missing from its transaction. Takes effect at a start from the older row, in a life that
 * uses it: a life that is ending verifies nothing more, and a life that is over reads nothing.
 */
function withoutRow(name: 'ledger' | 'position'): Decorations {
  const newest = new Map<string, Uint8Array>();
  return {
    chunker: (options, subject) => {
      const stored = options.store.get(records.TABLE, records.keyFor(name));
      const last = newest.get(subject.name);
      const phase = records.readRow(options.store, 'phase', records.isPhaseRow)?.phase ?? null;
      const isUsed = phase === null || (phase === 'ending' && name === 'position');
      if (isUsed && last !== undefined && stored !== undefined && !stored.equals(last)) subject.tookEffect();
      return { ...options, store: new PartialStore(options.store, { name, subject, newest }) };
    },
  };
}

class PartialStore extends WrappedStore {
  readonly #options: { name: 'ledger' | 'position'; subject: Subject; newest: Map<string, Uint8Array> };

  constructor(
    inner: Store,
    options: { name: 'ledger' | 'position'; subject: Subject; newest: Map<string, Uint8Array> },
  ) {
    super(inner);
    this.#options = options;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const { name, subject, newest } = this.#options;
    const key = records.keyFor(name);
    const row = writes.find((write) => write.key.equals(key));
    // The first row of a life stays: without it nothing was ever read.
    const isKept =
      row?.value == null || this.inner.get(records.TABLE, key) === undefined || subject.prng.below(2) === 0;
    const value = row?.value == null ? null : Buffer.from(row.value);
    await this.inner.commit(isKept ? writes : writes.filter((write) => write !== row));
    if (value !== null) newest.set(subject.name, value);
    else if (row !== undefined) newest.delete(subject.name);
  }
}
