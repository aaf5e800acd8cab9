import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { runSoak } from './run.ts';
import type { FakePlan } from './testing/fake-component.ts';
import { fakeDependencies, fakeOptions } from './testing/fake-run.ts';

test('SIGTERM gives a verdict although the drain would take longer than a service manager waits', async (t) => {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-terminated-'));
  t.teardown(() => rmSync(results, { recursive: true, force: true }));
  // Neither chunker ever drains. The bound of the drain alone would be a minute.
  const plan: FakePlan = { 'chunker-0': { when: 'drain', what: 'idle' }, 'chunker-1': { when: 'drain', what: 'idle' } };
  const interrupts: ((signal: InterruptSignal) => void)[] = [];
  const said: string[] = [];
  let isSent = false;
  const { verdict } = await runSoak(fakeOptions(results, { durationMs: 3_600_000, rate: 1_000 }), {
    ...fakeDependencies(plan, said),
    onInterrupt(interrupt) {
      interrupts.push(interrupt);
      return () => undefined;
    },
    display: {
      update() {
        if (isSent) return;
        isSent = true;
        for (const interrupt of interrupts) interrupt('SIGTERM');
      },
      say: (line) => said.push(line),
      finish: (text) => said.push(text),
    },
  });
  t.is(verdict.exitCode, 3);
  t.regex(said.join('\n'), /terminated: draining for at most 5 s, then the verdict/);
  t.regex(verdict.reasons.join('\n'), /stopped by the user before everything was verified/);
});
