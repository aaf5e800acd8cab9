/** A chunker publishes other data than its seed says. */

import { savedIndexes } from '../../../src/chunker/stream/generator.ts';
import * as records from '../../../src/chunker/rows/records.ts';
import { type ExpectedOutcome, type Journals, type ShardEpoch, chunkJournal } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { CHUNK_HEADER_BYTES, type Chunk, decodeChunks, fileNumberOf } from '../../../src/message/chunk.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Decorations } from '../decorations.ts';
import { withChunkerCrashes, withChunkerCrashesInBrokerAbsence, withChunks, withEmptyFiles } from './adapt-broker.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { ChangedAppends, flipped, opened, resealed } from './decorated.ts';
import { PlantedBatches } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';
import { ThinnedJournals } from './thinned-journals.ts';

export const GENERATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'end-of-file-missed',
    class: 'generation',
    bug: 'the end of a file is not published',
    kinds: ['gap'],
    decorations: () => without(({ fileId, sequence, data }) => data.length === 0 && sequence > 1 && isChosen(fileId)),
    adapt: withChunks,
  },
  {
    name: 'empty-file-lost',
    class: 'generation',
    bug: 'a file without data is not published',
    kinds: ['gap'],
    decorations: () => without(({ sequence, data }) => data.length === 0 && sequence === 1),
    adapt: withEmptyFiles,
  },
  {
    name: 'chunk-lost',
    class: 'generation',
    bug: 'a chunk in the middle of a file is not published',
    kinds: ['gap'],
    decorations: () => without(({ fileId, sequence, data }) => data.length > 0 && sequence === 2 && isChosen(fileId)),
    adapt: withChunks,
  },
  {
    name: 'other-bytes-after-restart',
    class: 'generation',
    bug: 'a restarted chunker generates other bytes than before',
    kinds: ['mismatched'],
    decorations: () => {
      const planted = new PlantedBatches();
      return {
        durable: planted.durable,
        chunker: (options, { incarnation }) =>
          incarnation === 1
            ? options
            : { ...options, journals: new ChangedAppends(options.journals, otherBytes, planted) },
      };
    },
    adapt: (plan) => withChunks(withChunkerCrashes(plan)),
  },
  {
    name: 'snapshot-beyond-expected',
    class: 'generation',
    bug: 'a restarted chunker continues from a snapshot that is newer than what its journals have',
    kinds: ['acknowledged-loss'],
    decorations: () => ({
      chunker: (options, { tookEffect }) => ({
        ...options,
        journals: new TrustedSnapshots(options.journals, options.store, tookEffect),
      }),
    }),
    adapt: withChunkerCrashesInBrokerAbsence,
  },
  {
    name: 'new-producer-after-restart',
    class: 'generation',
    bug: 'a restarted chunker forgets who it was, and publishes everything again as a new producer',
    kinds: ['leak', 'lost'],
    decorations: newProducerAfterRestart,
    adapt: (plan) => withChunks(withChunkerCrashes(plan)),
  },
];

/** Chooses one file in eight. */
function isChosen(fileId: string): boolean {
  return fileNumberOf(fileId) % 8 === 3;
}

function without(leavesOut: (chunk: Chunk) => boolean): Decorations {
  const leftOut = new Map<string, number[]>();
  const planted = new PlantedBatches();
  return {
    durable: planted.durable,
    chunker: (options, { tookEffect }) => ({
      ...options,
      journals: new ThinnedJournals(options.journals, { leftOut, leavesOut, onLeftOut: tookEffect, planted }),
    }),
  };
}

/** Replaces all data of the batch. */
function otherBytes(journal: string, bytes: Uint8Array): Uint8Array | null {
  const batch = opened(bytes, journal);
  const view = new DataView(batch.payload.buffer, batch.payload.byteOffset, batch.payload.length);
  let payload: Uint8Array | null = null;
  if (batch.kind !== 'chunks') return null;
  for (let at = 0; at < batch.payload.length; at += CHUNK_HEADER_BYTES + view.getUint32(at, true)) {
    if (view.getUint32(at, true) > 0) payload = flipped(payload ?? batch.payload, (at + CHUNK_HEADER_BYTES) * 8);
  }
  return payload === null ? null : resealed(batch, journal, { payload });
}

/** Journals that seem to have at least everything that the newest snapshot has published. */
class TrustedSnapshots extends WrappedJournals {
  readonly #store: Store;
  readonly #onTrusted: () => void;

  constructor(inner: Journals, store: Store, onTrusted: () => void) {
    super(inner);
    this.#store = store;
    this.#onTrusted = onTrusted;
  }

  override async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    const answer = await this.inner.expected(journal, producer, owner);
    if (answer.outcome !== 'expected') return answer;
    const { partitions } = await this.inner.list();
    const partition = Array.from({ length: partitions }, (_, at) => at).find((at) => chunkJournal(at) === journal) ?? 0;
    const saved = (['snapshot-0', 'snapshot-1'] as const).map((slot) => {
      const bytes = records.readBytes(this.#store, slot);
      return bytes === null ? 0 : (savedIndexes(bytes, partitions)[partition] ?? 0);
    });
    const n = Math.max(answer.n, ...saved);
    if (n > answer.n) this.#onTrusted();
    return { ...answer, n };
  }
}

/** Takes effect when the forgotten producer has an open file. */
function newProducerAfterRestart(): Decorations {
  const open = new Set<string>();
  return {
    chunker: (options, { incarnation, tookEffect }) => {
      if (incarnation > 1 && open.size > 0) tookEffect();
      const store = incarnation === 1 ? options.store : new StrangerStore(options.store);
      const watch = (journal: string, bytes: Uint8Array): null => {
        const batch = opened(bytes, journal);
        if (batch.kind !== 'chunks') return null;
        for (const { fileId, data } of decodeChunks(batch.payload) ?? []) {
          if (data.length > 0) open.add(fileId);
          else open.delete(fileId);
        }
        return null;
      };
      return {
        ...options,
        store,
        journals: new ChangedAppends(options.journals, watch, null),
      };
    },
  };
}

/** A chunker's store that does not find the identity of the previous incarnation. */
class StrangerStore extends WrappedStore {
  override get(table: string, key: Buffer): Buffer | undefined {
    return key.equals(records.keyFor('identity')) ? undefined : this.inner.get(table, key);
  }
}
