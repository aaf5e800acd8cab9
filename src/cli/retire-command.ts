/** `stream-sum retire`: ends a dead producer in every journal and releases its verifier's pin. It can be run again. */

import type { Command } from 'commander';
import { inTime, systemClock } from '../core/clock.ts';
import { OperatingError, UsageError, ViolationError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../journal/journals.ts';
import { isProducerId } from '../message/batch.ts';
import { type ComponentEvent, encodeEvent } from '../component/protocol.ts';
import { ProcessEnd, exitProcess } from '../component/process-end.ts';
import { openComponentLog } from '../component/component-log.ts';
import { type JournalsFlags, journalsOptions, openJournals, parseJournals } from './journals-options.ts';
import { makeCommand, requireOptions, valueOption } from '../component/flags.ts';
import { openOutput } from '../component/supervision.ts';

/** How long to wait for each answer. A broker that restarts is back sooner. */
const ANSWER_MS = 30_000;

type Flags = JournalsFlags & { readonly producer: string };

export function retireCommand(): Command {
  const command = makeCommand('retire', 'End a dead producer in every journal and release the pin of its verifier.');
  journalsOptions(command)
    .addOption(valueOption('--producer <id>', "the 16 hexadecimal digits of the chunker's ready line", parseProducer))
    .action((flags: Flags) => runRetire(flags));
  return requireOptions(command, '--producer');
}

function parseProducer(text: string, flag: string): string {
  if (!isProducerId(text) || text.startsWith('00'))
    throw new UsageError(`${flag} ${text}: expected the 16 hexadecimal digits of a chunker's producer id`);
  return text;
}

async function runRetire({ producer, ...flags }: Flags): Promise<void> {
  const place = parseJournals(flags, null);
  const log = openComponentLog('retire');
  const output = openOutput('not');
  try {
    await retire(await openJournals(place, `retire ${process.pid}`, log), producer, log);
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    // Reported as by a component: the event, the log, exit 10.
    const say = (event: ComponentEvent): void => output.write(encodeEvent(event));
    new ProcessEnd({ say, log, flush: () => log.flush(), exit: exitProcess }).fail(error);
  }
}

async function retire(journals: Journals, producer: string, log: Log): Promise<void> {
  const { partitions } = await answered(journals.list());
  if (!(await isKnown(journals, producer, partitions)))
    throw new UsageError(`--producer ${producer}: no journal knows it, so there is nothing to retire`);
  for (let partition = 0; partition < partitions; partition += 1) {
    await answered(journals.retire(chunkJournal(partition), producer));
    log.info({ journal: chunkJournal(partition), producer }, 'ended');
  }
  await answered(journals.release(SUMS_JOURNAL, producer));
  log.info({ producer }, 'retired');
  journals.close();
}

/**
 * Whether the producer has ever published, or its verifier has a pin. A producer that was retired before stays known.
 */
async function isKnown(journals: Journals, producer: string, partitions: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const answer = await answered(journals.expected(chunkJournal(partition), producer));
    if (answer.outcome !== 'expected' || answer.n > 0) return true;
  }
  // A pin is never moved back, so this call only asks whether there is one.
  return (await answered(journals.movePin(SUMS_JOURNAL, producer, 0))) === 'moved';
}

/** A user at a terminal must not wait for a broker that may never come. The request can be repeated. */
function answered<T>(answer: Promise<T>): Promise<T> {
  const detail = `no broker has answered for ${ANSWER_MS / 1000} s: run the command again when a broker runs`;
  return inTime(answer, {
    clock: systemClock,
    limitMs: ANSWER_MS,
    late: () => new OperatingError('ERR_NO_ANSWER', detail),
  });
}
