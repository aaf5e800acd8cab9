/** Every reason for which the gate refuses, on run folders on disk. */

import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import { AGAIN, FASTER, judge, pair, refused, SAME, SLOWER } from './testing/judging.ts';
import { noisyRows, type RunSpecification, temporaryFolder, UNDISTURBED, writeRun } from './testing/run-folders.ts';

test('rows that were compared and are not worse pass', async (t) => {
  const [old, next] = await pair(t, SAME, AGAIN);
  const { gate, comparison } = judge([old], [next]);
  t.deepEqual(gate, { exitCode: EXIT.holds, reasons: ['5 of 5 rows are known not to be worse'] });
  t.deepEqual(comparison.problems, []);
});

test('a row that is worse is a regression, one that is better is none', async (t) => {
  const [old, slower] = await pair(t, SAME, SLOWER);
  const found = judge([old], [slower]);
  t.deepEqual(found.gate, { exitCode: EXIT.regression, reasons: ['1 of 5 rows are worse'] });
  t.deepEqual(
    found.comparison.rows.map(({ metric, verdict }) => `${metric} ${verdict}`)[0],
    'chunks_per_s worse',
    'the direction comes from the column `better`',
  );
  t.is(judge([slower], [old]).comparison.rows[0]?.verdict, 'better');
  t.is(judge([slower], [old]).gate.exitCode, EXIT.holds);
});

test('a change below the threshold does not count', async (t) => {
  const small = { samples: noisyRows({ seed: 2, factors: { chunks_per_s: 0.975 } }), run: { pairing: 'a' } };
  const [old, next] = await pair(t, SAME, small);
  const { gate, comparison } = judge([old], [next]);
  const row = comparison.rows.find(({ metric }) => metric === 'chunks_per_s');
  t.true((row?.p ?? 1) <= 0.05, 'it is significant');
  t.is(row?.verdict, 'same');
  t.is(gate.exitCode, EXIT.holds);
});

test('a broken guarantee in the new run is a regression, however fast it was', async (t) => {
  const broken = { ...FASTER, run: { pairing: 'a', verdict: 'VIOLATED', exitCode: 10, reasons: ['lost: one file'] } };
  const [old, next] = await pair(t, SAME, broken);
  const { gate, comparison } = judge([old], [next]);
  t.is(gate.exitCode, EXIT.regression);
  t.regex(gate.reasons.join(), /guarantee broke/);
  t.is(comparison.rows.find(({ metric }) => metric === 'latency_p50_s')?.verdict, 'void');
  t.false(comparison.rows.some(({ verdict }) => verdict === 'better'));
});

test('a run without a verdict, or without a conclusive one, is never faster', async (t) => {
  for (const run of [
    { verdict: null, exitCode: null },
    { verdict: 'INCONCLUSIVE', exitCode: 3 },
    { verdict: 'INCONCLUSIVE', exitCode: 1 },
  ]) {
    const [old, next] = await pair(t, SAME, { ...FASTER, run: { pairing: 'a', ...run } });
    const { gate, comparison } = judge([old], [next]);
    refused(t, gate, /NEW does not hold/);
    t.false(comparison.rows.some(({ verdict }) => verdict === 'better'));
  }
});

test('nothing is slower than a run that does not hold', async (t) => {
  const [old, next] = await pair(t, { ...SAME, run: { pairing: 'a', verdict: 'VIOLATED', exitCode: 10 } }, SLOWER);
  const { gate, comparison } = judge([old], [next]);
  refused(t, gate, /OLD does not hold/);
  t.is(comparison.rows[0]?.verdict, 'void');
});

test('another environment or configuration is refused and named, unless allowed', async (t) => {
  const { environment } = UNDISTURBED;
  for (const [run, named] of [
    [{ environment: { ...environment, cpu: 'another' } }, /environment\.cpu/],
    [{ environment: { ...environment, cores: 4 } }, /environment\.cores/],
    [{ environment: { ...environment, kernel: '6.2.0' } }, /environment\.kernel/],
    [{ environment: { ...environment, node: 'v22.0.0' } }, /environment\.node/],
    [{ environment: { ...environment, libzmq: '4.3.4' } }, /environment\.libzmq/],
    [{ environment: { ...environment, lmdb: '3.5.5' } }, /environment\.lmdb/],
    [{ environment: { ...environment, addonBackend: 'x86_shani_x1' } }, /environment\.addonBackend/],
    [{ environment: { ...environment, memoryBytes: 16e9 } }, /environment\.memoryBytes/],
    [{ configuration: { ...UNDISTURBED.configuration, transport: 'tcp' } }, /configuration\.transport/],
    [{ configuration: { ...UNDISTURBED.configuration, rate: 2000 } }, /configuration\.rate/],
    [{ kind: 'soak' }, /kind/],
  ] as const) {
    for (const specification of [AGAIN, SLOWER]) {
      const [old, next] = await pair(t, SAME, { ...specification, run: { pairing: 'a', ...run } });
      const { gate, allowed, comparison } = judge([old], [next]);
      refused(t, gate, named);
      t.is(comparison.differences.length, 1);
      t.is(allowed.exitCode, specification === AGAIN ? EXIT.holds : EXIT.regression);
    }
  }
});

