/** Failures of a run beside those of `run-failures.test.ts`: more kinds of them, and those that take longer. */

import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { readCsv } from '../../src/results/csv.ts';
import { runSoak } from './run.ts';
import type { FakePlan } from './testing/fake-component.ts';
import { fakeDependencies, fakeOptions } from './testing/fake-run.ts';
import { failsAndIsNamed, run, runJson } from './testing/run-fakes.ts';

test.serial('a chunker that forgot what it had durably verified is a violation', async (t) => {
  const plan: FakePlan = {
    'chunker-0': { when: 'restart', what: 'forget' },
    'chunker-1': { when: 'restart', what: 'forget' },
  };
  const { exitCode, reasons } = await run(t, plan, { options: { faults: ['kill'], durationMs: 4_000 } });
  t.is(exitCode, 10);
  t.regex(reasons, /chunker-\d: state-behind: \d+ files were durably verified, 0 after the restart/);
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

failsAndIsNamed(
  'a fence',
  { 'summer-0': { when: 'work', what: 'exit 12' } },
  { exitCode: 1, reason: /summer-0: .* with 12 \(fenced/ },
);
failsAndIsNamed(
  'an early end',
  { 'chunker-1': { when: 'work', what: 'exit 0' } },
  { exitCode: 1, reason: /chunker-1: .* with 0 \(a normal end\)/ },
);
failsAndIsNamed(
  'a refusal at the start',
  { broker: { when: 'start', what: 'exit 2' } },
  { exitCode: 2, reason: /broker: .*bad usage.*\n.*planted exit 2/ },
);
failsAndIsNamed(
  'exit 0 at the drain',
  { 'chunker-0': { when: 'drain', what: 'exit 0' } },
  { exitCode: 1, reason: /without saying that it had drained/ },
);

test('a process that does not end when it is asked to is killed and named', async (t) => {
  const plan: FakePlan = { 'summer-0': { when: 'work', what: 'exit 1' }, broker: { when: 'stop', what: 'ignore' } };
  const { exitCode, reasons } = await run(t, plan);
  t.is(exitCode, 1);
  t.regex(reasons, /^broker did not end by itself and was killed$/m);
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

function unansweredAudit(): Promise<never> {
  return Promise.reject(new OperatingError('ERR_AUDIT', 'no answer'));
}

test('an audit that cannot be made leaves the run inconclusive', async (t) => {
  const { exitCode, reasons } = await run(t, {}, { dependencies: { audit: unansweredAudit } });
  t.is(exitCode, 3);
  t.regex(reasons, /the audit could not be made: no answer/);
});
