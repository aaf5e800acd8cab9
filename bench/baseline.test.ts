import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readEnvironment } from '../src/results/environment.ts';
import { processorOf } from '../src/results/machine.ts';
import { RUN_SCHEMA_VERSION, type RunFile } from '../src/results/run-folder.ts';
import { machineName, recordBaseline } from './baseline.ts';
import { loadRun } from './compare/loading.ts';
import { impossibleRows } from './possible.ts';

const NONE = { zeromq: null, libzmq: null, lmdb: null, addonBackend: null };
const ENVIRONMENT = readEnvironment(tmpdir(), NONE);
const CPUINFO = 'cpu family : 26\nmodel : 2\n';
const RUN: RunFile = {
  schemaVersion: RUN_SCHEMA_VERSION,
  kind: 'bench',
  commandLine: [],
  configuration: {},
  seed: 1,
  commit: null,
  dirty: null,
  environment: { ...ENVIRONMENT, cpu: 'AMD EPYC 9R14 (tm)', cores: 2, processor: processorOf(CPUINFO) },
  startedAt: '2026-11-23T00:00:00.000Z',
  endedAt: null,
  verdict: 'HOLDS',
  exitCode: 0,
  reasons: [],
  digests: {},
};

test('the small files of a run that holds are kept by processor, and its logs are not', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'stream-sum-baseline-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const name of ['run.json', 'samples.csv', 'report.html', 'log']) writeFileSync(join(root, name), name);
  const target = await recordBaseline(root, RUN, join(root, 'baseline'));
  t.true(target.startsWith(join(root, 'baseline/amd-epyc-9r14-tm-family-26-model-2-with-2-cores/')));
  t.deepEqual(readdirSync(target).toSorted(), ['run.json', 'samples.csv']);
});

test('a run that does not hold is not recorded', async (t) => {
  await t.throwsAsync(recordBaseline('/nowhere', { ...RUN, verdict: 'VIOLATED' }, '/nowhere'), { message: /VIOLATED/ });
});

test('the name of a machine is a plain word, known processor or not', (t) => {
  const unknown = { ...RUN.environment, cpu: null, cores: 64, processor: processorOf('') };
  t.is(machineName({ environment: unknown }), 'unknown-processor-family-unknown-model-unknown-with-64-cores');
});

function nameOf(cpuinfo: string): string {
  return machineName({ environment: { ...RUN.environment, processor: processorOf(cpuinfo) } });
}

test('two generations of one name have two folders', (t) => {
  t.not(nameOf(CPUINFO), nameOf('cpu family : 25\nmodel : 17\n'));
});

const RESULTS = join(import.meta.dirname, '../../results');

test('recorded figures that cannot be are listed as wrong, by run, row and round', (t) => {
  const corrections = readFileSync(join(RESULTS, 'baseline/README.md'), 'utf8').split('\n');
  let runs = 0;
  let wrong = 0;
  for (const folder of ['baseline/amd-epyc-2-cores', 'calibration/amd-epyc-2-cores']) {
    for (const name of readdirSync(join(RESULTS, folder))) {
      const { samples, description } = loadRun(join(RESULTS, folder, name));
      t.true(samples.length > 0);
      runs += 1;
      for (const { row, rounds } of impossibleRows(samples, Number(description?.environment['cores']))) {
        const said = corrections.find((line) => line.includes(`| ${name} |`) && line.includes(` ${row.parameters} |`));
        t.true(
          said?.includes(` in rounds ${rounds.join(', ').replace(/, (?=\d+$)/, ' and ')} |`),
          `${name} ${row.parameters}`,
        );
        wrong += 1;
      }
    }
  }
  t.deepEqual([runs, wrong], [6, 4]);
});
