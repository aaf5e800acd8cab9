/** Makes the journals that the engine needs in a cluster that has none of them. */

import { OperatingError } from '../../core/errors.ts';
import { SUMS_JOURNAL, chunkJournal, stateJournal } from '../journals.ts';
import type { Rpc } from './rpc.ts';
import { meaningOfStatus, statusName } from './status.ts';
import type { JournalSpec } from './wire.ts';

const FRAGMENT_BYTES = 64 * 1024 * 1024;
/** No compression: what is published is random. */
const CODEC_NONE = 1;
const READ_AND_WRITE = 4;
/**
 * How often brokers look for fragments that others have written. A broker that takes a journal over has nothing else of
 * what was persisted before.
 */
const REFRESH_SECONDS = 10;

export type Provision = {
  /** Ends with a slash. */
  readonly prefix: string;
  readonly partitions: number;
  /** Brokers that must acknowledge an append. */
  readonly replication: number;
  /** URL of the fragment store. */
  readonly store: string;
  /** Absent: large fragments, and no retention, because nobody prunes. */
  readonly fragments?: FragmentRule;
};

export type FragmentRule = {
  /** A broker begins a new fragment with the first append behind so many bytes; 1024 at least. */
  readonly bytes: number;
  /** How old a fragment is that `gazctl journals prune` removes from the store. */
  readonly retentionSeconds: number;
};

/** False: the cluster does not take them yet, having too few brokers for instance, or has journals of these names. */
export async function provisionJournals(rpc: Rpc, options: Provision): Promise<boolean> {
  const { prefix, partitions, replication, store, fragments } = options;
  const retention = fragments === undefined ? {} : { retention: { seconds: String(fragments.retentionSeconds) } };
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const names = [...numbers.map(chunkJournal), ...numbers.map(stateJournal), SUMS_JOURNAL];
  const changes = names.toSorted().map((name) => {
    const upsert: JournalSpec = {
      name: `${prefix}${name}`,
      replication,
      fragment: {
        length: String(fragments?.bytes ?? FRAGMENT_BYTES),
        compression_codec: CODEC_NONE,
        stores: [store],
        refresh_interval: { seconds: String(REFRESH_SECONDS) },
        ...retention,
      },
      flags: READ_AND_WRITE,
    };
    return { expect_mod_revision: '0', upsert };
  });
  const { status } = await rpc.apply({ changes });
  const meaning = meaningOfStatus(status);
  if (meaning === 'done') return true;
  if (meaning === 'later') return false;
  throw new OperatingError('ERR_GAZETTE_JOURNALS', `the cluster takes no such journals: ${statusName(status)}`);
}
