/**
 * The command as a process: what it prints, and the exit codes that scripts depend on. `compare-command.deep.test.ts`
 * has more of both.
 */

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { LATENCY, compare, refused, writeRuns } from './testing/compare-process.ts';
import { noisyRows, temporaryFolder, writeRun } from './testing/run-folders.ts';

/** What a refused command line says on stderr, as a process: one line. */
async function refusedAsProcess(t: ExecutionContext, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await compare(...argv);
  t.is(code, EXIT.usage, argv.join(' '));
  t.is(stdout, '');
  t.regex(stderr, /^stream-sum: [^\n]+\n$/);
  return stderr;
}

test('the exit codes of the gate: 0, 11 and 3', async (t) => {
  const { old, again, slower, results } = await writeRuns(t);
  const passed = await compare(old, again, '--gate');
  t.is(passed.code, EXIT.holds, passed.stdout + passed.stderr);
  t.regex(passed.stdout, /gate: passed: 5 of 5 rows are known not to be worse\n$/);
  const regression = await compare(old, slower, '--gate');
  t.is(regression.code, EXIT.regression);
  t.regex(regression.stdout, /gate: regression: 1 of 5 rows are worse\n$/);
  t.is((await compare(old, slower)).code, EXIT.holds, 'without a gate it only tells');
  t.is((await compare(old, slower, '--gate', '--threshold', '25')).code, EXIT.holds);
  const violated = await writeRun(results, 'violated', {
    samples: noisyRows({ seed: 4, factors: { latency_p50_s: 0.5 } }),
    latency: LATENCY,
    run: { pairing: 'a', verdict: 'VIOLATED', exitCode: EXIT.violation, reasons: ['lost: file 7'] },
  });
  const broken = await compare(old, violated, '--gate');
  t.is(broken.code, EXIT.regression);
  t.regex(broken.stdout, /^DOES NOT HOLD\n {2}NEW .*violated: VIOLATED\n {4}lost: file 7\n/, 'violations come first');
  t.notRegex(broken.stdout, /BETTER/);
});

test('a run that is not there, or that cannot be read like a file, is one line and exit 2', async (t) => {
  const { old, results } = await writeRuns(t);
  for (const path of [
    join(results, 'nowhere'),
    '/dev/null',
    '/dev/zero',
    '/proc/1/nothing',
    join(old, 'run.json', 'x'),
  ]) {
    for (const argv of [
      [old, path],
      [path, old, '--gate'],
      ['--old', old, '--new', path],
    ]) {
      const said = await refused(t, ...argv);
      t.regex(said, /^cannot compare [^\n]+$/);
      t.true(said.includes(path));
    }
  }
  t.true((await refusedAsProcess(t, old, '/dev/zero')).startsWith('stream-sum: cannot compare /dev/zero'));
});

test('the table names what is worse first, and fits 110 columns', async (t) => {
  const { old, slower } = await writeRuns(t);
  const { stdout } = await compare(old, slower);
  const lines = stdout.split('\n').filter((line) => !line.startsWith('OLD  ') && !line.startsWith('NEW  '));
  t.true(
    lines.every((line) => line.length <= 110),
    lines.filter((line) => line.length > 110).join('\n'),
  );
  const [worse, better, rest] = ['WORSE (1)', 'BETTER (1)', 'NO CHANGE THAT COUNTS (3)'].map((title) =>
    lines.indexOf(title),
  );
  t.true(worse !== -1 && (worse ?? 0) < (better ?? 0) && (better ?? 0) < (rest ?? 0), stdout);
  t.regex(stdout, /latency_p50_s +3\.99 ms ±0\.5 % +4\.79 ms ±0\.5 % +\+20 % +\[\+\d+, \+\d+\] +0\.\d{3} {2}worse\n/);
  t.regex(stdout, /steady sum OLD +3, 2 censored +3 ms +- /);
});

test('bad arguments are one line that names them, exit 2', async (t) => {
  for (const [argv, named] of [
    [[], /two sides are needed/],
    [['a'], /two sides are needed/],
    [['a', 'b', 'c'], /3 runs: name the sides by --old and --new/],
    [['a', '--old', 'b', '--new', 'c'], /a: give either OLD and NEW, or --old and --new/],
    [['--old', 'a'], /two sides are needed/],
    [['a', 'b', '--threshold', 'much'], /--threshold much: expected percent/],
    [['a', 'b', '--threshold', '-3'], /--threshold/],
    [['a', 'b', '--format', 'xml'], /--format xml: expected one of table, markdown, csv, json/],
    [['a', 'b', '--nonsense'], /--nonsense/],
  ] as const) {
    const said = await refused(t, ...argv);
    t.regex(said, named);
    t.notRegex(said.trimEnd(), /\n/);
  }
  t.regex(await refusedAsProcess(t, 'a', 'b', '--format', 'xml'), /--format xml: expected one of/);
});

test('what the runs remark about their figures is passed on', async (t) => {
  const { old, results } = await writeRuns(t);
  const remarks = [
    'latency: the schedule lagged (round 2)',
    ...Array.from({ length: 12 }, (_, index) => `more ${index}`),
  ];
  const next = await writeRun(results, 'next', { samples: noisyRows({ seed: 6 }), run: { pairing: 'a', remarks } });
  const { stdout } = await compare(old, next);
  t.regex(stdout, /REMARKS OF THE RUNS\n {2}NEW latency: the schedule lagged \(round 2\)\n(.*\n)* {2}and 3 more\n/);
});

test('several runs a side are given by flags', async (t) => {
  const results = temporaryFolder(t);
  const flags: string[] = [];
  for (const [seed, side] of ['old', 'new', 'old', 'new', 'old', 'new', 'old', 'new'].entries()) {
    const folder = await writeRun(results, `${seed}`, { samples: noisyRows({ seed: 10 + seed }) });
    flags.push(`--${side}`, folder);
  }
  const { code, stdout } = await compare(...flags);
  t.is(code, EXIT.holds);
  t.regex(stdout, /4 against 4 separate runs, Mann-Whitney with Holm's correction/);
});
