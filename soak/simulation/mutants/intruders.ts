/** Another writer uses the id of a chunker's producer: before its records, between them and behind them. */

import { crc32c } from '../../../src/hash/crc32c.ts';
import { type AppendOutcome, type Journals, SUMS_JOURNAL, type ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { type Batch, encodeBatch } from '../../../src/message/batch.ts';
import { encodeChunk, fileIdOf } from '../../../src/message/chunk.ts';
import type { Prng } from '../../../src/core/prng.ts';
import type { Decorations } from '../decorations.ts';
import { withEarlyEnds } from './adapt-broker.ts';
import { opened } from './decorated.ts';
import { PlantedBatches } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';

/** The number of a file that no schedule opens. */
const FOREIGN_FILE = 900_000;
/** A foreign batch precedes one in so many batches, when the intrusion is to be within the stream. */
const RARITY = 40;

type Where = 'before' | 'within' | 'behind';

/** `ended`: the intruder ends the producer after its records, as if the id were its own. */
type Intrusion = { readonly where: Where; readonly what: 'chunk' | 'file'; readonly ended: boolean };

export const INTRUDER_MUTANTS: readonly Mutant[] = [
  ...(['before', 'within', 'behind'] as const).flatMap((where) =>
    (['chunk', 'file'] as const).map((what) => intruder({ where, what, ended: false })),
  ),
  intruder({ where: 'behind', what: 'chunk', ended: true }),
  intruder({ where: 'behind', what: 'file', ended: true }),
];

function intruder(intrusion: Intrusion): Mutant {
  const { where, what, ended } = intrusion;
  const whose = what === 'chunk' ? 'a chunk of a file' : 'a whole file';
  return {
    name: `foreign-${what}-${where}${ended ? '-ended' : ''}`,
    class: 'producers',
    bug: `somebody writes ${whose}${ended ? ', and an end,' : ''} ${where} the records of a chunker under its id`,
    kinds: ['phantom'],
    decorations: () => intruding(intrusion),
    adapt: withEarlyEnds,
  };
}

function intruding(intrusion: Intrusion): Decorations {
  const planted = new PlantedBatches();
  const state = { isDone: false };
  return {
    durable: (watched, writes) => {
      const tookEffect = (): void => {
        state.isDone = true;
        watched.tookEffect();
      };
      planted.durable({ ...watched, tookEffect }, writes);
    },
    chunker: (options, { prng }) => ({
      ...options,
      journals: new Intruded(options.journals, { intrusion, prng, planted, state }),
    }),
  };
}

type IntrudedOptions = {
  readonly intrusion: Intrusion;
  readonly prng: Prng;
  readonly planted: PlantedBatches;
  /** One intrusion a run. */
  readonly state: { readonly isDone: boolean };
};

class Intruded extends WrappedJournals {
  readonly #options: IntrudedOptions;

  constructor(inner: Journals, options: IntrudedOptions) {
    super(inner);
    this.#options = options;
  }

  override append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    if (journal !== SUMS_JOURNAL && !this.#options.state.isDone) this.#intrude(journal, opened(bytes, journal));
    return this.inner.append(journal, bytes, owner);
  }

  /** Arrives in the same session, just before the batch. */
  #intrude(journal: string, { kind, producer, firstIndex }: Batch): void {
    const { intrusion, prng, planted } = this.#options;
    const { where, what, ended } = intrusion;
    const isPlace = { before: firstIndex === 0, within: firstIndex > 0, behind: true }[where];
    if (!isPlace || (kind === 'end') !== (where === 'behind')) return;
    if (where === 'within' && prng.below(RARITY) > 0) return;
    const data = Buffer.alloc(what === 'chunk' ? 8 : 0);
    const record = encodeChunk({ fileId: fileIdOf(producer, FOREIGN_FILE), sequence: 1, data });
    const header = { producer, firstIndex, count: 1, epoch: 0 } as const;
    const foreign = encodeBatch({ ...header, kind: 'chunks' }, record, journal, crc32c);
    planted.plant(foreign);
    void this.inner.append(journal, foreign);
    if (!ended) return;
    const end = encodeBatch({ ...header, kind: 'end', firstIndex: firstIndex + 1 }, new Uint8Array(0), journal, crc32c);
    void this.inner.append(journal, end);
  }
}
