import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import { buildHistory } from '../guarantee/checkers/testing/history-builder.ts';
import { checkHistory, makeSoakCheckers } from '../guarantee/checkers/index.ts';
import { HISTORY_FOLDER, segmentName } from '../guarantee/recorded-history.ts';
import { WHOLE_FOLDER, wholeSegmentName } from '../guarantee/whole-history.ts';
import type { SoakOptions } from '../live/soak-options.ts';
import { auditRun } from './audit-run.ts';
import { longHistory, writeLongHistory } from './testing/long-history.ts';
import { FAILS, type Soaked, changeRun, folderOf, isInconclusiveAgain, soakIn } from './testing/run-folders.ts';

const SHARED = mkdtempSync(join(tmpdir(), 'stream-sum-audit-'));
test.after.always('the folders that tests share are removed', () => rmSync(SHARED, { recursive: true, force: true }));

const made: { [name in 'holds' | 'violated' | 'recent']?: Promise<Soaked> } = {};

const RECENT: Partial<SoakOptions> = { chunkers: 1, summers: 1, history: 'recent', keepData: false };

/** Soaks that several tests look at, each made once. */
const SOAKS = {
  holds: () => (made.holds ??= soakIn(join(SHARED, 'holds'), {})),
  violated: () => (made.violated ??= soakIn(join(SHARED, 'violated'), FAILS, { durationMs: 9_000 })),
  recent: () => (made.recent ??= soakIn(join(SHARED, 'recent'), {}, RECENT)),
};

/** A copy of the folder of such a soak, which a test may damage. */
async function copyOf(t: ExecutionContext, name: keyof typeof SOAKS): Promise<string> {
  const folder = join(temporaryFolder(t), 'run');
  cpSync((await SOAKS[name]()).folder, folder, { recursive: true });
  return folder;
}

// Serial: beside other soaks it may be inconclusive on a busy machine.
test.serial('a soak that holds is judged again from its history, to the same verdict', async (t) => {
  const { folder, verdict } = await SOAKS.holds();
  t.is(verdict.verdict, 'HOLDS', verdict.reasons.join('\n'));
  const { lines, exitCode, rechecked } = await auditRun(folder);
  t.is(exitCode, 0, lines.join('\n'));
  t.true(rechecked.isAll);
  t.regex(lines[0] ?? '', /: HOLDS, found again; the run said HOLDS$/);
});

test('a soak that is violated is judged again to the same lines', async (t) => {
  const { folder, verdict } = await SOAKS.violated();
  t.is(verdict.verdict, 'VIOLATED');
  const { lines, exitCode, rechecked } = await auditRun(folder);
  t.is(exitCode, 10, lines.join('\n'));
  t.deepEqual(rechecked.verdict.reasons, verdict.reasons);
});

isInconclusiveAgain('exit 1');

test('a generated history of a whole run with journals holds, and is never held as a whole', async (t) => {
  const folder = join(temporaryFolder(t), 'run');
  const events = await writeLongHistory(folder, { events: 5_000, recordsPerBatch: 4 });
  const { lines, exitCode, rechecked } = await auditRun(folder);
  t.is(exitCode, 0, `${lines.join('\n')}\n${rechecked.verdict.reasons.join('\n')}`);
  t.true(
    lines.some((line) => line.includes(`judged ${events.toLocaleString('en-US')} events`)),
    lines.join('\n'),
  );
});

test('the checkers find in a recorded history what they find in the history itself', async (t) => {
  const plain = buildHistory({ seed: 7 });
  const wrong = plain.map((event) =>
    event.event === 'checkpoint' ? { ...event, offset: Math.max(0, event.offset - 1) } : event,
  );
  const cut = plain.filter((event, index) => event.event !== 'batch' || index % 97 !== 0);
  for (const events of [plain, wrong, cut]) {
    const { verdict, reasons } = checkHistory(events, makeSoakCheckers()).verdict;
    // A soak says in which file the violations are that it only counts.
    const said = reasons.map((reason) => reason.replace(/^and [\d,]+ more$/, '$& in violations.csv'));
    const folder = await folderOf(t, events, { verdict, reasons: said });
    const { disagreements, rechecked } = await auditRun(folder);
    t.is(rechecked.verdict.verdict, verdict);
    t.deepEqual(disagreements, []);
  }
});

test('a verdict that is not that of the history is a disagreement that names the line', async (t) => {
  const events = [...longHistory({ events: 400, recordsPerBatch: 16 })];
  const held = await folderOf(t, events, { verdict: 'HOLDS', reasons: [] });
  t.is((await auditRun(held)).exitCode, 0);
  const violated = await folderOf(t, events, { verdict: 'VIOLATED', reasons: ['planted'] });
  const { lines, exitCode } = await auditRun(violated);
  t.is(exitCode, 1);
  t.regex(lines.join('\n'), /disagrees: the run said VIOLATED, and the audit HOLDS/);
  const other = await folderOf(t, events.slice(0, -1), { verdict: 'INCONCLUSIVE', reasons: ['the run was planted'] });
  t.is((await auditRun(other)).exitCode, 3);
  const unlike = events.filter(({ event }) => event !== 'audited').map(renumbered);
  const said = await folderOf(t, unlike, { verdict: 'INCONCLUSIVE', reasons: ['planted'] });
  t.regex(
    (await auditRun(said)).lines.join('\n'),
    /disagrees: in line 1 of the reasons, the run said "planted", and the audit "nothing says that the audit/,
  );
});

