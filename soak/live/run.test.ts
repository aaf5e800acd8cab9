import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { readCsv } from '../../src/results/csv.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import { HISTORY_FOLDER, readHistory } from '../guarantee/recorded-history.ts';
import { parseExpectation } from './expectation.ts';
import type { SoakOptions } from './soak-options.ts';
import { runSoak, type SoakDependencies } from './run.ts';
import type { FakePlan } from './testing/fake-component.ts';
import { fakeBuild, fakeDependencies, fakeOptions } from './testing/fake-run.ts';

type Ran = {
  readonly folder: string;
  readonly exitCode: number;
  readonly verdict: string;
  readonly reasons: string;
  readonly screen: string;
};

async function run(
  t: ExecutionContext,
  plan: FakePlan,
  changes: { options?: Partial<SoakOptions>; dependencies?: Partial<SoakDependencies> } = {},
): Promise<Ran> {
  const said: string[] = [];
  const options = fakeOptions(temporaryFolder(t), changes.options);
  const dependencies = { ...fakeDependencies(plan, said), ...changes.dependencies };
  const { verdict, folder } = await runSoak(options, dependencies);
  for (const pid of pidsOf(join(folder, 'data'))) t.false(isAlive(pid), `pid ${pid} is left`);
  const reasons = verdict.reasons.join('\n');
  t.log(verdict.verdict, reasons);
  return { folder, exitCode: verdict.exitCode, verdict: verdict.verdict, reasons, screen: said.join('\n') };
}

