/**
 * Why the broker has dropped what it kept for a producer.
 *
 * Rule P-PIN-6 of docs/protocol.md.
 */

import { FencedError, type OperatingError } from '../../core/errors.ts';
import { type Journals, chunkJournal } from '../../journal/journals.ts';
import type { Life } from './life.ts';

/**
 * An error that says that the producer was retired, if one of its journals says so; else `error`, the first sign of it.
 */
export async function whyGone(journals: Journals, life: Life, error: OperatingError): Promise<Error> {
  for (const partition of life.journals.keys()) {
    const answer = await journals.expected(chunkJournal(partition), life.producer);
    if (answer.outcome === 'ended') return new FencedError(`producer ${life.producer} was retired`);
  }
  return error;
}
