/** `stream-sum audit`: flags, and what is printed. */

import type { Command } from 'commander';
import { makeCommand } from '../../src/component/flags.ts';
import { auditRun } from './audit-run.ts';

const HELP = `
Of a soak with --history keep, everything that its checkers saw is judged again, by the same checkers, to the same
verdict: it exits with 0 for HOLDS, 3 for INCONCLUSIVE and 10 for VIOLATED. Of any other soak, what its folder has is
judged: then it exits with 10 for a violation, else with 3. It exits with 1 when the run and the audit disagree, or
when something in the folder was changed, and says where.`;

export function auditCommand(): Command {
  return makeCommand('audit', 'Judge a recorded soak again, from its folder alone.')
    .argument('<run>', 'the folder of a soak')
    .addHelpText('after', HELP)
    .action(async (run: string) => {
      const { lines, exitCode } = await auditRun(run);
      process.stdout.write(lines.map((line) => `${line}\n`).join(''));
      process.exitCode = exitCode;
    });
}
