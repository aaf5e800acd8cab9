/** A soak of real processes that holds, judged again from its folder. `audit.test.ts` has runs that end early. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { auditRun } from '../../soak/audit/audit-run.ts';
import { WHOLE_FOLDER, readWholeHistory } from '../../soak/guarantee/whole-history.ts';
import { makeAudit } from '../../soak/live/audit/end-audit.ts';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import { DEADLINE_MS, MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { systemClock } from '../../src/core/clock.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { openLmdbStore } from '../../src/store/lmdb-store.ts';
import { openRow, sealRow, wholeRange } from '../../src/store/row.ts';
import { SUMMER_TABLES, isCheckpointRow } from '../../src/summer/rows.ts';
import { REAL } from './testing/real-soak.ts';

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
