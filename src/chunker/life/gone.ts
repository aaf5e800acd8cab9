/**
 * Why the broker has dropped what it kept for a producer.
 *
 * Rule P-PIN-6 of docs/protocol.md.
 */

import { FencedError, type OperatingError } from '../../core/errors.ts';
import { type Journals, chunkJournal } from '../../journal/journals.ts';

/** `journals`: one for each partition. */
type Producer = { readonly producer: string; readonly journals: readonly unknown[] };

/**
 * An error that says that the producer was retired, if one of its journals says so; else `error`, the first sign of it.
 */
export async function whyGone(
  journals: Journals,
  { producer, journals: partitions }: Producer,
  error: OperatingError,
): Promise<Error> {
  for (const partition of partitions.keys()) {
    const answer = await journals.expected(chunkJournal(partition), producer);
    if (answer.outcome === 'ended') return new FencedError(`producer ${producer} was retired`);
  }
  return error;
}
