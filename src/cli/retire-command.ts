/** `stream-sum retire`: ends a dead producer in every journal and releases its verifier's hold. Can be run again. */

import type { Command } from 'commander';
import { UsageError, ViolationError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../journal/journals.ts';
import { isProducerId } from '../message/batch.ts';
import { type ComponentEvent, encodeEvent } from '../process/component-protocol.ts';
import { ProcessEnd, exitProcess } from '../process/process-end.ts';
import { openComponentLog } from './component-log.ts';
import { connectJournals, parseConnect } from './connection.ts';
import { makeCommand, requireOptions, valueOption } from './flags.ts';
import { openOutput } from './supervision.ts';

type Flags = { connect: string; producer: string };

export function retireCommand(): Command {
  const command = makeCommand('retire', 'End a dead producer in every journal and release the hold of its verifier.')
    .option('--connect <endpoint>', "the broker's endpoint")
    .addOption(valueOption('--producer <id>', 'the 16 hexadecimal digits of its ready line', parseProducer))
    .action((flags: Flags) => runRetire(flags));
  return requireOptions(command, '--connect', '--producer');
}

function parseProducer(text: string, flag: string): string {
  if (!isProducerId(text) || text.startsWith('00'))
    throw new UsageError(`${flag} ${text}: expected the 16 hexadecimal digits of a chunker's producer id`);
  return text;
}

async function runRetire({ connect, producer }: Flags): Promise<void> {
  parseConnect(connect, null);
  const log = openComponentLog('retire');
  const output = openOutput('not');
  try {
    await retire(connectJournals(connect, `retire ${process.pid}`, log), producer, log);
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    // As a component tells it: the event, the log, exit 10.
    const say = (event: ComponentEvent): void => output.write(encodeEvent(event));
    new ProcessEnd({ say, log, flush: () => log.flush(), exit: exitProcess }).fail(error);
  }
}

async function retire(journals: Journals, producer: string, log: Log): Promise<void> {
  const { partitions } = await journals.list();
  if (!(await isKnown(journals, producer, partitions)))
    throw new UsageError(`--producer ${producer}: no journal knows it, so there is nothing to retire`);
  for (let partition = 0; partition < partitions; partition += 1) {
    await journals.retire(chunkJournal(partition), producer);
    log.info({ journal: chunkJournal(partition), producer }, 'ended');
  }
  await journals.release(SUMS_JOURNAL, producer);
  log.info({ producer }, 'retired');
  journals.close();
}

/** Whether it has ever published, or its verifier has a hold. One that was retired before stays known. */
async function isKnown(journals: Journals, producer: string, partitions: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const answer = await journals.expected(chunkJournal(partition), producer);
    if (answer.outcome !== 'expected' || answer.n > 0) return true;
  }
  // A hold is never moved back: this only asks whether there is one.
  return (await journals.moveHold(SUMS_JOURNAL, producer, 0)) === 'moved';
}
