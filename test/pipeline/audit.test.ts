/** Soaks of real processes, judged again from their folders. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { auditRun } from '../../soak/audit/audit-run.ts';
import { WHOLE_FOLDER, hasWholeHistory, readWholeHistory } from '../../soak/guarantee/whole-history.ts';
import { HISTORY_FOLDER, readHistory } from '../../soak/guarantee/recorded-history.ts';
import { makeAudit } from '../../soak/live/audit/end-audit.ts';
import { runSoak } from '../../soak/live/run.ts';
import type { SoakOptions } from '../../soak/live/soak-options.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { until } from '../../src/fleet/waiting.ts';
import { openLmdbStore } from '../../src/store/lmdb-store.ts';
import { openRow, sealRow, wholeRange } from '../../src/store/row.ts';
import { SUMMER_TABLES, isCheckpointRow } from '../../src/summer/rows.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const DEADLINE_MS = 300_000;

const REAL: Partial<SoakOptions> = {
  durationMs: 9_000,
  partitions: 3,
  files: 20,
  chunks: { low: 4, high: 8 },
  chunkBytes: { low: 100, high: 256 },
  rate: 1_500,
  faults: ['kill'],
  faultIntervalMs: 1_500,
  retentionBytes: 64 * 1024 * 1024,
  audit: 'follow',
  history: 'keep',
};

test.serial('a soak of real processes holds again, from its whole history and from what else is there', async (t) => {
  t.timeout(DEADLINE_MS);
  const { verdict, folder } = await runSoak(fakeOptions(temporaryFolder(t), REAL), {
    ...fakeDependencies({}),
    launch: componentLaunch(MAIN),
    clock: systemClock,
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
  });
  t.is(verdict.verdict, 'HOLDS', verdict.reasons.join('\n'));
  const whole = await auditRun(folder);
  t.is(whole.exitCode, 0, whole.lines.join('\n'));
  t.true(whole.rechecked.isAll);
  const reads = [...readWholeHistory(join(folder, WHOLE_FOLDER))];
  const kinds = new Set(reads.flatMap((read) => (read.what === 'event' ? [read.entry.event.event] : [])));
  for (const kind of ['batch', 'checkpoint', 'said', 'fault-recovered', 'end'] as const) t.true(kinds.has(kind), kind);

  rmSync(join(folder, WHOLE_FOLDER), { recursive: true });
  const parts = await auditRun(folder);
  t.is(parts.exitCode, 3, parts.lines.join('\n'));
  t.regex(parts.lines[0] ?? '', /nothing was found in [\d,]+ of [\d,]+ events, and in the stores; the run said HOLDS/);
  t.regex(parts.lines.join('\n'), /judged what the kept stores hold: \d+ batches, .* and 3 states of shards/);

  await advanceState(join(folder, 'data', 'summer-0'));
  const damaged = await auditRun(folder);
  t.is(damaged.exitCode, 1, damaged.lines.join('\n'));
  t.regex(damaged.lines.join('\n'), /disagrees: the run said HOLDS, and the audit found stores: state-ahead/);
});

/** Puts the state of a shard, of a summer that does not run, beyond the end of its journal. */
async function advanceState(folder: string): Promise<void> {
  const store = await openLmdbStore({ folder, kind: 'summer', tables: SUMMER_TABLES });
  const [row] = store.range('checkpoints', { ...wholeRange(), limit: 1 });
  if (row === undefined) throw new Error('the summer has no checkpoint');
  const checkpoint = openRow(row.value, isCheckpointRow, 'the checkpoint');
  const value = sealRow({ ...checkpoint, offset: checkpoint.offset + 1 });
  await store.commit([{ table: 'checkpoints', key: row.key, value }]);
  await store.close();
}

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
  const argv = ['soak', '--duration', '120s', '--rate', '1500', '--chunks', '5', '--results', results];
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
