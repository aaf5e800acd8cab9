/**
 * Ends a dead producer in every journal, and then releases the pin of its verifier. It can be run again: whatever was
 * done before stays done. The pin goes last, so that a chunker that still runs learns why it is gone (`life/gone.ts`).
 */

import { type Clock, inTime } from '../core/clock.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../journal/journals.ts';

/** How long to wait for each answer. A broker that restarts is back sooner. */
const ANSWER_MS = 30_000;

export type RetireOptions = {
  readonly journals: Journals;
  /** 16 hexadecimal digits. */
  readonly producer: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info'>;
};

/** Throws a UsageError if no journal knows the producer, and an OperatingError if no broker answers in time. */
export async function retireProducer(options: RetireOptions): Promise<void> {
  const { journals, producer, log } = options;
  const { partitions } = await answered(options, journals.list());
  if (!(await isKnown(options, partitions)))
    throw new UsageError(`--producer ${producer}: no journal knows it, so there is nothing to retire`);
  for (let partition = 0; partition < partitions; partition += 1) {
    await answered(options, journals.retire(chunkJournal(partition), producer));
    log.info({ journal: chunkJournal(partition), producer }, 'ended');
  }
  await answered(options, journals.release(SUMS_JOURNAL, producer));
  log.info({ producer }, 'retired');
}

/**
 * Whether the producer has ever published, or its verifier has a pin. A producer that was retired before stays known.
 */
async function isKnown(options: RetireOptions, partitions: number): Promise<boolean> {
  const { journals, producer } = options;
  for (let partition = 0; partition < partitions; partition += 1) {
    const answer = await answered(options, journals.expected(chunkJournal(partition), producer));
    if (answer.outcome !== 'expected' || answer.n > 0) return true;
  }
  // A pin is never moved back, so this call only asks whether there is one.
  return (await answered(options, journals.movePin(SUMS_JOURNAL, producer, 0))) === 'moved';
}

/** A user at a terminal must not wait for a broker that may never come. The request can be repeated. */
function answered<T>({ clock }: RetireOptions, answer: Promise<T>): Promise<T> {
  const detail = `no broker has answered for ${ANSWER_MS / 1000} s: run the command again when a broker runs`;
  return inTime(answer, { clock, limitMs: ANSWER_MS, late: () => new OperatingError('ERR_NO_ANSWER', detail) });
}