function renumbered(event: HistoryEvent, index: number): HistoryEvent {
  return event.event === 'end' ? { ...event, events: index } : event;
}

test('a run that was killed has no verdict, and its audit never ends in HOLDS', async (t) => {
  const events = [...longHistory({ events: 2_000, recordsPerBatch: 8 })];
  const folder = await folderOf(t, events, { verdict: null, reasons: [] });
  const path = join(folder, WHOLE_FOLDER, wholeSegmentName(1));
  const whole = readFileSync(path);
  truncateSync(path, Math.floor(whole.length * 0.9));
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 3, lines.join('\n'));
  t.regex(lines.join('\n'), /nothing was found in the [\d,]+ events that are there; the run has no verdict/);
  t.regex(lines.join('\n'), /half a frame: its writer was killed/);
});

test('a byte that was changed in a history, or in a table, is a disagreement', async (t) => {
  const folder = await copyOf(t, 'holds');
  const path = join(folder, WHOLE_FOLDER, wholeSegmentName(1));
  const whole = readFileSync(path);
  const changed = Buffer.from(whole);
  changed.writeUInt8(changed.readUInt8(500) ^ 1, 500);
  writeFileSync(path, changed);
  const damaged = await auditRun(folder);
  t.is(damaged.exitCode, 1);
  t.regex(damaged.lines.join('\n'), /disagrees: the history is damaged at .*000001\.frames, byte \d+: the checksum/);
  writeFileSync(path, whole);
  copyFileSync(join(folder, 'intervals.csv'), join(folder, 'faults.csv'));
  t.regex((await auditRun(folder)).lines.join('\n'), /disagrees: .*faults\.csv was changed: its SHA-256/);
});

test('a verdict that was changed, or a violation that was left out, is a disagreement', async (t) => {
  const folder = await copyOf(t, 'violated');
  const path = join(folder, 'run.json');
  const written = readFileSync(path, 'utf8');
  writeFileSync(path, written.replace('"verdict": "VIOLATED"', '"verdict": "HOLDS"'));
  t.regex((await auditRun(folder)).lines.join('\n'), /disagrees: .*run\.json was changed: its own digest does not fit/);
  const { digest: _, ...rest } = JSON.parse(written);
  writeFileSync(path, JSON.stringify(rest));
  t.regex((await auditRun(folder)).lines.join('\n'), /disagrees: .*run\.json has lost its own digest/);
  const violations = join(folder, 'violations.csv');
  writeFileSync(violations, readFileSync(violations, 'utf8').split('\r\n').slice(0, 1).join('\r\n'));
  await changeRun(folder, () => ({ ...rest, digests: {} }));
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 1);
  t.regex(lines.join('\n'), /disagrees: .*violations\.csv has 0 violations, and the history 1/);
  const reasons = [...rest.reasons, `cannot write ${violations}: planted`];
  await changeRun(folder, () => ({ ...rest, digests: {}, reasons }));
  t.deepEqual((await auditRun(folder)).disagreements, []);
});

test('without a whole history what is there is judged, and said to be a part', async (t) => {
  const folder = await copyOf(t, 'recent');
  t.false(existsSync(join(folder, WHOLE_FOLDER)));
  // A soak of a busy machine may be inconclusive. What the run said must not count here.
  await changeRun(folder, (run) => ({ ...run, verdict: 'HOLDS', reasons: [] }));
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 3, lines.join('\n'));
  t.regex(lines[0] ?? '', /: nothing was found in [\d,]+ of [\d,]+ events; the run said HOLDS$/);
  t.regex(lines.join('\n'), /the stores were not kept/);
});

test('a folder with nothing but run.json is no evidence of anything', async (t) => {
  const folder = await copyOf(t, 'recent');
  for (const name of readdirSync(folder)) if (name !== 'run.json') rmSync(join(folder, name), { recursive: true });
  await changeRun(folder, (run) => ({ ...run, digests: {} }));
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 3);
  t.regex(lines.join('\n'), /nothing was found in 0 of 0 events/);
  t.regex(lines.join('\n'), /there is no history/);
});

test('a flight recorder that is damaged is named', async (t) => {
  const folder = await copyOf(t, 'recent');
  writeFileSync(join(folder, HISTORY_FOLDER, segmentName(1)), 'planted\n');
  const { lines, exitCode } = await auditRun(folder);
  t.is(exitCode, 1);
  t.regex(lines.join('\n'), /disagrees: the history is damaged at .*000001\.ndjson:1/);
});

test('what is no folder of a soak is a usage error', async (t) => {
  const folder = temporaryFolder(t);
  await t.throwsAsync(auditRun(folder), { instanceOf: UsageError, message: /it has no run\.json/ });
  writeFileSync(join(folder, 'run.json'), '{"kind":"bench"}');
  await t.throwsAsync(auditRun(folder), { instanceOf: UsageError, message: /not the run of a soak, but of "bench"/ });
});
