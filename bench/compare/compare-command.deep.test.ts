/** The command as a process: every format, every way to ask a gate, and a closed pipe. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'csv-parse/sync';
import { MAIN } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import type { Sample } from '../../src/results/samples.ts';
import { type Ended, compare, refused, writeRuns } from './testing/compare-process.ts';
import { noisyRows, temporaryFolder, writeRun } from './testing/run-folders.ts';

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
