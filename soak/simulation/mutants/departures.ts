/** Chunkers that leave: a producer that is retired has not ended, and a pin that has expired still counts. */

import {
  type Journals,
  type LeaveOptions,
  type ReadEnd,
  type ReadStream,
  SUMS_JOURNAL,
  type StoredBatch,
  chunkJournal,
} from '../../../src/journal/journals.ts';
import type { BrokerState } from '../../../src/journal/broker/state.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import type { Decorations } from '../decorations.ts';
import { withExpiringPins, withRetirements } from './adapt-departures.ts';
import { withTwoPartitions } from './adapt-broker.ts';
import { both, opened } from './decorated.ts';
import { batchesOf } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';
import { partitionsOf, watchingSums } from './retention.ts';

/** A verifier that was not heard for so long is forgotten too early. */
const FORGOTTEN_MS = 2_000;

export const DEPARTURES_MUTANTS: readonly Mutant[] = [
  {
    name: 'retired-producer-appends',
    class: 'departures',
    bug: 'the broker takes records of a producer that was retired, in the place of its end and after it',
    // Its summer has forgotten the producer, and misses its earlier records. Others read the batch after that.
    kinds: ['gap', 'duplicate', 'phantom'],
    decorations: () =>
      both(
        patchedBroker((state) => appendsAfterEnd(state)),
        watchingEnds(),
      ),
    adapt: withRetirements,
  },
  {
    name: 'retired-without-an-end',
    class: 'departures',
    bug: 'the broker marks a retired producer as ended, and no journal gets its end',
    // Files that were open stay in the states of the shards.
    kinds: ['leak', 'acknowledged-loss'],
    decorations: () => ({
      ...patchedBroker((state, { tookEffect }) => {
        state.retire = (journal, id) => {
          const producer = journal.producer(id);
          if (!producer.ended) tookEffect();
          producer.ended = true;
          return true;
        };
      }),
    }),
    adapt: withRetirements,
  },
  {
    name: 'retired-in-the-first-journal-alone',
    class: 'departures',
    bug: 'the broker ends a retired producer in its first journal, and says that it did in all of them',
    kinds: ['leak', 'acknowledged-loss'],
    decorations: () =>
      patchedBroker((state, { tookEffect }) => {
        const retire = state.retire.bind(state);
        state.retire = (journal, id) => {
          if (journal.number === 0) return retire(journal, id);
          if (!journal.producer(id).ended) tookEffect();
          return true;
        };
      }),
    adapt: (plan) => withRetirements(withTwoPartitions(plan)),
  },
  {
    name: 'retired-index-inherited',
    class: 'departures',
    bug: 'the records of a new producer are numbered from where those of a retired one ended',
    kinds: ['phantom'],
    decorations: () =>
      patchedBroker((state, { tookEffect }) => {
        const append = state.append.bind(state);
        state.append = (name, bytes, owner) => {
          const journal = state.journals.get(name);
          const id = opened(bytes, name).producer;
          if (journal?.kind !== 'chunks' || journal.producers.has(id)) return append(name, bytes, owner);
          const retired = [...journal.producers.values()].find(({ ended, next }) => ended && next > 1);
          if (retired === undefined) return append(name, bytes, owner);
          journal.producer(id).next = retired.next;
          tookEffect();
          return append(name, bytes, owner);
        };
      }),
    adapt: withRetirements,
  },
  {
    name: 'live-pin-ignored',
    class: 'departures',
    bug: 'the broker trims sums that an absent verifier still has a pin for',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both(
        patchedBroker((state) => {
          const sums = state.journals.get(SUMS_JOURNAL);
          if (sums === undefined) return;
          sums.lowestPin = () => {
            const present = [...sums.pins.values()].filter(({ absentMs }) => absentMs < FORGOTTEN_MS);
            return present.length === 0 ? sums.head : Math.min(...present.map(({ offset }) => offset));
          };
        }),
        watchingSums(),
      ),
    adapt: withExpiringPins,
  },
  {
    name: 'expired-pin-trusted',
    class: 'departures',
    bug: 'a verifier whose pin has expired goes on, and reads the sums from where they begin now',
    kinds: ['gap'],
    decorations: () => ({
      chunker: (options, { tookEffect }) => ({
        ...options,
        journals: new TrustedPins(options.journals, tookEffect, () => Promise.resolve()),
      }),
    }),
    adapt: withExpiringPins,
  },
  {
    name: 'expired-pin-renewed',
    class: 'departures',
    bug: 'a verifier whose pin has expired makes another one, and goes on as if nothing had happened',
    // The new pin is beyond the place that the verifier has read to, and sums in between are trimmed.
    kinds: ['gap', 'acknowledged-loss'],
    decorations: () =>
      both(
        {
          chunker: (options, { tookEffect }) => ({
            ...options,
            journals: new TrustedPins(options.journals, tookEffect, async (name) => {
              await options.journals.pin(SUMS_JOURNAL, name);
            }),
          }),
        },
        watchingSums(),
      ),
    adapt: withExpiringPins,
  },
];

/** The broker forgets for a moment that a producer has ended, when it gets a record beyond those that it has. */
function appendsAfterEnd(state: BrokerState): void {
  const append = state.append.bind(state);
  state.append = (name, bytes, owner) => {
    const decision = append(name, bytes, owner);
    if (!('outcome' in decision) || decision.outcome !== 'ended') return decision;
    const { producer: id, kind, firstIndex } = opened(bytes, name);
    const producer = state.journals.get(name)?.producers.get(id);
    if (producer === undefined || kind === 'end' || firstIndex < producer.next - 1) return decision;
    const { next } = producer;
    Object.assign(producer, { ended: false, next: firstIndex });
    const forced = append(name, bytes, owner);
    Object.assign(producer, { ended: true, next: Math.max(next, producer.next) });
    return forced;
  };
}

/** The bug takes effect when a chunk journal has a batch of a producer after its end. */
function watchingEnds(): Decorations {
  /** Journal and producer. */
  const ended = new Set<string>();
  return {
    durable: (watched, writes) => {
      for (const { journal, bytes, producer } of batchesOf(watched, writes)) {
        if (journal >= partitionsOf(watched)) continue;
        const name = `${journal} ${producer}`;
        if (ended.has(name)) watched.tookEffect();
        if (opened(bytes, chunkJournal(journal)).kind === 'end') ended.add(name);
      }
    },
  };
}

/** Journals that know of no pin that is gone, and of no sum that was trimmed. */
class TrustedPins extends WrappedJournals {
  readonly #onSkipped: () => void;
  readonly #onGone: (name: string) => Promise<void>;

  constructor(inner: Journals, onSkipped: () => void, onGone: (name: string) => Promise<void>) {
    super(inner);
    this.#onSkipped = onSkipped;
    this.#onGone = onGone;
  }

  override async movePin(...asked: [string, string, number, LeaveOptions?]): ReturnType<Journals['movePin']> {
    const outcome = await this.inner.movePin(...asked);
    if (outcome === 'missing') await this.#onGone(asked[1]);
    return 'moved';
  }

  override read(journal: string, offset: number, options: { creditBytes: number }): ReadStream {
    let stream = this.inner.read(journal, offset, options);
    const next = async (): Promise<StoredBatch | ReadEnd | null> => {
      for (;;) {
        const read = await stream.next();
        if (read === null || 'bytes' in read || read.end !== 'trimmed') return read;
        const { journals } = await this.inner.list();
        const begin = journals.find(({ name }) => name === journal)?.begin ?? offset;
        this.#onSkipped();
        stream = this.inner.read(journal, begin, options);
      }
    };
    return { next, close: () => stream.close() };
  }
}
