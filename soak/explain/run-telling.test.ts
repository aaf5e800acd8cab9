import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import type { LogEntry } from '../guarantee/history-log.ts';
import { Chronicle } from '../guarantee/story/chronicle.ts';
import { FilePaths } from '../guarantee/story/file-path.ts';
import { tellingLines, whyOf } from '../guarantee/story/telling.ts';
import { FlightRecorder } from '../live/flight-recorder.ts';
import { planOf, workloadOf } from '../simulation/plan.ts';
import { simulate } from '../simulation/simulate.ts';
import { tellRun } from './run-telling.ts';

/** A simulated run as a soak writes it: the events are real. */
const ENTRIES: Promise<readonly LogEntry[]> = (async () => {
  const entries: LogEntry[] = [];
  await simulate(planOf(3, workloadOf(3)), { listener: (entry) => void entries.push(entry) });
  return entries;
})();

const FAULTS =
  'id,kind,target,moment,planned_s,injected_s,proven_s,healed_s,recovered_s,evidence\r\n' +
  '1,kill-summer,summer-0,random,1,1.5,1.6,2,2.5,SIGKILL\r\n2,kill-broker,broker,random,3,3.5,,,,\r\n';
const VIOLATIONS =
  'elapsed_s,kind,process,journal,offset,file_id,index,detail\r\n12.5,gap,chunker-0,sums,77,,,planted\r\n';
const INTERVALS =
  'elapsed_s,phase,chunks_published,sums_verified\r\n1,warm-up,10,0\r\n2,steady,20,3\r\n3,steady,30,4\r\n';

function folderOf(t: ExecutionContext, run: object, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-explain-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'logs'));
  const whole = { kind: 'soak', seed: 7, verdict: 'HOLDS', reasons: [], configuration: {}, digests: {}, ...run };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(whole));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const SHARED = mkdtempSync(join(tmpdir(), 'stream-sum-explain-history-'));
test.after.always('the folder that tests share is removed', () => rmSync(SHARED, { recursive: true }));

/** The history of this run, written once. */
const HISTORY: Promise<string> = (async () => {
  const history = join(SHARED, 'history');
  const recorder = new FlightRecorder(history, { clock: new ManualClock() });
  for (const entry of await ENTRIES) recorder.add(entry);
  recorder.close();
  return history;
})();

async function withHistory(folder: string): Promise<string> {
  cpSync(await HISTORY, join(folder, 'history'), { recursive: true });
  return folder;
}

test('the story of a folder is told from its history, event by event', async (t) => {
  const telling = tellRun(await withHistory(folderOf(t, {}, { 'faults.csv': FAULTS })));
  t.is(telling.chronicle.events.length, (await ENTRIES).length);
  t.is(telling.verdict, 'HOLDS');
  const lines = tellingLines(telling, {});
  t.regex(lines[0] ?? '', /\(seed 7\): HOLDS, 92\.1 s, [\d,]+ events$/);
  t.true(lines.some((line) => /faults: [\d,]+ records folded/.test(line)));
  // The history has more faults than the table, and wins. The table adds what it knows.
  t.true(lines.some((line) => /fault 1: takeover of summer-0.*healed at 2 s, recovered at 2\.5 s/.test(line)));
  const paths = new FilePaths(telling.chronicle);
  const [file = ''] = paths.known;
  t.regex(tellingLines(telling, { file }).join('\n'), /its sum verified by chunker-\d/);
});

test('a chunk whose batch has no stamp is told as durable before it is told as folded', async (t) => {
  const { chronicle } = tellRun(await withHistory(folderOf(t, {})));
  const unstamped = chronicle.events.map((event) => (event.event === 'batch' ? { ...event, stampNs: 0 } : event));
  const paths = new FilePaths(new Chronicle(unstamped, { holes: [] }));
  let chunks = 0;
  for (const { steps } of paths.of(paths.known)) {
    for (const [index, { stage, atNs, n }] of steps.entries()) {
      if (stage !== 'durable') continue;
      chunks += 1;
      t.is(atNs, null);
      t.true(steps.findIndex((step) => step.stage === 'folded' && step.n === n) > index);
      t.true(steps.every((step, place) => step.stage !== 'sum' || place > index));
    }
  }
  t.true(chunks > 100, `${chunks} batches`);
});

