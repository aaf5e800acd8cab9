import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readEnvironment } from '../src/measure/environment.ts';
import { RUN_SCHEMA_VERSION, type RunFile } from '../src/measure/run-folder.ts';
import { machineName, recordBaseline } from './baseline.ts';

const NONE = { zeromq: null, libzmq: null, lmdb: null, addonBackend: null };
const RUN: RunFile = {
  schemaVersion: RUN_SCHEMA_VERSION,
  kind: 'bench',
  commandLine: [],
  configuration: {},
  seed: 1,
  commit: null,
  dirty: null,
  environment: { ...readEnvironment(tmpdir(), NONE), cpu: 'AMD EPYC 9R14 (tm)', cores: 2 },
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
  t.true(target.startsWith(join(root, 'baseline/amd-epyc-9r14-tm-2-cores/')));
  t.deepEqual(readdirSync(target).toSorted(), ['run.json', 'samples.csv']);
});

test('a run that does not hold is not recorded', async (t) => {
  await t.throwsAsync(recordBaseline('/nowhere', { ...RUN, verdict: 'VIOLATED' }, '/nowhere'), { message: /VIOLATED/ });
});

test('the name of a machine is a plain word, known processor or not', (t) => {
  t.is(machineName({ environment: { ...RUN.environment, cpu: null, cores: 64 } }), 'unknown-processor-64-cores');
});
