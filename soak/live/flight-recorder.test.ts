import fs, {
  appendFileSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import {
  COMPACTED_NAME,
  type CompactedEvents,
  type RecordedLine,
  compactedLine,
  readHistory,
  segmentName,
} from '../guarantee/recorded-history.ts';
import { FlightRecorder } from './flight-recorder.ts';
import { openFilesAt } from './testing/open-files.ts';

const BYTES_MAX = 256 * 1024;

/** A clock whose timers run when they are told to. */
function heldClock(): { readonly clock: Clock; readonly due: (() => void)[] } {
  const due: (() => void)[] = [];
  const clock: Clock = {
    nowNs: () => 0,
    after(_delayMs, call) {
      due.push(call);
      return { clear: () => void due.splice(due.indexOf(call), 1) };
    },
    soon: (call) => call(),
  };
  return { clock, due };
}

function foundEvent(n: number, detail: string): HistoryEvent {
  if (n % 3 === 0) return { atNs: n, event: 'ready', process: detail };
  return { atNs: n, event: 'violation', process: 'chunker-0', kind: 'lost', detail };
}

/** Records events whose texts have these lengths. */
function record(folder: string, lengths: readonly number[], bytesMax = BYTES_MAX): HistoryEvent[] {
  const recorder = new FlightRecorder(folder, { clock: heldClock().clock, bytesMax, compactedLinesMax: 6 });
  const events = lengths.map((length, index) => foundEvent(index + 1, 'x'.repeat(length)));
  for (const [index, event] of events.entries()) recorder.add({ n: index + 1, event });
  recorder.close();
  return events;
}

function bytesOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function compactedOf(lines: readonly RecordedLine[]): CompactedEvents[] {
  return lines.flatMap((line) => (line.what === 'compacted' ? [line.compacted] : []));
}

function segmentsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name !== COMPACTED_NAME)
    .toSorted();
}

const lengths = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 0, maxLength: 400 });