test('a run that was killed while writing its history is told as far as the history goes', async (t) => {
  const folder = await withHistory(folderOf(t, { verdict: null }));
  truncateSync(join(folder, 'history', '000001.ndjson'), 100_000);
  const telling = tellRun(folder);
  t.regex(telling.verdict, /not ended, or killed/);
  t.regex(telling.remarks.join('\n'), /ends in the middle of a line/);
  t.true(telling.chronicle.events.length > 10);
});

test('a history that is damaged is told up to the damage, which is named', async (t) => {
  const folder = await withHistory(folderOf(t, {}));
  writeFileSync(join(folder, 'history', '000001.ndjson'), '{"n":2}\n{"n":3}\n');
  t.regex(tellRun(folder).remarks.join('\n'), /damaged at .*000001\.ndjson:1: .*; what stands before that is told/);
});

test('a folder without a history says so, and tells what its tables say', (t) => {
  const files = { 'faults.csv': FAULTS, 'violations.csv': VIOLATIONS, 'intervals.csv': INTERVALS };
  const reasons = ['chunker-0: gap journal=sums offset=77: planted', 'nothing flowed'];
  const telling = tellRun(folderOf(t, { verdict: 'VIOLATED', reasons }, files));
  const lines = tellingLines(telling, {}).join('\n');
  t.regex(lines, /this folder has no history/);
  t.regex(lines, /phase steady, to 3 s: 50 chunks published, 7 sums verified/);
  t.regex(lines, /1\.500000 s {2}fault 1: kill-summer of summer-0, hit at 1\.600000 s/);
  t.regex(lines, /3\.500000 s {2}fault 2: kill-broker of broker, not seen to hit, not healed, not recovered/);
  t.deepEqual(telling.doubts, ['nothing flowed']);
  const why = whyOf(telling).join('\n');
  t.regex(why, /^why: chunker-0: gap journal=sums offset=77: planted/);
  t.regex(why, /unknown: the events of this history do not tell what caused them/);
});

test('a process that failed has the stack of its log, whose lines name sources', (t) => {
  const reason = 'summer-0: pid 7 exited unexpectedly with 1 (internal error)';
  const reasons = [reason, `  summer-0's log: {"level":"fatal"}`];
  const folder = folderOf(t, { verdict: 'INCONCLUSIVE', reasons });
  const compiled = new URL('./run-telling.js', import.meta.url).pathname;
  const stack = `Error: planted\n    at run (${compiled}:25:10)`;
  writeFileSync(join(folder, 'logs', 'summer-0.log'), `${JSON.stringify({ level: 'fatal', stack })}\n{"half`);
  const telling = tellRun(folder);
  t.deepEqual(telling.doubts, []);
  t.regex(
    tellingLines(telling, {}).join('\n'),
    /exited unexpectedly with 1 \(internal error\)\n +at run \(soak\/explain\/run-telling\.ts:\d+:\d+\)/,
  );
});

test('a folder that is not that of a soak is a usage error that says why', (t) => {
  const nothing = join(tmpdir(), 'stream-sum-test-nothing-is-here');
  t.throws(() => tellRun(nothing), {
    instanceOf: UsageError,
    message: /is not the folder of a run: it has no run\.json/,
  });
  t.throws(() => tellRun(folderOf(t, { kind: 'bench' })), { instanceOf: UsageError, message: /not the run of a soak/ });
  t.throws(() => tellRun(folderOf(t, { reasons: 'x' })), {
    instanceOf: UsageError,
    message: /run\.json: its field "reasons" is not what a soak writes/,
  });
});
