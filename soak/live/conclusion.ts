/**
 * The end of a soak: its stories, its expectations, its exit code, its evidence, and everything that is told about it.
 */

import { EXIT } from '../../src/core/errors.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import type { StoryFacts } from '../guarantee/story/story-facts.ts';
import { type ViolationStory, storiesOf } from '../guarantee/story/violation-stories.ts';
import type { Verdict } from '../guarantee/verdict.ts';
import { violationLine } from '../guarantee/violation.ts';
import { repeatCommand } from '../guarantee/story/command-line.ts';
import type { RunOutcome } from './run-outcome.ts';
import { logLinesOf, writeEvidence } from './evidence/evidence.ts';
import { type JudgedExpectation, judgeExpectations } from './judged-expectations.ts';
import type { SoakOptions } from './soak-options.ts';
import type { RunSummary, ToldRun } from './summary.ts';
import { storyDocument } from './verdict-document.ts';

export type Judged = {
  readonly stories: readonly ViolationStory[];
  readonly expectations: readonly JudgedExpectation[];
};

export function judge(options: SoakOptions, outcome: RunOutcome, facts: StoryFacts): Judged {
  const { outcomes, tallies, injector } = outcome;
  const measured = { outcomes, faults: tallies.tallies, recovery: injector.recovery };
  return { stories: storiesOf(facts), expectations: judgeExpectations(options.expectations, measured) };
}

/** A broken guarantee and missing evidence take precedence over an unmet expectation. */
export function exitCodeWith({ exitCode }: Verdict, { expectations }: Judged): number {
  if (exitCode !== EXIT.holds) return exitCode;
  return expectations.every(({ isMet }) => isMet) ? EXIT.holds : EXIT.regression;
}

/** The fields of run.json about it. */
export function fieldsOf(
  { stories, expectations }: Judged,
  startNs: number,
): Pick<RunFile, 'stories' | 'expectations'> {
  return {
    ...(stories.length === 0 ? {} : { stories: stories.map((story) => storyDocument(story, startNs)) }),
    ...(expectations.length === 0 ? {} : { expectations }),
  };
}

/** The line for violations that are only counted. */
const COUNTED = /^and [\d,]+ more\b/;

/**
 * Writes the evidence of a violation, and puts together what is told. Failing to write evidence does not make a run
 * worse.
 */
export async function conclude(
  summary: RunSummary,
  { stories, expectations }: Judged,
  from: Pick<ToldRun, 'startNs' | 'run' | 'scheduled'> & {
    readonly dataFolder: string;
    readonly facts: StoryFacts;
    readonly say: (line: string) => void;
  },
): Promise<ToldRun> {
  const { startNs, run, scheduled, dataFolder, facts, say } = from;
  const { folder, options, verdict } = summary;
  const command = repeatCommand(run.commandLine, options.seed);
  const { partitions } = options;
  const isViolated = verdict.verdict === 'VIOLATED';
  const told = new Set(facts.findings.map(violationLine));
  let evidence: string | null = null;
  try {
    if (isViolated) {
      evidence = await writeEvidence({ folder, dataFolder, partitions, facts, stories, startNs, command });
    }
  } catch (error) {
    say(`the evidence could not be written: ${String(error)}`);
  }
  return {
    ...summary,
    exitCode: exitCodeWith(verdict, { stories, expectations }),
    stories,
    otherReasons: verdict.reasons.filter((reason) => !told.has(reason) && !COUNTED.test(reason)),
    expectations,
    logLines: isViolated ? logLinesOf({ folder, stories, startNs }) : [],
    startNs,
    latenesses: facts.latenesses,
    command,
    evidence,
    run,
    scheduled,
  };
}
