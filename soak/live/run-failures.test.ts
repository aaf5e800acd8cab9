import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { readCsv } from '../../src/results/csv.ts';
import { runSoak } from './run.ts';
import type { FakePlan } from './testing/fake-component.ts';
import { fakeDependencies, fakeOptions } from './testing/fake-run.ts';
import { run, runJson } from './testing/run-fakes.ts';

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
  // They come in the order in which they were ready.
  t.deepEqual(seen.toSorted(), ['0000000000000000', '0000000000000001']);
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
