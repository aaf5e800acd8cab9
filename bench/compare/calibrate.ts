/**
 * `npm run calibrate -- RUN...`: how often compare is wrong on these runs of one program, as Markdown. Runs that share a
 * pairing are real comparisons of identical inputs too, one for each 10 rounds, and are counted as such. bench/METHODOLOGY.md has the figures.
 */

import { makeCommand, parsed } from '../../src/cli/flags.ts';
import { parseCount } from '../../src/core/units.ts';
import { blocksOf, calibrate, type Calibration, hasRegression, pairedRuns, stretchesOf } from './calibration.ts';
import { compareRuns } from './comparison.ts';
import { type LoadedRun, loadRun } from './loading.ts';

const THRESHOLD = 0.03;
const SLOWDOWN = 0.05;

type Flags = { repetitions: number; rounds: number; seed: number };

await makeCommand('calibrate', 'Say how often compare is wrong on runs of one program.')
  .argument('<runs...>', 'folders, or samples.csv files')
  .option('--repetitions <n>', 'comparisons of each kind', parsed('--repetitions', parseCount), 200)
  .option('--rounds <n>', 'of each comparison', parsed('--rounds', parseCount), 10)
  .option('--seed <n>', 'of the resampling', parsed('--seed', parseCount), 1)
  .action((paths: string[], flags: Flags) => {
    const runs = paths.map(loadRun);
    for (const problem of runs.flatMap(({ problems }) => problems)) process.stderr.write(`${problem}\n`);
    const rounds = blocksOf(runs);
    const calibration = calibrate(rounds, { ...flags, threshold: THRESHOLD, slowdown: SLOWDOWN });
    process.stdout.write([...calibrationLines(calibration), ...realLines(runs, flags.rounds), ''].join('\n'));
  })
  .parseAsync(process.argv);

function calibrationLines({ blocks, repetitions, falseRegressions, rows }: Calibration): string[] {
  const allowed = rows.filter(({ detectable }) => detectable <= SLOWDOWN);
  const missed = allowed.filter(({ found }) => found < 0.9);
  return [
    `${rows.length} rows, ${blocks} blocks of two rounds, ${repetitions} repetitions`,
    '',
    `identical inputs: a false regression in ${falseRegressions} of ${repetitions} (${percent(falseRegressions / repetitions)})`,
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

/** Comparisons as a user would make them, of runs that are the same program. */
function realLines(runs: readonly LoadedRun[], rounds: number): string[] {
  const [paired, single] = pairedRuns(runs);
  const pairs = paired.flatMap((pair) => stretchesOf(pair, rounds));
  const interleaved = pairs.filter(([old, next]) => isFalse(old, next, false)).length;
  const separate = single.flatMap((old) => single.filter((next) => next !== old).map((next) => [old, next] as const));
  const taken = separate.filter(([old, next]) => isFalse(old, next, true)).length;
  const lines: string[] = [];
  if (pairs.length > 0) lines.push(`interleaved pairs: a false regression in ${interleaved} of ${pairs.length}`);
  if (separate.length > 0) {
    lines.push(
      `separate runs, with --rounds-as-runs: a false regression in ${taken} of ${separate.length} ordered pairs`,
    );
  }
  return lines;
}

function isFalse(old: LoadedRun, next: LoadedRun, roundsAsRuns: boolean): boolean {
  return hasRegression(compareRuns([old], [next], { threshold: THRESHOLD, seed: 1, roundsAsRuns }));
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '-';
}
