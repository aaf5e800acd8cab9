/**
 * `stream-sum detect --real`: planted bugs in real processes. Prints a line for each, and what differs from what is
 * expected.
 */

import { EXIT, UsageError } from '../../../src/core/errors.ts';
import { makeUsableFolder } from '../../../src/core/folder.ts';
import { mutantNamed } from '../../simulation/mutants/index.ts';
import type { LiveComposition } from '../live-experiments.ts';
import { type RealResult, runRealMutants } from './real-experiments.ts';
import { REAL_MUTANTS, type RealMutant } from './real-mutants.ts';

export type RealFlags = {
  readonly mutant?: string | undefined;
  readonly seed: number;
  readonly jobs: number;
  /** The folder for the runs; absent: they are not kept. */
  readonly results?: string | undefined;
};

/** Prints as it goes, and returns the exit code. Throws a UsageError for an unknown name. */
export async function detectReal(
  flags: RealFlags,
  composition: LiveComposition,
  print: (lines: readonly string[]) => void,
): Promise<number> {
  const mutants = asked(flags.mutant);
  const results = flags.results ?? null;
  if (results !== null) makeUsableFolder('--results', results);
  const startedMs = performance.now();
  const found: RealResult[] = [];
  await runRealMutants({
    mutants,
    composition,
    seed: flags.seed,
    jobs: Math.max(1, Math.min(flags.jobs, mutants.length)),
    results,
    onResult: (result) => {
      found.push(result);
      print(linesOf(result));
    },
  });
  const misses = found.filter(({ miss }) => miss !== null);
  const seconds = ((performance.now() - startedMs) / 1e3).toFixed(1);
  const right = found.length - misses.length;
  print([
    `${right} of ${found.length} planted bugs took effect in real processes, were found after that and by a right ` +
      `name, and the audit agreed: ${seconds} s`,
  ]);
  return misses.length === 0 ? EXIT.holds : EXIT.internal;
}

function asked(name: string | undefined): readonly RealMutant[] {
  if (name === undefined) return REAL_MUTANTS;
  const mutant = REAL_MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) {
    throw new UsageError(`--mutant ${name}: no mutant of real processes has this name; detect --real --list names all`);
  }
  return [mutant];
}

/** Every name that `--real --mutant` takes, with its bug. */
export function realNameLines(): string[] {
  return REAL_MUTANTS.map(({ name }) => `mutant ${name} (${mutantNamed(name).class}): ${mutantNamed(name).bug}`);
}

function linesOf({ name, signal, violation, miss, seconds, folder }: RealResult): string[] {
  const effect = signal === null ? 'no effect' : `effect in ${signal.process}`;
  const found =
    violation === null ? 'not found' : `${violation.kind} by ${violation.process} at ${seconds.toFixed(1)} s`;
  const lines = [`${name.padEnd(28)} ${effect.padEnd(20)} ${found}`];
  if (miss !== null) lines.push(`  MISS: ${name} ${miss}: npm run detect -- --real --mutant ${name}`);
  if (folder !== null) lines.push(`  ${folder}`);
  return lines;
}
