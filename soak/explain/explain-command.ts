/** `stream-sum explain`: flags, and the choice of the run: a schedule by its seed, or the folder of a soak. */

import type { Command } from 'commander';
import { makeCommand, oneOf, valueOption } from '../../src/component/flags.ts';
import { UsageError } from '../../src/core/errors.ts';
import { checkWritable } from '../../src/core/folder.ts';
import { parseCount, parseDuration } from '../../src/core/units.ts';
import { type Asked, type Telling, fileIdIn, tellingLines } from '../guarantee/story/telling.ts';
import { writeTrace } from '../guarantee/story/trace.ts';
import { planted } from '../detect/experiment.ts';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { ENGINES, type EngineName } from '../../src/journal/promises.ts';
import { planFor } from '../simulation/plan-for.ts';
import { WORKLOADS, type WorkloadName } from '../simulation/plan.ts';
import { tellSeed } from '../simulation/seed-telling.ts';
import { tellRun } from './run-telling.ts';

type Flags = {
  seed?: number;
  workload?: WorkloadName;
  engine?: EngineName;
  mutant?: string;
  file?: string;
  around?: number;
  why?: true;
  trace?: string;
};

const FILE_ID = /^[0-9a-f]{32}$/;

export function explainCommand(): Command {
  return makeCommand('explain', 'Tell what happened in a run, whatever it came to: of a soak, or of a simulated seed.')
    .argument('[run]', 'the folder of a soak')
    .addOption(valueOption('--seed <n>', 'instead of a folder: run the schedule of this seed again', parseCount))
    .addOption(
      valueOption(
        `--workload <${WORKLOADS.join('|')}>`,
        'with --seed: workload of the schedule (default: as simulate chooses it)',
        oneOf(WORKLOADS),
      ),
    )
    .addOption(
      valueOption(`--engine <${ENGINES.join('|')}>`, 'with --seed: which engine keeps the journals', oneOf(ENGINES)),
    )
    .option('--mutant <name>', 'with --seed: plant this bug, as detect does')
    .option('--file <id>', 'tell the path of one file: its id (32 hexadecimal digits), or chunker-0/17')
    .addOption(valueOption('--around <time>', 'tell every event around this time of the run: 12.5s', parseDuration))
    .option('--why', 'walk back from the first violation, failure or doubt to what made it possible')
    .option('--trace <file>', 'draw the run on one page of HTML, with a lane for each process')
    .action(async (run: string | undefined, flags: Flags) => {
      if (flags.trace !== undefined) checkWritable('--trace', flags.trace);
      const telling = await tellingFor(run, flags);
      print(tellingLines(telling, askedBy(telling, flags)));
      if (flags.trace !== undefined) print(writeTrace(flags.trace, telling, flags.file));
    });
}

async function tellingFor(run: string | undefined, { seed, workload, engine, mutant }: Flags): Promise<Telling> {
  if (run === undefined && seed === undefined) throw new UsageError('a run is needed: explain RUN, or --seed N');
  if (run !== undefined && seed !== undefined) throw new UsageError('RUN and --seed name two runs: give one of them');
  if (seed === undefined) {
    const named = workload === undefined ? (mutant === undefined ? null : '--mutant') : '--workload';
    if (named !== null) throw new UsageError(`${named} belongs to a seed: name it by --seed`);
    return tellRun(run ?? '');
  }
  if (mutant === undefined) return await tellSeed({ plan: planFor({ seed, workload, engine }) });
  if (workload !== undefined) throw new UsageError('--workload and --mutant exclude each other');
  const found = MUTANTS.find(({ name }) => name === mutant);
  if (found === undefined) {
    throw new UsageError(`--mutant ${mutant}: unknown name; \`stream-sum detect --list\` shows all`);
  }
  return await tellSeed({ ...planted({ of: 'mutant', name: mutant, seed }), bug: found.bug, stopsAtFirst: true });
}

/** Throws a UsageError when the text cannot mean a file. */
function askedBy(telling: Telling, { file, around, why }: Flags): Asked {
  if (file !== undefined && !FILE_ID.test(fileIdIn(telling, file))) {
    throw new UsageError(
      `--file ${file}: is neither an id of 32 hexadecimal digits nor a chunker's file such as chunker-0/17`,
    );
  }
  return {
    ...(file === undefined ? {} : { file }),
    ...(around === undefined ? {} : { aroundNs: around * 1e6 }),
    ...(why === undefined ? {} : { why }),
  };
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
