/**
 * Why what the broker kept for a producer is gone.
 *
 * Rule P-PIN-6 of docs/protocol.md.
 */

import { FencedError, type OperatingError } from '../../core/errors.ts';
import { type Journals, chunkJournal } from '../../journal/journals.ts';
import type { Life } from './life.ts';

/** That the producer was retired, if one of its journals says so; else `error`, which is what was noticed. */
export async function whyGone(journals: Journals, life: Life, error: OperatingError): Promise<Error> {
  for (const partition of life.journals.keys()) {
    const answer = await journals.expected(chunkJournal(partition), life.producer);
    if (answer.outcome === 'ended') return new FencedError(`producer ${life.producer} was retired`);
  }
  return error;
}