test('another commit, seed, folder or a little memory is no other configuration', async (t) => {
  const { environment, configuration } = UNDISTURBED;
  const run = {
    pairing: 'a',
    commit: 'f'.repeat(40),
    seed: 7,
    environment: { ...environment, memoryBytes: 8.01e9 },
    configuration: { ...configuration, results: 'elsewhere', seed: 7 },
  };
  const [old, next] = await pair(t, SAME, { ...AGAIN, run });
  t.deepEqual(judge([old], [next]).comparison.differences, []);
});

test('runs of one side that differ among themselves are refused', async (t) => {
  const results = temporaryFolder(t);
  const write = (name: string, seed: number, node: string): Promise<string> =>
    writeRun(results, name, {
      samples: noisyRows({ seed }),
      run: { environment: { ...UNDISTURBED.environment, node } },
    });
  const old = [await write('a', 1, 'v20.19.0'), await write('b', 2, 'v22.0.0')];
  refused(t, judge(old, [await write('c', 3, 'v20.19.0')]).gate, /environment\.node/);
});

test('rows that only one side has are refused and named', async (t) => {
  const without = { ...AGAIN, samples: AGAIN.samples.filter(({ metric }) => metric !== 'rss_bytes') };
  const [old, next] = await pair(t, SAME, without);
  refused(t, judge([old], [next]).gate, /only in OLD: pipeline throughput chunk_bytes=1024 rss_bytes/);
  refused(t, judge([next], [old]).gate, /only in NEW: .*rss_bytes/);
});

test('values that are missing are refused, since what is missing may be what was slow', async (t) => {
  const samples = AGAIN.samples.map((sample) =>
    sample.metric === 'latency_p50_s' && sample.round > 7 ? { ...sample, value: null } : sample,
  );
  const [old, next] = await pair(t, SAME, { ...AGAIN, samples });
  refused(t, judge([old], [next]).gate, /latency_p50_s: without a value: 0 of 10 in OLD, 3 of 10 in NEW/);
});

test('rounds without a partner are refused', async (t) => {
  const [old, next] = await pair(t, SAME, { ...AGAIN, samples: AGAIN.samples.filter(({ round }) => round < 9) });
  refused(t, judge([old], [next]).gate, /2 rounds are on one side only/);
});

test('another unit or direction is no comparison', async (t) => {
  for (const [change, named] of [
    [{ unit: 'kB/s' }, /unit B\/s in OLD, kB\/s in NEW/],
    [{ better: 'lower' }, /higher is better in OLD, lower in NEW/],
  ] as const) {
    const samples = AGAIN.samples.map((sample) =>
      sample.metric === 'bytes_per_s' ? { ...sample, ...change } : sample,
    );
    const [old, next] = await pair(t, SAME, { ...AGAIN, samples });
    refused(t, judge([old], [next]).gate, named);
  }
});

test('an empty file, a header alone and a table of something else are refused', async (t) => {
  for (const text of [
    '',
    'suite,benchmark,parameters,metric,unit,better,round,value\r\n',
    'a,b\r\n1,2\r\n',
    '"\r\n,,',
  ]) {
    const [old, next] = await pair(t, SAME, { ...AGAIN, run: { pairing: 'a', digests: {} } });
    writeFileSync(join(next, 'samples.csv'), text);
    refused(
      t,
      judge([old], [next]).gate,
      /samples\.csv: (it is empty|it has no samples|line 1, column \d: the header|line 1, column 1: .* cut)/,
    );
  }
});

test('a value that is no number and a round that is there twice are refused', async (t) => {
  for (const [line, named] of [
    ['pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,11,many', /line 52, column 59: "many" is not a decimal/],
    ['pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,11,0x10', /line 52, column 59: "0x10" is not a decimal/],
    ['pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,11, 1', /line 52, column 59: " 1" is not a decimal/],
    ['pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,0,1', /line 52, column 56: "0" is not a round number/],
    [
      'pipeline,throughput,chunk_bytes=1024,rss_bytes,B,sideways,11,1',
      /line 52, column 50: "sideways" where better is/,
    ],
    ['pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,10,1', /line 52, column 56: round 10 .* twice/],
  ] as const) {
    const [old, next] = await pair(t, SAME, { ...AGAIN, run: { pairing: 'a', digests: {} } });
    appendFileSync(join(next, 'samples.csv'), `${line}\r\n`);
    refused(t, judge([old], [next]).gate, named);
  }
});