test('whatever a run records is read back, whole or as counts, and never takes more room than the bound', (t) => {
  fc.assert(
    fc.property(lengths, fc.constantFrom(BYTES_MAX, 2 * BYTES_MAX), (texts, bytesMax) => {
      const folder = temporaryFolder(t);
      const events = record(folder, texts, bytesMax);
      t.true(bytesOf(folder) <= bytesMax, `${bytesOf(folder)} bytes`);
      let n = 0;
      for (const line of readHistory(folder)) {
        if (line.what === 'event') {
          n += 1;
          t.deepEqual(line.event, { n, ...(events[n - 1] as HistoryEvent) } as typeof line.event);
        } else if (line.what === 'compacted') {
          const { firstN, lastN, fromNs, toNs, kinds } = line.compacted;
          const counted: Record<string, number> = {};
          for (const { event } of events.slice(firstN - 1, lastN)) counted[event] = (counted[event] ?? 0) + 1;
          t.deepEqual({ ...kinds }, counted);
          t.deepEqual([firstN, fromNs, toNs], [n + 1, firstN, lastN]);
          n = lastN;
        } else t.fail('nothing is torn');
      }
      t.is(n, events.length);
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

test('the oldest segments become counts when there is no room, and the newest events stay', (t) => {
  const folder = temporaryFolder(t);
  record(
    folder,
    Array.from({ length: 2_000 }, () => 900),
  );
  const lines = [...readHistory(folder)];
  const compacted = compactedOf(lines);
  t.true(compacted.length > 1 && compacted.length <= 6);
  t.is(compacted[0]?.firstN, 1);
  const kept = lines.flatMap((line) => (line.what === 'event' ? [line.event.n] : []));
  t.is(kept.at(-1), 2_000);
  t.true(kept.length * 900 > BYTES_MAX / 2, `${kept.length} events are kept`);
});

test('an event that is as long as a segment is counted where it stood', (t) => {
  const folder = temporaryFolder(t);
  record(folder, [10, BYTES_MAX / 32, 10]);
  const lines = [...readHistory(folder)];
  t.deepEqual(
    lines.map(({ what }) => what),
    ['event', 'compacted', 'event'],
  );
  t.like(compactedOf(lines)[0], { firstN: 2, lastN: 2, firstSegment: null, kinds: { violation: 1 } });
});

test('what was recorded is in the file once its timer has run, whoever is killed then', (t) => {
  const folder = temporaryFolder(t);
  const { clock, due } = heldClock();
  const recorder = new FlightRecorder(folder, { clock });
  for (const n of [1, 2]) recorder.add({ n, event: foundEvent(n, 'planted') });
  t.is(due.length, 1);
  t.is([...readHistory(folder)].length, 0);
  due[0]?.();
  t.is([...readHistory(folder)].length, 2);
  recorder.add({ n: 3, event: foundEvent(3, 'planted') });
  t.is(due.length, 1);
  recorder.close();
  t.is(due.length, 0);
  t.is([...readHistory(folder)].length, 3);
});

test('a last line that is torn anywhere is told as torn, and everything before it is read', (t) => {
  const folder = temporaryFolder(t);
  record(folder, [5, 10, 20]);
  const path = join(folder, segmentName(1));
  const whole = readFileSync(path);
  const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
  for (let length = lastLine; length < whole.length; length += 1) {
    truncateSync(path, length);
    const lines = [...readHistory(folder)];
    t.is(lines.filter(({ what }) => what === 'event').length, 2);
    const torn = { what: 'torn', path, byteLength: length - lastLine } as const;
    t.deepEqual(lines.slice(2), length === lastLine ? [] : [torn]);
    writeFileSync(path, whole);
  }
});

/** Damages of a folder with three segments or more, and the message about each. */
const DAMAGES: readonly (readonly [what: string, damage: (folder: string) => void, said: RegExp])[] = [
  ['a line that is no event', (folder) => spoil(folder, 1, '{"n":3}'), /000\d+\.ndjson:3: not a line of a history/],
  ['a line that is no JSON', (folder) => spoil(folder, 1, '{"n":3,'), /:3: not a line of a history/],
  ['a line that is missing', (folder) => spoil(folder, 1, null), /:3: event \d+ should stand here, and not \d+/],
  ['a segment that is missing', (folder) => rmSync(segmentAt(folder, 1)), /the segment before it is missing/],
  ['a segment that is torn before the last one', (folder) => cut(segmentAt(folder, 1)), /:\d+: it has no end/],
  ['a segment that was emptied', (folder) => truncateSync(segmentAt(folder, 1)), /event \d+ should stand here/],
  ['counts that are missing', (folder) => rmSync(join(folder, COMPACTED_NAME)), /the segment before it is missing/],
  ['counts that are torn', (folder) => cut(join(folder, COMPACTED_NAME)), /compacted\.ndjson:\d+: it has no end/],
  ['counts that are too few', miscount, /are not so many as it counts/],
];

function segmentAt(folder: string, index: number): string {
  return join(folder, segmentsOf(folder)[index] ?? '');
}

/** Replaces the third line of a segment, or removes it. */
function spoil(folder: string, segment: number, line: string | null): void {
  const path = segmentAt(folder, segment);
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, lines.toSpliced(2, 1, ...(line === null ? [] : [line])).join('\n'));
}

function cut(path: string): void {
  truncateSync(path, statSync(path).size - 1);
}

function miscount(folder: string): void {
  const path = join(folder, COMPACTED_NAME);
  const [first] = compactedOf([...readHistory(folder)]);
  const rest = readFileSync(path, 'utf8').split('\n').slice(1).join('\n');
  if (first !== undefined) writeFileSync(path, compactedLine({ ...first, kinds: { ready: 1 } }) + rest);
}

for (const [what, damage, said] of DAMAGES) {
  test(`${what} is refused by name`, (t) => {
    const folder = temporaryFolder(t);
    record(
      folder,
      Array.from({ length: 800 }, () => 500),
    );
    t.notThrows(() => [...readHistory(folder)]);
    damage(folder);
    const error = t.throws(() => [...readHistory(folder)]);
    t.like(error, { code: 'ERR_HISTORY_DAMAGED' });
    t.regex(error?.message ?? '', said);
  });
}

test('a segment that was counted and not yet removed is told once', (t) => {
  const folder = temporaryFolder(t);
  record(
    folder,
    Array.from({ length: 800 }, () => 500),
  );
  const before = [...readHistory(folder)];
  const removed = compactedOf(before).at(-1)?.lastSegment ?? 0;
  appendFileSync(join(folder, segmentName(removed)), 'it was about to be removed\n');
  t.deepEqual([...readHistory(folder)], before);
});

test('a folder without a history is named', (t) => {
  const folder = temporaryFolder(t);
  t.like(
    t.throws(() => [...readHistory(folder)]),
    { code: 'ERR_NO_HISTORY' },
  );
});

test.serial('a history that cannot be written is given up by name, and the run goes on', (t) => {
  const folder = temporaryFolder(t);
  const said: string[] = [];
  const { clock, due } = heldClock();
  const recorder = new FlightRecorder(folder, { clock, onUnwritten: (line) => said.push(line) });
  const [file] = openFilesAt(join(folder, segmentName(1)));
  closeSync(file?.descriptor ?? -1);
  recorder.add({ n: 1, event: foundEvent(1, 'planted') });
  due[0]?.();
  recorder.add({ n: 2, event: foundEvent(2, 'planted') });
  recorder.close();
  t.is(said.length, 1);
  t.true(said[0]?.includes(folder) === true && said[0].includes('EBADF'), said[0]);
  t.deepEqual(recorder.unwritten, said);
});

test.serial('a history that was given up has no file open once it is closed', (t) => {
  const folder = temporaryFolder(t);
  const { clock, due } = heldClock();
  const recorder = new FlightRecorder(folder, { clock });
  t.is(openFilesAt(folder).length, 1);
  recorder.add({ n: 1, event: foundEvent(1, 'planted') });
  const { writeSync } = fs;
  try {
    fs.writeSync = () => {
      throw Object.assign(new Error('planted'), { code: 'ENOSPC' });
    };
    syncBuiltinESMExports();
    due[0]?.();
  } finally {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  }
  t.is(recorder.unwritten.length, 1);
  recorder.close();
  t.deepEqual(openFilesAt(folder), []);
});
