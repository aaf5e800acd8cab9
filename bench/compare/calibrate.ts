/**
 * `npm run calibrate -- RUN...`: how often compare is wrong on these runs of one program, as Markdown. Runs that share
 * a pairing are real comparisons of identical inputs, one for each 10 rounds; they are the evidence.
 * bench/METHODOLOGY.md has the figures.
 */

import { makeCommand, valueOption } from '../../src/component/flags.ts';
import { parseCount } from '../../src/core/units.ts';
import {
  blocksOf,
  calibrate,
  type Calibration,
  countChanges,
  type FalseChanges,
  pairedRuns,
  stretchesOf,
} from './calibration.ts';
import { compareRuns } from './comparison.ts';
import { type LoadedRun, loadRun } from './loading.ts';

const THRESHOLD = 0.03;
const SLOWDOWN = 0.05;

type Flags = { repetitions: number; rounds: number; seed: number };

await makeCommand('calibrate', 'Say how often compare is wrong on runs of one program.')
  .argument('<runs...>', 'folders, or samples.csv files')
  .addOption(valueOption('--repetitions <n>', 'comparisons of each kind', parseCount, '200'))
  .addOption(valueOption('--rounds <n>', 'rounds of each comparison', parseCount, '10'))
  .addOption(valueOption('--seed <n>', 'decides the resampling', parseCount, '1'))
  .action((paths: string[], flags: Flags) => {
    const runs = paths.map(loadRun);
    for (const problem of runs.flatMap(({ problems }) => problems)) process.stderr.write(`${problem}\n`);
    const rounds = blocksOf(runs);
    const calibration = calibrate(rounds, { ...flags, threshold: THRESHOLD, slowdown: SLOWDOWN });
    process.stdout.write([...calibrationLines(calibration), ...realLines(runs, flags.rounds), ''].join('\n'));
  })
  .parseAsync(process.argv);

function calibrationLines({ blocks, repetitions, identical, rows }: Calibration): string[] {
  const allowed = rows.filter(({ detectable }) => detectable <= SLOWDOWN);
  const missed = allowed.filter(({ found }) => found < 0.9);
  return [
    `${rows.length} rows, ${blocks} blocks of two rounds, ${repetitions} repetitions`,
    '',
    `resampled, a test of the code alone: ${changesText(identical, repetitions)}`,
    `planted ${percent(SLOWDOWN)}: ${allowed.length} of ${rows.length} rows are quiet enough to show it; ` +
      `it was found in 90 % and more on ${allowed.length - missed.length} of them`,
    '',
    '| row | paired noise | detectable | found |',
    '| --- | ---: | ---: | ---: |',
    ...rows
      .toSorted((a, b) => a.noise - b.noise)
      .map(
        ({ key, noise, detectable, found }) =>
          `| ${key} | ${percent(noise)} | ${percent(detectable)} | ${percent(found)} |`,
      ),
    '',
  ];
}

/** Comparisons as a user would make them, of runs of the same program: every change is false, in either direction. */
function realLines(runs: readonly LoadedRun[], rounds: number): string[] {
  const [paired, single] = pairedRuns(runs);
  const pairs = paired.flatMap((pair) => stretchesOf(pair, rounds));
  const separate = single.flatMap((old) => single.filter((next) => next !== old).map((next) => [old, next] as const));
  const lines: string[] = [];
  if (pairs.length > 0) lines.push(`real interleaved pairs: ${changesText(changesOf(pairs, false), pairs.length)}`);
  if (separate.length > 0) {
    const changes = changesText(changesOf(separate, true), separate.length);
    lines.push(`ordered pairs of separate runs, with --rounds-as-runs: ${changes}`);
  }
  return lines;
}

function changesOf(pairs: readonly (readonly [LoadedRun, LoadedRun])[], roundsAsRuns: boolean): FalseChanges {
  const options = { threshold: THRESHOLD, seed: 1, roundsAsRuns };
  return countChanges(pairs.map(([old, next]) => compareRuns([old], [next], options)));
}

function changesText({ worse, better, either }: FalseChanges, of: number): string {
  return (
    `a false change in ${either} of ${of} (${percent(either / of)}): ` +
    `${worse} with a row called worse, ${better} with one called better`
  );
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '-';
}
