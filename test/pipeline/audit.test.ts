/** Soaks of real processes that end early, judged again from their folders. `audit.deep.test.ts` has one that holds. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { auditRun } from '../../soak/audit/audit-run.ts';
import { HISTORY_FOLDER, readHistory } from '../../soak/guarantee/recorded-history.ts';
import { WHOLE_FOLDER, hasWholeHistory, readWholeHistory } from '../../soak/guarantee/whole-history.ts';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import { DEADLINE_MS, MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { systemClock } from '../../src/core/clock.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { until } from '../../src/fleet/waiting.ts';
import { REAL } from './testing/real-soak.ts';

test.serial('a soak of real processes that its user ends at once is inconclusive again, line by line', async (t) => {
  t.timeout(DEADLINE_MS);
  let interrupt: (() => void) | null = null;
  const dependencies = fakeDependencies({});
  const { verdict, folder } = await runSoak(fakeOptions(temporaryFolder(t), { ...REAL, durationMs: 60_000 }), {
    ...dependencies,
    launch: componentLaunch(MAIN),
    clock: systemClock,
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    onInterrupt: (call) => {
      interrupt = () => call('SIGINT');
      return () => undefined;
    },
    // Once a second: at the first call something is under way, and the second interrupt does not wait for it.
    display: {
      ...dependencies.display,
      update: () => {
        interrupt?.();
        interrupt?.();
        interrupt = null;
      },
    },
  });
  t.is(verdict.verdict, 'INCONCLUSIVE', verdict.reasons.join('\n'));
  const { lines, exitCode, rechecked } = await auditRun(folder);
  t.is(exitCode, 3, lines.join('\n'));
  t.true(rechecked.isAll);
  t.deepEqual(rechecked.verdict.reasons, verdict.reasons);
});

test.serial('a soak of real processes that was killed is judged as far as it was recorded', async (t) => {
  t.timeout(DEADLINE_MS);
  const results = temporaryFolder(t);
  const small = ['--chunkers', '1', '--summers', '1', '--partitions', '1', '--chunks', '5'];
  const argv = ['soak', '--duration', '120s', '--rate', '1500', ...small, '--results', results];
  const child = spawn(process.execPath, [MAIN, ...argv, '--history', 'keep', '--faults', 'none', '--seed', '1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  const folderOf = (): string => join(results, readdirSync(results)[0] ?? '');
  const hasBatches = (): boolean => {
    const whole = join(folderOf(), WHOLE_FOLDER);
    if (!hasWholeHistory(whole)) return false;
    return [...readWholeHistory(whole)].some((read) => read.what === 'event' && read.entry.event.event === 'batch');
  };
  t.true(await until(hasBatches, { clock: systemClock, timeoutMs: DEADLINE_MS }));
  await killed(child);
  const folder = folderOf();
  const pids = [...readHistory(join(folder, HISTORY_FOLDER))].flatMap((line) =>
    line.what === 'event' && line.event.event === 'said' && line.event.said.event === 'ready'
      ? [line.event.said.pid]
      : [],
  );
  t.true(await until(() => !pids.some(isAlive), { clock: systemClock, timeoutMs: DEADLINE_MS }));
  const { lines, exitCode, rechecked } = await auditRun(folder);
  t.is(exitCode, 3, lines.join('\n'));
  t.regex(lines[0] ?? '', /nothing was found in the [\d,]+ events that are there; the run has no verdict/);
  t.false(rechecked.isAll);
});

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/status`;
  return existsSync(path) && !/^State:\s*Z/m.test(readFileSync(path, 'utf8'));
}
