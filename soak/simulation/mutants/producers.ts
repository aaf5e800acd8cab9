/** A producer is taken for another one. */

import { withEarlyEnds, withTwoChunkers } from './adapt-broker.ts';
import { both, opened } from './decorated.ts';
import { watchingRepeats } from './decorators/harm.ts';
import { watchingLoss } from './durability.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

export const PRODUCERS_MUTANTS: readonly Mutant[] = [
  {
    name: 'producer-id-reused',
    class: 'producers',
    bug: 'a chunker takes the producer id of another one',
    // Chance decides whose records a journal has first.
    kinds: ['duplicate', 'gap', 'mismatched', 'phantom', 'out-of-order', 'acknowledged-loss'],
    decorations: () => {
      const taken: string[] = [];
      return {
        chunker: (options, { tookEffect }) => ({
          ...options,
          newProducer: () => {
            const own = options.newProducer();
            const [first] = taken;
            taken.push(own);
            if (first !== undefined) tookEffect();
            return first ?? own;
          },
        }),
      };
    },
    adapt: withTwoChunkers,
  },
  {
    name: 'ended-producer-forgotten',
    class: 'producers',
    bug: 'the broker drops the next index of a producer that has ended',
    kinds: ['duplicate', 'acknowledged-loss'],
    decorations: () => {
      const forgetting = patchedBroker((state) => {
        const append = state.append.bind(state);
        for (const journal of state.journals.values()) {
          for (const producer of journal.producers.values()) if (producer.ended) Object.assign(producer, FORGOTTEN);
        }
        state.append = (name, bytes, owner) => {
          const { producer: id, kind } = opened(bytes, name);
          const decision = append(name, bytes, owner);
          if (kind === 'end' && 'accepted' in decision) {
            Object.assign(state.journals.get(name)?.producer(id) ?? {}, FORGOTTEN);
          }
          return decision;
        };
      });
      return both(watchingLoss(new Map()), { ...forgetting, ...watchingRepeats() });
    },
    adapt: withEarlyEnds,
  },
];

/** The state of a producer that was never heard of. */
const FORGOTTEN = { next: 0, ended: false } as const;
