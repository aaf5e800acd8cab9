/**
 * Tells the moments of a component. It wraps the parts that the component is given, so that the component's own logic
 * knows nothing of them. There is one mark per batch or transaction, never per record.
 */

import type { BrokerWatch } from '../journal/broker/broker.ts';
import type { AppendOutcome, Journals, ReadStream, ShardEpoch } from '../journal/journals.ts';
import { WrappedJournals } from '../journal/wrapped-journals.ts';
import type { Store, Write } from '../store/store.ts';
import { WrappedStore } from '../store/wrapped-store.ts';
import type { Component } from '../component/protocol.ts';
import type { BusyMoment } from './moment.ts';
import type { OwnMoments } from './own-moments.ts';

/** The table of a summer's store with the sums that are still to be published. */
const OUTBOX = 'outbox';

/** What is told of a transaction. */
type CommitMarks = { begins(writes: readonly Write[]): void; durable(writes: readonly Write[]): void };

/** A store that tells when a transaction begins, and when it is durable. */
class MarkedStore extends WrappedStore {
  readonly #marks: CommitMarks;

  constructor(inner: Store, marks: CommitMarks) {
    super(inner);
    this.#marks = marks;
  }

  /** A failed transaction stays under way, because its process stops. */
  override async commit(writes: readonly Write[]): Promise<void> {
    this.#marks.begins(writes);
    await this.inner.commit(writes);
    this.#marks.durable(writes);
  }
}

/** Journals that tell when appends are under way and when a batch has arrived. */
class MarkedJournals extends WrappedJournals {
  readonly #moments: OwnMoments;
  readonly #appending: BusyMoment;
  readonly #appended: (outcome: AppendOutcome) => void;
  readonly #arrived: () => void;

  constructor(
    inner: Journals,
    moments: OwnMoments,
    marks: { appending: BusyMoment; appended: (outcome: AppendOutcome) => void; arrived: () => void },
  ) {
    super(inner);
    this.#moments = moments;
    this.#appending = marks.appending;
    this.#appended = marks.appended;
    this.#arrived = marks.arrived;
  }

  override append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    this.#moments.begin(this.#appending);
    const appended = super.append(journal, batch, owner);
    const end = (): void => this.#moments.end(this.#appending);
    appended.then((outcome) => {
      this.#appended(outcome);
      end();
    }, end);
    return appended;
  }

  override read(journal: string, offset: number, options: Parameters<Journals['read']>[2]): ReadStream {
    const stream = super.read(journal, offset, options);
    return {
      next: async () => {
        const next = await stream.next();
        if (next !== null && 'bytes' in next) this.#arrived();
        return next;
      },
      close: () => stream.close(),
    };
  }
}

export type Handed = { readonly store: Store; readonly journals: Journals };

function hasSums(writes: readonly Write[]): boolean {
  return writes.some(({ table, value }) => table === OUTBOX && value !== null);
}

/** Wraps the parts of a summer. */
export function markSummer({ store, journals }: Handed, moments: OwnMoments): Handed {
  const published = 'between a commit and its publication';
  // Whether sums are durable whose append has not begun. The same turn begins it, before any answer can arrive.
  let isDue = false;
  const answered = (): void => {
    if (isDue) moments.end(published);
    isDue = false;
  };
  return {
    store: new MarkedStore(store, {
      begins: () => {
        moments.leave('folding');
        moments.enter('in a commit');
      },
      durable: (writes) => {
        if (hasSums(writes) && !isDue) {
          isDue = true;
          moments.begin(published);
        }
        moments.leave('in a commit');
        moments.leave('replaying');
      },
    }),
    journals: new MarkedJournals(journals, moments, {
      appending: published,
      appended: answered,
      arrived: () => moments.enter('folding'),
    }),
  };
}

/** Wraps the parts of a chunker. */
export function markChunker({ store, journals }: Handed, moments: OwnMoments): Handed {
  return {
    store: new MarkedStore(store, {
      begins: () => moments.enter('in a commit'),
      durable: () => moments.leave('in a commit'),
    }),
    journals: new MarkedJournals(journals, moments, {
      appending: 'appending',
      appended: ({ outcome }) => {
        if (outcome === 'committed') moments.leave('replaying');
      },
      arrived: () => undefined,
    }),
  };
}

/** The watch that a broker is given. */
export function brokerWatch(moments: OwnMoments): BrokerWatch {
  return {
    accepted: () => moments.enter('appending'),
    begins: () => {
      moments.leave('appending');
      moments.enter('in a commit');
    },
    durable: () => {
      moments.enter('between a commit and its publication');
      moments.leave('in a commit');
    },
    answered: () => moments.leave('between a commit and its publication'),
  };
}

/** Tells that the component is ready. It first replays what arrived while it was down. */
export function markReady(component: Component, moments: OwnMoments | null): void {
  if (component !== 'broker') moments?.enter('replaying');
  moments?.leave('starting');
}
