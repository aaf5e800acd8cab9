/** `stream-sum retire`: ends a dead producer in every journal and releases its verifier's pin. It can be run again. */

import type { Command } from 'commander';
import { retireProducer } from '../chunker/retire-producer.ts';
import { systemClock } from '../core/clock.ts';
import { UsageError, ViolationError } from '../core/errors.ts';
import { isProducerId } from '../message/batch.ts';
import { type ComponentEvent, encodeEvent } from '../component/protocol.ts';
import { ProcessEnd, exitProcess } from '../component/process-end.ts';
import { openComponentLog } from '../component/component-log.ts';
import { type JournalsFlags, journalsOptions, openJournals, parseJournals } from './journals-options.ts';
import { makeCommand, requireOptions, valueOption } from '../component/flags.ts';
import { openOutput } from '../component/supervision.ts';

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
    const journals = await openJournals(place, `retire ${process.pid}`, log);
    await retireProducer({ journals, producer, clock: systemClock, log });
    journals.close();
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    // Reported as by a component: the event, the log, exit 10.
    const say = (event: ComponentEvent): void => output.write(encodeEvent(event));
    new ProcessEnd({ say, log, flush: () => log.flush(), exit: exitProcess }).fail(error);
  }
}
