/** Data that some reader still needs is trimmed. */

import {
  type Journals,
  type LeaveOptions,
  SUMS_JOURNAL,
  type ShardEpoch,
  type StoredBatch,
  chunkJournal,
} from '../../../src/journal/journals.ts';
import * as records from '../../../src/chunker/rows/records.ts';
import { CONFIG_KEY, isConfigRow } from '../../../src/journal/broker/tables.ts';
import { nameKey, openRow } from '../../../src/store/row.ts';
import type { StoreReader } from '../../../src/store/store.ts';
import type { Decorations, Watched } from '../decorations.ts';
import { withChunkerCrashes, withLittleRoom } from './adapt-broker.ts';
import { ChangedReads, both } from './decorated.ts';
import { beginsOf, foldedBy } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

export const RETENTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'trimmed-too-early',
    class: 'retention',
    bug: 'the broker trims chunks up to the head when a shard reports, whatever it reports',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both(
        patchedBroker((state) => {
          const { pins } = state;
          const move = pins.move.bind(pins);
          pins.move = (journal, name, offset) => move(journal, name, journal.kind === 'chunks' ? journal.head : offset);
        }),
        watchingChunks(),
      ),
    adapt: withLittleRoom,
  },
  {
    name: 'reported-before-durable',
    class: 'retention',
    bug: 'a summer reports what it has read before it has committed it',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both({ summer: (options) => ({ ...options, journals: new EagerReports(options.journals) }) }, watchingChunks()),
    adapt: withLittleRoom,
  },
  {
    name: 'hold-moved-before-ledger',
    class: 'retention',
    bug: 'a verifier moves its pin to what it has read before that is durable in its ledger',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both({ chunker: (options) => ({ ...options, journals: new EagerPins(options.journals) }) }, watchingSums()),
    adapt: (plan) => withLittleRoom(withChunkerCrashes(plan)),
  },
];

/** Journals that know how far their streams were read. */
class FollowedReads extends ChangedReads {
  protected readonly readThrough: Map<string, number>;

  constructor(inner: Journals) {
    const readThrough = new Map<string, number>();
    super(inner, (journal: string, batch: StoredBatch) => {
      readThrough.set(journal, batch.end);
      return [batch];
    });
    this.readThrough = readThrough;
  }
}

class EagerReports extends FollowedReads {
  override report(owner: ShardEpoch, offset: number): ReturnType<Journals['report']> {
    return this.inner.report(owner, Math.max(offset, this.readThrough.get(chunkJournal(owner.shard)) ?? 0));
  }
}

class EagerPins extends FollowedReads {
  override movePin(
    journal: string,
    name: string,
    offset: number,
    options?: LeaveOptions,
  ): ReturnType<Journals['movePin']> {
    const read = journal === SUMS_JOURNAL ? (this.readThrough.get(journal) ?? 0) : 0;
    return this.inner.movePin(journal, name, Math.max(offset, read), options);
  }
}

/** Takes effect when a chunk journal durably begins beyond what any summer has durably folded. */
export function watchingChunks(): Decorations {
  const folded = new Map<number, number>();
  return {
    durable: (watched, writes) => {
      for (const { shard, offset } of foldedBy(watched, writes)) {
        folded.set(shard, Math.max(folded.get(shard) ?? 0, offset));
      }
      for (const [number, begin] of beginsOf(watched, writes)) {
        if (number < partitionsOf(watched) && begin > (folded.get(number) ?? 0)) watched.tookEffect();
      }
    },
  };
}

/**
 * Takes effect when the sums journal durably begins beyond the durable place of a verifier that is at work, and whose
 * pin is not durably gone.
 */
export function watchingSums(): Decorations {
  const chunkers = new Map<string, StoreReader>();
  const places = (broker: Watched): number[] =>
    Array.from(chunkers.values()).flatMap((disk) => {
      const producer = records.readRow(disk, 'identity', records.isIdentityRow)?.producer ?? '';
      if (broker.disk.get('holds', nameKey(partitionsOf(broker), producer)) === undefined) return [];
      const place = records.readRow(disk, 'position', records.isPositionRow);
      const phase = records.readRow(disk, 'phase', records.isPhaseRow)?.phase;
      const isOver = phase === 'finished' || phase === 'told';
      return place === null || isOver ? [] : [place.offset];
    });
  return {
    durable: (watched, writes) => {
      if (watched.component === 'chunker') chunkers.set(watched.path, watched.disk);
      for (const [number, begin] of beginsOf(watched, writes)) {
        if (number === partitionsOf(watched) && begin > Math.min(...places(watched))) watched.tookEffect();
      }
    },
  };
}

/** The number of partitions of the broker. */
export function partitionsOf({ disk }: Watched): number {
  const row = disk.get('config', CONFIG_KEY);
  return row === undefined ? Number.NaN : openRow(row, isConfigRow, 'the configuration').partitions;
}