test('a last line that was cut is left out, said, and no gate passes', async (t) => {
  for (const isFolder of [true, false]) {
    const [old, next] = await pair(t, SAME, { ...AGAIN, run: { pairing: 'a', digests: {} } });
    const path = join(next, 'samples.csv');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, -2));
    const paths = isFolder ? [old, next] : [join(old, 'samples.csv'), path];
    const { gate, allowed, comparison } = judge([paths[0] ?? ''], [paths[1] ?? '']);
    const named = /samples\.csv: (samples\.csv: )?line 51, column 1: the last line is cut and left out/;
    refused(t, gate, named);
    refused(t, allowed, /the last line is cut and left out/);
    t.is(comparison.rows.find(({ metric }) => metric === 'rss_bytes')?.newCount, 9);
  }
});

test('a run.json that was changed is refused, whatever was changed', async (t) => {
  const [old, next] = await pair(t, SAME, { ...AGAIN, run: { pairing: 'a', verdict: 'HOLDS', remarks: ['one'] } });
  const path = join(next, 'run.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('"one"', '"two"'));
  refused(t, judge([old], [next]).gate, /run\.json was changed after the run/);
});

test('a copy of a run is the run, under whatever name and in whatever order of rows', async (t) => {
  const [old, next] = await pair(t, SAME, { ...SAME, samples: SAME.samples.toReversed() });
  refused(t, judge([old], [next]).gate, /the same figures twice, which proves nothing: \S+old and \S+new/);
  const results = temporaryFolder(t);
  const runs = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7].map((seed) => writeRun(results, `${seed}`, { samples: noisyRows({ seed }) })),
  );
  const copy = await writeRun(results, 'copy', { samples: noisyRows({ seed: 4 }) });
  refused(t, judge(runs.slice(0, 4), [...runs.slice(4), copy]).gate, /the same figures twice.* \S+4 and \S+copy/);
});

test('another schema version, a broken run.json and none at all are refused', async (t) => {
  const results = temporaryFolder(t);
  const old = await writeRun(results, 'old', SAME);
  const newer = await writeRun(results, 'newer', { ...AGAIN, run: { schemaVersion: 2 } });
  refused(t, judge([old], [newer]).gate, /schema version 2/);
  const broken = await writeRun(results, 'broken', AGAIN);
  writeFileSync(join(broken, 'run.json'), '{"schemaVersion":');
  refused(t, judge([old], [broken]).gate, /run\.json cannot be read/);
  const none = await writeRun(results, 'none', AGAIN);
  rmSync(join(none, 'run.json'));
  refused(t, judge([old], [none]).gate, /run\.json cannot be read/);
  refused(t, judge([old], [join(results, 'nowhere')]).gate, /no such folder or file/);
});

test('a file that was changed after its run is refused', async (t) => {
  const [old, next] = await pair(t, SAME, AGAIN);
  appendFileSync(join(next, 'samples.csv'), 'pipeline,throughput,chunk_bytes=1024,rss_bytes,B,lower,11,1\r\n');
  refused(t, judge([old], [next]).gate, /was changed after the run/);
});

test('a CSV alone has an unknown environment', async (t) => {
  const [old, next] = await pair(t, SAME, AGAIN);
  const { gate, comparison } = judge([join(old, 'samples.csv')], [join(next, 'samples.csv')]);
  refused(t, gate, /run\.json/);
  t.is(comparison.rows.length, 5);
});

test('a run compared with itself is refused', async (t) => {
  const [old] = await pair(t, SAME, AGAIN);
  refused(t, judge([old], [join(old, '..', 'old')]).gate, /the same run twice/);
});

test('one round a side is too few, and said as such', async (t) => {
  const [old, next] = await pair(
    t,
    { samples: noisyRows({ seed: 1, rounds: 1 }) },
    { samples: noisyRows({ seed: 2, rounds: 1 }) },
  );
  const { gate, comparison } = judge([old], [next]);
  refused(t, gate, /0 of 5 rows are known not to be worse: not pipeline throughput/);
  t.true(comparison.rows.every(({ verdict, p }) => verdict === 'n too small' && p === null));
});

test('rows that are too noisy to show anything are not called equal', async (t) => {
  const [old, next] = await pair(
    t,
    { ...SAME, samples: noisyRows({ seed: 1, noise: 0.5 }) },
    { ...AGAIN, samples: noisyRows({ seed: 2, noise: 0.5 }) },
  );
  const { gate, comparison } = judge([old], [next]);
  refused(t, gate, /0 of 5 rows are known not to be worse: not pipeline throughput/);
  t.true(comparison.rows.every(({ verdict, detectable }) => verdict === 'too noisy' && (detectable ?? 0) > 0.05));
});

