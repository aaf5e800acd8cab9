/** What is said or shown before it is durable, and what a crash leaves half done. */

import { serveBroker } from '../../src/journal/broker/serve.ts';
import type { BrokerState } from '../../src/journal/broker/state.ts';
import { type Call, decodeClientMessage, encodeHeader } from '../../src/journal/protocol.ts';
import { openRow } from '../../src/store/row.ts';
import { isCheckpointRow } from '../../src/summer/rows.ts';
import type { ServerLink } from '../../src/transport/transport.ts';
import type { Decorations } from '../simulation/decorations.ts';
import { withBrokerCrashes, withChunkerThenBrokerCrashes } from './adapt-broker.ts';
import { CommittedStore } from './decorated.ts';
import { PromisingStore } from './promising-store.ts';
import type { Mutant } from './mutant.ts';
import { type Told, ToldJournals } from './told.ts';

export const DURABILITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledged-before-durable',
    class: 'durability',
    bug: 'the broker acknowledges appends before their commit is durable',
    // A summer may have folded what is lost; and where an epoch is lost, two owners have it.
    kinds: ['acknowledged-loss', 'state-ahead', 'stale-writer'],
    decorations: () => ({
      ...watchingLoss(new Map()),
      broker: (options) => ({ ...options, store: new PromisingStore(options.store, options.onFatal) }),
    }),
    adapt: withBrokerCrashes,
  },
  {
    name: 'shown-before-durable',
    class: 'durability',
    bug: 'readers receive batches before their commit is durable; acknowledgements wait for it',
    // Whoever was shown what is lost by now is told so when it comes back.
    kinds: ['acknowledged-loss', 'state-ahead', 'gap', 'mismatched', 'duplicate', 'state-behind'],
    decorations: shownBeforeDurable,
    adapt: withBrokerCrashes,
  },
  {
    name: 'torn-commit-without-indexes',
    class: 'durability',
    bug: 'a crash leaves the batches of a commit, and not the next indexes of their producers',
    kinds: ['duplicate'],
    decorations: () => tornCommit((table) => table !== 'producers'),
    adapt: withBrokerCrashes,
  },
  {
    name: 'torn-commit-without-head',
    class: 'durability',
    bug: 'a crash leaves the batches of a commit and their indexes, and not the head of their journal',
    // Sums that are written over again may be those of an older epoch.
    kinds: ['acknowledged-loss', 'gap', 'duplicate', 'stale-writer'],
    decorations: () => tornCommit((table) => table !== 'journals'),
    adapt: withBrokerCrashes,
  },
  {
    name: 'expected-from-uncommitted',
    class: 'durability',
    bug: 'the broker answers what it expects from a group that is not committed yet',
    kinds: ['acknowledged-loss'],
    decorations: expectedFromUncommitted,
    adapt: withChunkerThenBrokerCrashes,
  },
];

/** The bug takes effect when a journal expects what it had acknowledged. */
export function watchingLoss(told: Told): Decorations {
  return {
    chunker: (options, { tookEffect }) => ({
      ...options,
      journals: new ToldJournals(options.journals, told, tookEffect),
    }),
  };
}

function tornCommit(remains: (table: string) => boolean): Decorations {
  return {
    crashedCommit: (writes, left, { component, tookEffect }) => {
      const isTorn = component === 'broker' && writes.some(({ table, value }) => table === 'batches' && value !== null);
      if (!isTorn) return left === 'durable' ? writes : [];
      tookEffect();
      return writes.filter(({ table }) => remains(table));
    },
  };
}

/** Takes effect when something else is committed where a summer has durably folded what was lost. */
function shownBeforeDurable(): Decorations {
  const folded = new Map<number, number>();
  /** By key in hexadecimal: batches that were shown, folded and lost. */
  const lost = new Map<string, Uint8Array>();
  let last: PromisingStore | null = null;
  return {
    broker: (options, { tookEffect }) => {
      for (const { table, key, value } of last?.pending ?? []) {
        const isFolded =
          value !== null && key.readUIntBE(6, 6) + value.length <= (folded.get(key.readUInt32BE(0)) ?? 0);
        if (table === 'batches' && isFolded && options.store.get(table, key) === undefined)
          lost.set(key.toString('hex'), value);
      }
      const watched = new CommittedStore(options.store, (writes) => {
        for (const { table, key, value } of writes) {
          if (table !== 'batches' || value === null) continue;
          const before = lost.get(key.toString('hex'));
          if (before !== undefined && Buffer.compare(before, value) !== 0) tookEffect();
        }
      });
      const store = new PromisingStore(watched, options.onFatal);
      last = store;
      return { ...options, store, listen: async (events) => waiting(await options.listen(events), store) };
    },
    summer: (options) => ({
      ...options,
      store: new CommittedStore(options.store, (writes) => {
        for (const { table, key, value } of writes) {
          if (table !== 'checkpoints' || value === null) continue;
          const { offset } = openRow(Buffer.from(value), isCheckpointRow, 'a checkpoint');
          folded.set(key.readUInt32BE(0), Math.max(offset, folded.get(key.readUInt32BE(0)) ?? 0));
        }
      }),
    }),
  };
}

/** Answers wait until what was promised is durable; batches do not. */
function waiting(link: ServerLink, store: PromisingStore): ServerLink {
  return {
    send: (session, frames) => {
      const header = JSON.parse(Buffer.from(frames[0] ?? new Uint8Array(0)).toString('utf8')) as { t: string };
      if (header.t === 'batches') link.send(session, frames);
      else store.whenDurable(() => link.send(session, frames));
    },
    close: () => link.close(),
  };
}

function expectedFromUncommitted(): Decorations {
  return {
    ...watchingLoss(new Map()),
    serveBroker: async (options) => {
      let state: BrokerState | null = null;
      const served = await serveBroker({
        ...options,
        listen: async (events) => {
          const link = await options.listen({
            ...events,
            onMessage: (session, frames) => {
              const message = decodeClientMessage(frames[0]);
              const result =
                't' in message && message.t === 'call' && state !== null ? early(state, message.call) : null;
              if (result === null || !('t' in message) || message.t !== 'call')
                return events.onMessage(session, frames);
              const envelope = { i: options.incarnation, s: session, c: state?.lineage.durable ?? 0 };
              link.send(session, [encodeHeader({ t: 'reply', id: message.id, result, ...envelope })]);
            },
          });
          return link;
        },
      });
      ({ state } = served.broker);
      return served;
    },
  };
}

/** What is expected after everything that was accepted, durable or not. */
function early(state: BrokerState, call: Call): object | null {
  if (call.op !== 'expected') return null;
  const producer = state.journals.get(call.journal)?.producers.get(call.producer);
  return producer === undefined || producer.ended ? null : { outcome: 'expected', n: producer.next, stampNs: 0 };
}