function pidsOf(dataFolder: string): number[] {
  if (!existsSync(dataFolder)) return [];
  return readdirSync(dataFolder).map((name) => Number(readFileSync(join(dataFolder, name, 'pid'), 'utf8')));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function failingReport(): Promise<string> {
  throw new TypeError('planted');
}

function runJson(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
}

test('a run without faults holds, and its folder says so', async (t) => {
  const { folder, exitCode, verdict, screen } = await run(t, {});
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
  const made = await run(
    t,
    {},
    { dependencies: { report: async (folder) => `of ${String(runJson(folder)['verdict'])}` } },
  );
  t.regex(made.screen, /^report: of HOLDS$/m);
  const { verdict, exitCode, screen } = await run(t, {}, { dependencies: { report: failingReport } });
  t.deepEqual([verdict, exitCode], ['HOLDS', 0]);
  t.regex(screen, /^no report: TypeError: planted; `stream-sum report \S+` makes it from the folder$/m);
});

test.serial('every kind of kill hits, heals and recovers, and sums are counted across the restarts', async (t) => {
  const { folder, verdict } = await run(t, {}, { options: { faults: ['kill'], durationMs: 4_000 } });
  t.is(verdict, 'HOLDS');
  const faults = readCsv(join(folder, 'faults.csv'));
  for (const kind of kindsOf(['kill'], { summers: 2 }))
    t.true(
      faults.some((row) => row['kind'] === kind),
      kind,
    );
  for (const row of faults) {
    const moments = ['planned_s', 'injected_s', 'proven_s', 'healed_s', 'recovered_s'].map((name) => Number(row[name]));
    t.true(moments.every((moment) => moment > 0));
    t.true(Number(row['proven_s']) >= Number(row['injected_s']) && Number(row['healed_s']) >= Number(row['proven_s']));
    t.regex(row['evidence'] ?? '', /^exit signal SIGKILL of pids? [\d ]+, ready again as pids? [\d ]+$/);
  }
  const verified = readCsv(join(folder, 'intervals.csv')).reduce((sum, row) => sum + Number(row['sums_verified']), 0);
  const durable = ['chunker-0', 'chunker-1'].map((name) =>
    readFileSync(join(folder, 'data', name, 'verified'), 'utf8'),
  );
  t.is(verified, Number(durable[0]) + Number(durable[1]));
  const latency = readCsv(join(folder, 'latency.csv')).filter((row) => row['stage'] === 'sum');
  const counted = latency.reduce((sum, row) => sum + Number(row['count']) + Number(row['censored']), 0);
  t.is(counted, verified);
});

test.serial('every process is upgraded, and one that refuses to go back goes on by the newer build', async (t) => {
  const launch = fakeBuild({ broker: { when: 'restart', what: 'exit 2' } });
  const { folder, verdict } = await run(
    t,
    {},
    {
      options: { faults: ['upgrade'], durationMs: 6_000, faultIntervalMs: 650 },
      dependencies: { older: { launch, commit: null } },
    },
  );
  t.is(verdict, 'HOLDS');
  const faults = readCsv(join(folder, 'faults.csv'));
  const evidenceOf = (kind: string): string => faults.find((row) => row['kind'] === kind)?.['evidence'] ?? '';
  for (const kind of kindsOf(['upgrade'], { summers: 2 })) t.not(evidenceOf(kind), '', kind);
  t.regex(
    evidenceOf('upgrade-summer'),
    /^(?:exit 0 of pid \d+, which ran the older build, pid \d+ runs the newer build(?:; )?){2}, each is/,
  );
  t.regex(
    evidenceOf('downgrade-summer'),
    /^exit 0 of pid \d+, which ran the newer build, pid \d+ runs the older build, each is ready/,
  );
  t.regex(
    evidenceOf('downgrade-broker'),
    /, pid \d+ refused with exit 2: planted exit 2, pid \d+ runs the newer build/,
  );
  t.is(Object(runJson(folder)['configuration'])['upgradeFromCommit'], null);
});

test('a newer build that refuses what the older one has written fails the run', async (t) => {
  const older = { launch: fakeBuild({}), commit: null };
  const { exitCode, reasons } = await run(
    t,
    { 'chunker-0': { when: 'restart', what: 'exit 2' } },
    { options: { faults: ['upgrade'], durationMs: 6_000, faultIntervalMs: 650 }, dependencies: { older } },
  );
  t.is(exitCode, 2);
  t.regex(reasons, /chunker-0: pid \d+ exited unexpectedly with 2/);
});

test('the same data folder serves for another run', async (t) => {
  const data = temporaryFolder(t);
  t.is((await run(t, {}, { options: { data, durationMs: 2_000 } })).verdict, 'HOLDS');
  t.is((await run(t, {}, { options: { data, durationMs: 2_000 } })).verdict, 'HOLDS');
  t.true(existsSync(join(data, 'broker')));
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

test('a violation ends the run with exit 10 and its own row', async (t) => {
  const { folder, exitCode, reasons } = await run(t, { 'summer-1': { when: 'work', what: 'violation' } });
  t.is(exitCode, 10);
  t.regex(reasons, /summer-1: mismatched journal=sums offset=7: planted/);
  const [row] = readCsv(join(folder, 'violations.csv'));
  t.is(row?.['kind'], 'mismatched');
  t.is(row?.['process'], 'summer-1');
  t.is(row?.['offset'], '7');
  t.is(row?.['index'], '');
});

test('a violation leaves a story and a folder of evidence, which says what could not be read', async (t) => {
  const { folder, screen } = await run(t, { 'summer-1': { when: 'work', what: 'violation' } });
  t.regex(screen, /^VIOLATED {2}mismatched: a sum is not that of its file/m);
  t.regex(screen, /^ {2}evidence +.*evidence\/witness\.txt$/m);
  const witness = readFileSync(join(folder, 'evidence', 'witness.txt'), 'utf8');
  t.log(witness);
  t.regex(witness, /^VIOLATED {2}mismatched: a sum is not that of its file$/m);
  t.regex(witness, /^What could not be read\n {2}there is no store at .*broker$/m);
  t.regex(witness, /Repeat the run: npx stream-sum soak --seed 1$/m);
  t.regex(witness, /summer-1 finds a violation: mismatched journal=sums offset=7: planted/);
  t.deepEqual(readdirSync(join(folder, 'evidence')).toSorted(), [
    'chunks.csv',
    'events.ndjson',
    'faults.csv',
    'logs',
    'run.json',
    'violations.csv',
    'witness.json',
    'witness.txt',
  ]);
  const [story] = runJson(folder)['stories'] as { kinds: object; finders: object; example: object }[];
  t.like(story, { kinds: { mismatched: 1 }, finders: ['summer-1'] });
  t.like(story?.example, { journal: 'sums', offset: 7, file: null });
});

test('a run that holds has no evidence and no stories', async (t) => {
  const { folder } = await run(t, {});
  t.false(existsSync(join(folder, 'evidence')));
  t.is(runJson(folder)['stories'], undefined);
});

test('an expectation that is not met is exit 11 of a run that holds, and no violation', async (t) => {
  const expectations = ['rate>1', 'recovery<1h'].map((text) => parseExpectation(text, '--expect'));
  const { folder, verdict, screen } = await run(t, {}, { options: { expectations } });
  t.is(verdict, 'HOLDS');
  t.is(runJson(folder)['exitCode'], 11);
  t.like(runJson(folder)['expectations'], { 0: { isMet: true }, 1: { isMet: false, value: null } });
  t.regex(
    screen,
    /^ {2}expected {4}rate>1: met, .* chunks\/s\n {14}recovery<1h: NOT MET, not measured: no fault hit$/m,
  );
});

test.serial('a chunker that forgot what it had durably verified is a violation', async (t) => {
  const plan: FakePlan = {
    'chunker-0': { when: 'restart', what: 'forget' },
    'chunker-1': { when: 'restart', what: 'forget' },
  };
  const { exitCode, reasons } = await run(t, plan, { options: { faults: ['kill'], durationMs: 4_000 } });
  t.is(exitCode, 10);
  t.regex(reasons, /chunker-\d: state-behind: \d+ files were durably verified, 0 after the restart/);
});

test('a process that a foreign signal ended is restarted and named, and the run is judged to its end', async (t) => {
  const plan: FakePlan = {
    'summer-1': { when: 'work', what: 'abort once' },
    'chunker-0': { when: 'drain', what: 'abort once' },
  };
  const { folder, exitCode, verdict, reasons, screen } = await run(t, plan);
  t.is(verdict, 'INCONCLUSIVE');
  t.is(exitCode, 1);
  for (const name of ['summer-1', 'chunker-0'])
    t.regex(
      reasons,
      new RegExp(`^${name}: pid \\d+ was ended by SIGABRT, which this run did not send; it was started again`, 'm'),
    );
  t.regex(reasons, /^otherwise the guarantee held$/m);
  t.regex(screen, /summer-1: pid \d+ was ended by SIGABRT/);
  const json = runJson(folder);
  t.deepEqual(json['crashes'], { 'summer-1': 1, 'chunker-0': 1 });
  // It is not a fault of this run.
  t.deepEqual(readCsv(join(folder, 'faults.csv')), []);
});

test('a process that dies so again and again ends the run', async (t) => {
  const plan: FakePlan = { 'summer-0': { when: 'work', what: 'abort' } };
  const { folder, exitCode, reasons } = await run(t, plan, { options: { durationMs: 60_000 } });
  t.is(exitCode, 1);
  t.regex(reasons, /^summer-0: pid \d+ was ended by SIGABRT, which this run did not send$/m);
  t.is(reasons.match(/it was started again/g)?.length, 5);
  t.deepEqual(runJson(folder)['crashes'], { 'summer-0': 5 });
});

test('a violation that the soak itself comes upon is one of the run', async (t) => {
  const found = new ViolationError('corrupt', 'planted', { journal: 'sums', offset: 9 });
  const { folder, exitCode, reasons } = await run(t, {}, { dependencies: { audit: () => Promise.reject(found) } });
  t.is(exitCode, 10);
  t.regex(reasons, /soak: corrupt journal=sums offset=9: planted/);
  t.like(readCsv(join(folder, 'violations.csv'))[0], { kind: 'corrupt', process: 'soak', offset: '9' });
});

const FAILURES: readonly (readonly [string, FakePlan, number, RegExp])[] = [
  [
    'exit 1',
    { broker: { when: 'work', what: 'exit 1' } },
    1,
    /broker: pid \d+ exited unexpectedly with 1 .*\n.*planted exit 1/,
  ],
  ['a fence', { 'summer-0': { when: 'work', what: 'exit 12' } }, 1, /summer-0: .* with 12 \(fenced/],
  ['an early end', { 'chunker-1': { when: 'work', what: 'exit 0' } }, 1, /chunker-1: .* with 0 \(a normal end\)/],
  [
    'garbage',
    { 'summer-0': { when: 'work', what: 'garbage' } },
    1,
    /summer-0: malformed protocol line .*planted garbage/,
  ],
  [
    'a refusal at the start',
    { broker: { when: 'start', what: 'exit 2' } },
    2,
    /broker: .*bad usage.*\n.*planted exit 2/,
  ],
  ['exit 0 at the drain', { 'chunker-0': { when: 'drain', what: 'exit 0' } }, 1, /without saying that it had drained/],
];
for (const [title, plan, expected, reason] of FAILURES) {
  test(`${title} of a process fails the run and is named`, async (t) => {
    const { exitCode, verdict, reasons } = await run(t, plan);
    t.is(verdict, 'INCONCLUSIVE');
    t.is(exitCode, expected);
    t.regex(reasons, reason);
  });
}

test('a process that does not end when it is asked to is killed and named', async (t) => {
  const plan: FakePlan = { 'summer-0': { when: 'work', what: 'exit 1' }, broker: { when: 'stop', what: 'ignore' } };
  const { exitCode, reasons } = await run(t, plan);
  t.is(exitCode, 1);
  t.regex(reasons, /^broker did not end by itself and was killed$/m);
});

test('a program that cannot be started fails the run', async (t) => {
  const launch = { command: '/no/such/program', argv: [] };
  const { exitCode, reasons } = await run(t, {}, { dependencies: { launch } });
  t.is(exitCode, 1);
  t.regex(reasons, /cannot start/);
});

test('sums that were never verified make the run inconclusive', async (t) => {
  const { folder, exitCode, reasons } = await run(t, { 'chunker-0': { when: 'drain', what: 'unverified' } });
  t.is(exitCode, 3);
  t.regex(reasons, /chunker-0 completed \d+ files and verified \d+/);
  const drain = readCsv(join(folder, 'latency.csv')).find((row) => row['phase'] === 'drain' && row['stage'] === 'sum');
  t.is(drain?.['censored'], '3');
});

test('a chunker that generates nothing is no evidence', async (t) => {
  const plan: FakePlan = { 'chunker-0': { when: 'drain', what: 'idle' }, 'chunker-1': { when: 'drain', what: 'idle' } };
  const interrupts: ((signal: InterruptSignal) => void)[] = [];
  const said: string[] = [];
  const options = fakeOptions(temporaryFolder(t), { durationMs: 1_500 });
  const running = runSoak(options, {
    ...fakeDependencies(plan, said),
    onInterrupt(interrupt) {
      interrupts.push(interrupt);
      return () => undefined;
    },
    display: {
      update(status) {
        if (status.phase === 'drain') for (const interrupt of [...interrupts, ...interrupts]) interrupt('SIGINT');
      },
      say: (line) => said.push(line),
      finish: (text) => said.push(text),
    },
  });
  const { verdict } = await running;
  t.is(verdict.exitCode, 3);
  const reasons = verdict.reasons.join('\n');
  t.regex(reasons, /stopped by the user/);
  t.regex(reasons, /no chunks flowed in the phase steady/);
  t.regex(reasons, /no sums were verified/);
  t.regex(reasons, /chunker-1 did not report to the end/);
});

test('the audit sees every producer, and what it finds is a violation', async (t) => {
  const seen: string[] = [];
  const { exitCode, reasons } = await run(
    t,
    {},
    {
      dependencies: {
        audit(context) {
          seen.push(...context.producers.map(({ producer }) => producer));
          return Promise.resolve([{ process: 'audit', kind: 'lost', detail: 'planted' }]);
        },
      },
    },
  );
  t.deepEqual(seen, ['0000000000000000', '0000000000000001']);
  t.is(exitCode, 10);
  t.regex(reasons, /audit: lost: planted/);
});

function unansweredAudit(): Promise<never> {
  return Promise.reject(new OperatingError('ERR_AUDIT', 'no answer'));
}

test('an audit that cannot be made leaves the run inconclusive', async (t) => {
  const { exitCode, reasons } = await run(t, {}, { dependencies: { audit: unansweredAudit } });
  t.is(exitCode, 3);
  t.regex(reasons, /the audit could not be made: no answer/);
});