function unpaired(specification: RunSpecification): RunSpecification {
  return { ...specification, run: {} };
}

test('rounds of one separate run a side prove nothing by themselves', async (t) => {
  const [old, next] = await pair(t, unpaired(SAME), unpaired(SLOWER));
  const { gate, comparison } = judge([old], [next]);
  refused(t, gate, /1 of 5 rows look worse: rounds of one process are not independent runs/);
  t.is(comparison.rows[0]?.verdict, 'worse?');
  t.is(judge([old], [next], true).gate.exitCode, EXIT.regression);
});

test('rounds of separate runs that look the same prove nothing either, unless they are taken as runs', async (t) => {
  const results = temporaryFolder(t);
  const write = (seed: number): Promise<string> => writeRun(results, `${seed}`, { samples: noisyRows({ seed }) });
  const runs = await Promise.all([1, 2, 3, 4, 5, 6].map(write));
  for (const [old, next] of [
    [runs.slice(0, 1), runs.slice(1, 2)],
    [runs.slice(0, 3), runs.slice(3)],
  ] as const) {
    const { gate, comparison } = judge(old, next);
    refused(
      t,
      gate,
      /^nothing is proven: rounds of one process .* interleave them \(bench --against\), or record 4 runs a side$/,
    );
    t.true(comparison.rows.some(({ verdict }) => verdict === 'same'));
    t.is(judge(old, next, true).gate.exitCode, EXIT.holds);
  }
});

function runWith(more: Readonly<Record<string, unknown>>): Partial<RunFile> {
  return { pairing: 'a', configuration: { ...UNDISTURBED.configuration, ...more } };
}

test('a workload whose constants have changed is named by them, one that is not known as a whole', async (t) => {
  const today = runWith({ workload: { throughput: { 32: { batchBytes: 1024, files: 100 } } } });
  const before = runWith({ workload: { throughput: { 32: { batchBytes: 512, files: 100 } } } });
  const [old, next] = await pair(t, { ...SAME, run: before }, { ...AGAIN, run: today });
  t.deepEqual(judge([old], [next]).comparison.differences, [
    { name: 'configuration.workload.throughput.32.batchBytes', old: '512', new: '1024' },
  ]);
  const [recorded] = await pair(t, { ...SAME, run: runWith({}) }, AGAIN);
  const { comparison, gate, allowed } = judge([recorded], [next]);
  t.deepEqual(comparison.differences, [{ name: 'configuration.workload', old: 'unknown', new: 'known' }]);
  t.deepEqual(comparison.problems, []);
  refused(t, gate, /OLD and NEW differ in configuration\.workload \(--allow-different/);
  t.is(allowed.exitCode, EXIT.holds);
});

test('several separate runs a side are one observation each', async (t) => {
  const results = temporaryFolder(t);
  const runs = (name: string, seed: number, factor: number): Promise<string[]> =>
    Promise.all(
      [0, 1, 2, 3, 4, 5].map((run) =>
        writeRun(results, `${name}${run}`, {
          samples: noisyRows({ seed: seed + run, factors: { chunks_per_s: factor } }),
        }),
      ),
    );
  const old = await runs('old', 10, 1);
  const slower = judge(old, await runs('slower', 20, 0.9));
  t.is(slower.comparison.design, 'separate runs');
  t.is(slower.comparison.rows[0]?.oldCount, 6);
  t.is(slower.gate.exitCode, EXIT.regression);
  t.is(judge(old, await runs('again', 30, 1)).gate.exitCode, EXIT.holds);
});

test('a latency that only one side has, or cannot be read, is refused', async (t) => {
  const latency = [{ phase: 'steady', stage: 'sum', censored: 0, latenciesNs: [1e6, 2e6] }];
  const more = [...latency, { phase: 'heal', stage: 'sum', censored: 0, latenciesNs: [1e6] }];
  const [old, next] = await pair(t, { ...SAME, latency }, { ...AGAIN, latency: more });
  refused(t, judge([old], [next]).gate, /latency only in NEW: heal sum/);
  const [, malformed] = await pair(t, SAME, { ...AGAIN, latency, run: { pairing: 'a', digests: {} } });
  writeFileSync(
    join(malformed, 'latency.csv'),
    'phase,stage,unit,count,censored,hdr\r\nsteady,sum,s,2,0,HISTFAAAA\r\n',
  );
  refused(t, judge([old], [malformed]).gate, /malformed histogram/);
});
