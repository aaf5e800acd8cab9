/** The command as a process: what it prints, and the exit codes that scripts depend on. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'csv-parse/sync';
import { usageErrorOf } from '../../src/component/flags.ts';
import { EXIT } from '../../src/core/errors.ts';
import type { Sample } from '../../src/results/samples.ts';
import { compareCommand } from './compare-command.ts';
import { noisyRows, temporaryFolder, writeRun } from './testing/run-folders.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

function compare(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'compare', ...argv], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** What a refused command line says, in this process. */
async function refused(t: ExecutionContext, ...argv: readonly string[]): Promise<string> {
  const error = await t.throwsAsync(compareCommand().parseAsync(argv, { from: 'user' }), { any: true }, argv.join(' '));
  return usageErrorOf(error)?.message ?? '';
}

/** What a refused command line says on stderr, as a process: one line. */
async function refusedAsProcess(t: ExecutionContext, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await compare(...argv);
  t.is(code, EXIT.usage, argv.join(' '));
  t.is(stdout, '');
  t.regex(stderr, /^stream-sum: [^\n]+\n$/);
  return stderr;
}

const LATENCY = [{ phase: 'steady', stage: 'sum', censored: 2, latenciesNs: [1e6, 2e6, 3e6] }];

type Runs = { readonly old: string; readonly again: string; readonly slower: string; readonly results: string };

