/** Data that is reported or shown before it is durable, and commits that a crash leaves half done. */

import * as records from '../../../src/chunker/rows/records.ts';
import { serveBroker } from '../../../src/journal/broker/serve.ts';
import type { BrokerState } from '../../../src/journal/broker/state.ts';
import { CONFIG_KEY, isConfigRow, isJournalRow } from '../../../src/journal/broker/tables.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { type Call, decodeClientMessage, encodeHeader } from '../../../src/journal/protocol.ts';
import { keyOf, openRow } from '../../../src/store/row.ts';
import type { Range, StoreReader } from '../../../src/store/store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import type { ServerLink } from '../../../src/transport/transport.ts';
import type { Decorations, Subject, Watched } from '../decorations.ts';
import { withBrokerCrashes, withChunkerThenBrokerCrashes } from './adapt-broker.ts';
import { both } from './decorated.ts';
import { type DurableBatch, batchesOf, foldedBy } from './decorators/harm.ts';
import { staleAppends } from './fencing.ts';
import { PromisingStore } from './promising-store.ts';
import type { Mutant } from './mutant.ts';
import { type Told, ToldJournals } from './told.ts';

const EVERY_JOURNAL: Range = { from: keyOf(0), to: keyOf(0xffff_ffff) };

export const DURABILITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledged-before-durable',
    class: 'durability',
    bug: 'the broker acknowledges appends before their commit is durable',
    // A summer may have folded lost records. When an epoch is lost, two owners have it.
    kinds: ['acknowledged-loss', 'state-ahead', 'stale-writer'],
    decorations: acknowledgedBeforeDurable,
    adapt: withBrokerCrashes,
  },
  {
    name: 'shown-before-durable',
    class: 'durability',
    bug: 'readers receive batches before their commit is durable; acknowledgements wait for it',
    // A process that was shown lost data is told so when it comes back.
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
    // Overwritten sums may be those of an older epoch.
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

/** The bug takes effect when a journal expects records that it had acknowledged. */
export function watchingLoss(told: Told): Decorations {
  const decorate = <Options extends { readonly journals: Journals }>(options: Options, subject: Subject): Options => ({
    ...options,
    journals: new ToldJournals(options.journals, told, subject),
  });
  return { chunker: decorate, summer: decorate };
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

/**
 * Takes effect when a dead broker loses records that somebody was told are durable, or has folded, or an epoch that was
 * raised.
 */
function acknowledgedBeforeDurable(): Decorations {
  const told: Told = new Map();
  let last: PromisingStore | null = null;
  const promising: Decorations = {
    broker: (options) => {
      last = new PromisingStore(options.store, options.onFatal);
      return { ...options, store: last };
    },
    ended: (watched) => {
      if (watched.component !== 'broker') return;
      for (const { producer, journal, firstIndex, count } of lostBatches(watched, last)) {
        const key = `${producer} ${journalOf(watched, journal)}`;
        if ((told.get(key) ?? 0) >= firstIndex + count) watched.tookEffect();
      }
    },
  };
  const stale = staleAppends(() => {});
  return both(
    promising,
    both(
      statesAhead(() => last),
      both(watchingLoss(told), stale),
    ),
  );
}

/** Batches that an ended broker had promised, and that are not on its disk. */
function lostBatches(watched: Watched, store: PromisingStore | null): DurableBatch[] {
  const lost = (store?.pending ?? []).flatMap(({ table, key, value }) =>
    table === 'batches' && value !== null && watched.disk.get(table, key) === undefined
      ? [{ table, key, value: Buffer.from(value) }]
      : [],
  );
  return batchesOf(watched, lost);
}

function journalOf(broker: Watched, number: number): string {
  return isSums(broker, number) ? SUMS_JOURNAL : chunkJournal(number);
}

function isSums({ disk }: Watched, number: number): boolean {
  const row = disk.get('config', CONFIG_KEY);
  return row !== undefined && number === openRow(row, isConfigRow, 'the configuration').partitions;
}

/**
 * Takes effect when a judged state is folded beyond the end of its journal, and when other records are committed where
 * somebody has durably gone beyond the loss.
 */
function statesAhead(promised: () => PromisingStore | null): Decorations {
  /** By journal number, the offset up to which a summer has folded it, or a verifier has read it. */
  const reached = new Map<number, number>();
  const lost = new Map<string, Buffer>();
  const chunkers = new Map<string, StoreReader>();
  return {
    judged: ({ disk, shard, head, tookEffect }) => {
      const row = disk.get('checkpoints', keyOf(shard));
      if (row !== undefined && openRow(row, isCheckpointRow, 'a checkpoint').offset > head) tookEffect();
    },
    ended: (watched) => {
      if (watched.component !== 'broker') return;
      for (const { journal, begin, bytes } of lostBatches(watched, promised())) {
        const places = Array.from(chunkers.values(), (disk) =>
          records.readRow(disk, 'position', records.isPositionRow),
        );
        const read = isSums(watched, journal) ? Math.max(0, ...places.map((place) => place?.offset ?? 0)) : 0;
        if (begin + bytes.length <= Math.max(read, reached.get(journal) ?? 0)) lost.set(`${journal} ${begin}`, bytes);
      }
    },
    durable: (watched, writes) => {
      if (watched.component === 'chunker') chunkers.set(watched.path, watched.disk);
      for (const { shard, offset } of foldedBy(watched, writes)) {
        reached.set(shard, Math.max(offset, reached.get(shard) ?? 0));
      }
      for (const { journal, begin, bytes } of batchesOf(watched, writes)) {
        const before = lost.get(`${journal} ${begin}`);
        if (before !== undefined && !before.equals(bytes)) watched.tookEffect();
      }
    },
  };
}

/** Readers are shown promised data. It waits in a store that reports every commit as durable. */
function shownBeforeDurable(): Decorations {
  let last: PromisingStore | null = null;
  const promising: Decorations = {
    broker: (options) => {
      const store = new PromisingStore(options.store, options.onFatal);
      last = store;
      return { ...options, store, listen: async (events) => waiting(await options.listen(events), store) };
    },
  };
  return both(
    promising,
    both(
      statesAhead(() => last),
      watchingToldCommits(),
    ),
  );
}

/** Takes effect when a client comes back that was told of a commit which its dead broker had not made durable. */
function watchingToldCommits(): Decorations {
  /** By incarnation of an ended broker, the number of the last commit on its disk. */
  const durable = new Map<string, number>();
  let incarnation = '';
  return {
    broker: (options, { tookEffect }) => {
      ({ incarnation } = options);
      const listen: typeof options.listen = (events) =>
        options.listen({
          ...events,
          onMessage: (session, frames) => {
            const message = decodeClientMessage(frames[0]);
            const witness = 't' in message && message.t === 'open' ? message.witness : undefined;
            const last = durable.get(witness?.incarnation ?? '');
            if (witness !== undefined && last !== undefined && witness.commit > last) tookEffect();
            events.onMessage(session, frames);
          },
        });
      return { ...options, listen };
    },
    ended: ({ component, disk }) => {
      if (component === 'broker') durable.set(incarnation, lastCommitOf(disk));
    },
  };
}

function lastCommitOf(broker: StoreReader): number {
  const rows = broker.range('journals', EVERY_JOURNAL).map(({ value }) => openRow(value, isJournalRow, 'a journal'));
  return Math.max(0, ...rows.map(({ commit = 0 }) => commit));
}

/** Answers wait until the promised data is durable; batches do not. */
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

/** The index that is expected after everything accepted, durable or not. */
function early(state: BrokerState, call: Call): object | null {
  if (call.op !== 'expected') return null;
  const producer = state.journals.get(call.journal)?.producers.get(call.producer);
  return producer === undefined || producer.ended ? null : { outcome: 'expected', n: producer.next, stampNs: 0 };
}
