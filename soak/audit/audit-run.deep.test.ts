/** Audits of soaks beside those of `audit-run.test.ts`: other ends of them, and two threads against one. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { buildHistory } from '../guarantee/checkers/testing/history-builder.ts';
import { WHOLE_FOLDER, wholeSegmentName } from '../guarantee/whole-history.ts';
import { auditRun } from './audit-run.ts';
import { FAILS, changeRun, folderOf, isInconclusiveAgain, soak } from './testing/run-folders.ts';

for (const what of ['exit 2', 'abort', 'idle', 'ignore'] as const) isInconclusiveAgain(what);

test('a soak that its user ends at once is inconclusive again', async (t) => {
  const { folder, verdict } = await soak(
    t,
    {},
    { durationMs: 60_000 },
    {
      onInterrupt: (interrupt) => {
        setImmediate(() => interrupt('SIGINT'));
        setImmediate(() => interrupt('SIGINT'));
        return () => undefined;
      },
    },
  );
  t.is(verdict.verdict, 'INCONCLUSIVE');
  const { lines, exitCode, disagreements } = await auditRun(folder);
  t.deepEqual(disagreements, [], lines.join('\n'));
  t.is(exitCode, 3);
});

test('two threads find what one finds, in whole, damaged and broken histories', async (t) => {
  const plain = buildHistory({ seed: 11 });
  const wrong = plain.map((event) => (event.event === 'checkpoint' ? { ...event, nextSum: event.nextSum + 1 } : event));
  const cut = plain.filter((event, index) => event.event !== 'batch' || index % 89 !== 0);
  for (const events of [plain, wrong, cut, plain.slice(0, -1)]) {
    const folder = await folderOf(t, events, { verdict: 'HOLDS', reasons: [] });
    t.deepEqual(await auditRun(folder, { threads: 2 }), await auditRun(folder, { threads: 1 }));
    const path = join(folder, WHOLE_FOLDER, wholeSegmentName(1));
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(path, bytes);
    const damaged = await auditRun(folder, { threads: 2 });
    t.deepEqual(damaged, await auditRun(folder, { threads: 1 }));
    t.is(damaged.exitCode, 1);
  }
});

test('without a whole history a violation that a process reported is confirmed', async (t) => {
  const { folder } = await soak(t, FAILS, { history: 'recent', durationMs: 9_000 });
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 10, lines.join('\n'));
  t.regex(lines[0] ?? '', /: VIOLATED, found again in [\d,]+ of [\d,]+ events; the run said VIOLATED$/);
  const violations = join(folder, 'violations.csv');
  await changeRun(folder, (run) => ({ ...run, digests: {} }));
  writeFileSync(violations, readFileSync(violations, 'utf8').split('\r\n').slice(0, 1).join('\r\n'));
  t.regex((await auditRun(folder)).lines.join('\n'), /violations\.csv has 0 violations, and the history 1/);
});
