/** `stream-sum report RUN`: makes the report of a soak from its folder, again or for the first time. */

import type { Command } from 'commander';
import { makeCommand } from '../../src/component/flags.ts';
import { writeReport } from './write-report.ts';

export function reportCommand(): Command {
  return makeCommand('report', 'Write the report.html of a soak from what its folder has, also of one that was killed.')
    .argument('<run>', 'the folder of a soak')
    .action((run: string) => {
      process.stdout.write(`report: ${writeReport(run)}\n`);
    });
}