async function writeRuns(t: ExecutionContext): Promise<Runs> {
  const results = temporaryFolder(t);
  const write = (name: string, samples: readonly Sample[]): Promise<string> =>
    writeRun(results, name, { samples, latency: LATENCY, run: { pairing: 'a' } });
  return {
    results,
    old: await write('old', noisyRows({ seed: 1 })),
    again: await write('again', noisyRows({ seed: 2 })),
    slower: await write('slower', noisyRows({ seed: 3, factors: { latency_p50_s: 1.2, bytes_per_s: 1.1 } })),
  };
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

/** Samples in which one of five rows is too noisy to judge. */
function partlyNoisy(seed: number): Sample[] {
  const loud = noisyRows({ seed: seed + 10, noise: 0.6 });
  return noisyRows({ seed }).map((sample, index) => (sample.metric === 'rss_bytes' ? (loud[index] ?? sample) : sample));
}

test('a gate is told what must be known: rows by name, a share, or both', async (t) => {
  const results = temporaryFolder(t);
  const write = (name: string, seed: number): Promise<string> =>
    writeRun(results, name, { samples: partlyNoisy(seed), run: { pairing: 'a' } });
  const [old, next] = [await write('old', 1), await write('next', 2)];
  for (const [required, code, said] of [
    [[], EXIT.inconclusive, /4 of 5 rows are known not to be worse: not pipeline .* rss_bytes \(too noisy\)/],
    [['80%'], EXIT.holds, /passed: 4 of 5 rows are known/],
    [['81%'], EXIT.inconclusive, /4 of 5 rows are known not to be worse, and 5 are required/],
    [['latency|chunks_per_s'], EXIT.holds, /passed: 2 of 2 rows/],
    [['latency', 'rss'], EXIT.inconclusive, /1 of 2 rows .*: not pipeline/],
    [['latency|rss', '50%'], EXIT.holds, /passed: 1 of 2 rows/],
    [['recovery'], EXIT.inconclusive, /there is no row with a name like \(\?:recovery\)/],
  ] as const) {
    const flags = required.flatMap((text) => ['--require', text]);
    const found = await compare(old, next, '--gate', ...flags);
    t.is(found.code, code, found.stdout);
    t.regex(found.stdout, said);
  }
  for (const flags of [
    ['--require', '80%'],
    ['--gate', '--require', '0%'],
    ['--gate', '--require', '('],
  ]) {
    t.regex(await refused(t, old, next, ...flags), /^--require[^\n]*$/, flags.join(' '));
  }
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

test('markdown, CSV and JSON say the same', async (t) => {
  const { old, slower } = await writeRuns(t);
  const markdown = await compare(old, slower, '--format', 'markdown');
  t.regex(markdown.stdout, /### worse \(1\)\n\n\*\*pipeline throughput chunk\\_bytes=1024\*\*\n\n\|/);
  t.regex(markdown.stdout, /\| latency\\_p50\\_s \|.*\| worse \|/);
  const csv = await compare(old, slower, '--format', 'csv', '--gate');
  t.is(csv.code, EXIT.regression);
  t.regex(csv.stderr, /gate: regression/);
  const rows: Record<string, string>[] = parse(csv.stdout, { columns: true });
  const json = await compare(old, slower, '--format', 'json', '--gate');
  t.is(json.code, EXIT.regression);
  const whole = JSON.parse(json.stdout) as {
    rows: { metric: string; verdict: string; p: number; change: { value: number } }[];
    gate: { exitCode: number };
  };
  t.is(whole.gate.exitCode, EXIT.regression);
  t.deepEqual(
    rows.map((row) => [row['metric'], row['verdict'], Number(row['p']), Number(row['change'])]),
    whole.rows.map((row) => [row.metric, row.verdict, row.p, row.change.value]),
  );
});

test('rows that are not judged are listed last, with medians and change, in every format', async (t) => {
  const results = temporaryFolder(t);
  const write = (name: string, factor: number): Promise<string> => {
    const samples = noisyRows({ seed: 1 }).map(
      (sample): Sample => ({
        ...sample,
        parameters: 'rate=half',
        better: 'none',
        value: (sample.value ?? 0) * factor,
      }),
    );
    const judged = factor === 4 ? [] : noisyRows({ seed: factor });
    return writeRun(results, name, { samples: [...judged, ...samples], run: { pairing: 'a' } });
  };
  const [old, next] = [await write('old', 1), await write('next', 2)];
  const table = await compare(old, next);
  t.is(table.code, EXIT.holds);
  t.regex(table.stdout, /corrected for all\s5 rows/);
  t.regex(
    table.stdout,
    /\nFOR INFORMATION \(5\)\n(.*\n)* {2}rss_bytes .* 90\.1 MB.*180 MB.*\+100 % .* {2}not judged\n/,
  );
  t.regex(table.stdout, /\nnot judged: depends on another figure of its run.*\n10 rows: 5 ~, 5 not judged\n$/);
  t.regex(
    (await compare(old, next, '--format', 'markdown')).stdout,
    /### for information \(5\)\n(.*\n)*.*\| not judged \|/,
  );
  const csv: Record<string, string>[] = parse((await compare(old, next, '--format', 'csv')).stdout, { columns: true });
  const rows = csv.filter(({ verdict }) => verdict === 'not judged');
  t.deepEqual(
    rows.map(({ better, p, detectable, change }) => [better, p, detectable, Number(change).toFixed(2)]),
    rows.map(() => ['none', '', '', '1.00']),
  );
  t.is(rows.length, 5);
  const alone = await write('alone', 4);
  t.is((await compare(alone, alone)).code, EXIT.inconclusive, 'nothing was compared');
});

test('differences and problems are said whether or not there is a gate', async (t) => {
  const { old, results } = await writeRuns(t);
  const other = await writeRun(results, 'other', {
    samples: noisyRows({ seed: 5 }).filter(({ metric }) => metric !== 'rss_bytes'),
    run: { pairing: 'a', configuration: { transport: 'tcp', partitions: 8 } },
  });
  const table = await compare(old, other);
  t.regex(table.stdout, /DIFFERENT IN OLD AND NEW\n {2}configuration\.transport: ipc -> tcp\n/);
  t.regex(table.stdout, /PROBLEMS\n(.*\n)* {2}only in OLD: .* rss_bytes\n/);
  const csv = await compare(old, other, '--format', 'csv');
  t.regex(csv.stderr, /different: configuration\.transport: ipc -> tcp\n/);
  t.regex(csv.stderr, /problem: only in OLD: .* rss_bytes\n/);
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

test('a closed pipe ends it without a fuss', async (t) => {
  const { results } = await writeRuns(t);
  const many = Array.from({ length: 2_000 }, (_, index) =>
    noisyRows({ seed: 1, rounds: 1 }).map((sample) => ({ ...sample, parameters: `run=${index}` })),
  ).flat();
  const [left, right] = [join(results, 'left'), join(results, 'right')];
  await writeRun(results, 'left', { samples: many });
  await writeRun(results, 'right', { samples: many });
  const script = join(results, 'head.sh');
  writeFileSync(script, `"$1" "$2" compare "$3" "$4" | head -n 1\nexit "\${PIPESTATUS[0]}"\n`);
  const { code, stderr } = await new Promise<Ended>((resolve) => {
    execFile('bash', [script, process.execPath, MAIN, left, right], (error, stdout, said) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr: said });
    });
  });
  t.deepEqual([code, stderr], [EXIT.holds, '']);
});
