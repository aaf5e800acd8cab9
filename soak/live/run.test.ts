import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';
import { HISTORY_FOLDER, readHistory } from '../guarantee/recorded-history.ts';
import { parseExpectation } from './expectation.ts';
import { runSoak } from './run.ts';
import { fakeBuild, fakeDependencies, fakeOptions } from './testing/fake-run.ts';
import { run, runJson, sharedRun } from './testing/run-fakes.ts';

async function failingReport(): Promise<string> {
  throw new TypeError('planted');
}

const held = sharedRun(
  'a run that holds',
  {},
  { dependencies: { report: async (folder) => `of ${String(runJson(folder)['verdict'])}` } },
);
const unmet = sharedRun(
  'a run that does not meet an expectation and cannot make its report',
  {},
  {
    options: { expectations: ['rate>1', 'recovery<1h'].map((text) => parseExpectation(text, '--expect')) },
    dependencies: { report: failingReport },
  },
);

test('a run without faults holds, and its folder says so', async (t) => {
  const { folder, exitCode, verdict, screen } = await held(t);
  t.is(verdict, 'HOLDS');
  t.is(exitCode, 0);
  const json = runJson(folder);
  t.is(json['verdict'], 'HOLDS');
  t.is(json['seed'], 1);
  t.deepEqual(Object.keys(Object(json['digests'])).toSorted(), [
    'faults.csv',
    'intervals.csv',
    'latency.csv',
    'resources.csv',
    'samples.csv',
    'violations.csv',
  ]);
  const intervals = readCsv(join(folder, 'intervals.csv'));
  t.true(intervals.some((row) => Number(row['chunks_published']) > 0 && row['phase'] === 'steady'));
  t.true(intervals.some((row) => Number(row['rss_bytes_chunker_1']) > 0 && Number(row['fds_soak']) > 0));
  const latency = readCsv(join(folder, 'latency.csv'));
  t.is(latency.find((row) => row['phase'] === 'steady' && row['stage'] === 'acknowledgement')?.['p50'], '');
  t.is(latency.find((row) => row['phase'] === 'steady' && row['stage'] === 'sum')?.['censored'], '0');
  t.regex(screen, /^HOLDS /m);
  t.true(screen.includes(folder));
  const history = [...readHistory(join(folder, HISTORY_FOLDER))];
  t.like(history[0], { what: 'event', event: { event: 'run', n: 1 } });
  t.like(history.at(-1), { what: 'event', event: { event: 'end' } });
});

test('the report is made of a complete folder; one that cannot be made is named and changes no verdict', async (t) => {
  const made = await held(t);
  t.regex(made.screen, /^report: of HOLDS$/m);
  const { verdict, exitCode, screen } = await unmet(t);
  t.deepEqual([verdict, exitCode], ['HOLDS', 0]);
  t.regex(screen, /^no report: TypeError: planted; `stream-sum report \S+` makes it from the folder$/m);
});

test('a newer build that refuses what the older one has written fails the run', async (t) => {
  const older = { launch: fakeBuild({}), commit: null };
  const upgrade = { id: 1, kind: 'upgrade-chunker', targets: ['chunker-0'], atMs: 0, lengthMs: 0 } as const;
  const { exitCode, reasons } = await run(
    t,
    { 'chunker-0': { when: 'restart', what: 'exit 2' } },
    { options: { faults: ['upgrade'], faultPlan: [upgrade] }, dependencies: { older } },
  );
  t.is(exitCode, 2);
  t.regex(reasons, /chunker-0: pid \d+ exited unexpectedly with 2/);
});

test('a run whose relay cannot listen ends by one line, and its folder says so', async (t) => {
  const data = temporaryFolder(t);
  // Somebody else has the address of the first link.
  writeFileSync(join(data, 'relay-summer-0.ipc'), '');
  const results = temporaryFolder(t);
  const running = runSoak(fakeOptions(results, { data, faults: ['partition'] }), fakeDependencies({}));
  const error = await t.throwsAsync(running, { instanceOf: OperatingError, code: 'ERR_RELAY' });
  t.regex(error?.message ?? '', /^cannot listen on ipc:.*relay-summer-0\.ipc: .*EADDRINUSE.*$/);
  const [folder = ''] = readdirSync(results);
  const json = runJson(join(results, folder));
  t.like(json, { verdict: 'INCONCLUSIVE', exitCode: 1, reasons: [`the run could not begin: ${error?.message}`] });
  t.is(typeof json['endedAt'], 'string');
  t.true(Object.keys(Object(json['digests'])).length > 0);
});

test('a run that holds has no evidence and no stories', async (t) => {
  const { folder } = await held(t);
  t.false(existsSync(join(folder, 'evidence')));
  t.is(runJson(folder)['stories'], undefined);
});

test('an expectation that is not met is exit 11 of a run that holds, and no violation', async (t) => {
  const { folder, verdict, screen } = await unmet(t);
  t.is(verdict, 'HOLDS');
  t.is(runJson(folder)['exitCode'], 11);
  t.like(runJson(folder)['expectations'], { 0: { isMet: true }, 1: { isMet: false, value: null } });
  t.regex(
    screen,
    /^ {2}expected {4}rate>1: met, .* chunks\/s\n {14}recovery<1h: NOT MET, not measured: no fault hit$/m,
  );
});
