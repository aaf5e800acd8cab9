import { appendFileSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import type { Clock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import { buildHistory } from '../guarantee/checkers/testing/history-builder.ts';
import { soakHistory } from '../guarantee/checkers/testing/soak-history.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import type { LogEntry } from '../guarantee/history-log.ts';
import { isLoggedEvent } from '../guarantee/logged-event.ts';
import { type WholeRead, readWholeHistory, tellWholeHistory, wholeSegmentName } from '../guarantee/whole-history.ts';
import { openFilesAt } from './testing/open-files.ts';
import { WholeRecorder, type OpenSegment, type SegmentFile } from './whole-recorder.ts';

const SEGMENT_BYTES = 16 * 1024;

function entriesOf(events: readonly HistoryEvent[]): LogEntry[] {
  return events.map((event, index) => ({ n: index + 1, event }));
}

/** Events of every kind, with a cause now and then. */
function everyKind(seed: number): LogEntry[] {
  const entries = entriesOf([...buildHistory({ seed, records: 12 }), ...soakHistory()]);
  return entries.map((entry) => (entry.n % 7 === 0 ? { ...entry, cause: { kind: 'timer', from: 1 } } : entry));
}

async function keep(folder: string, entries: readonly LogEntry[], segmentBytesMax = SEGMENT_BYTES): Promise<void> {
  const clock = new ManualClock();
  const recorder = new WholeRecorder(folder, { clock, segmentBytesMax });
  for (const [index, entry] of entries.entries()) {
    recorder.add(entry);
    // Some frames have one event, and some have many.
    if (index % 50 < 3) await clock.advance(1_000);
  }
  await recorder.close();
  if (recorder.unwritten.length > 0 || recorder.remarks.length > 0) throw new Error(recorder.unwritten.join());
}

function entriesIn(reads: readonly WholeRead[]): LogEntry[] {
  return reads.flatMap((read) => (read.what === 'event' ? [read.entry] : []));
}

/** The entries as the checkers see them, whatever object holds the bytes. */
function plain(entries: readonly LogEntry[]): unknown {
  return JSON.parse(
    JSON.stringify(entries, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  );
}

test('what a run records is read back whole, payloads and causes included', async (t) => {
  for (const seed of [1, 2]) {
    const folder = join(temporaryFolder(t), 'whole');
    const entries = everyKind(seed);
    await keep(folder, entries);
    t.true(readdirSync(folder).length > 1);
    const reads = [...readWholeHistory(folder)];
    t.deepEqual(plain(entriesIn(reads)), plain(entries));
    t.deepEqual(reads.at(-1), { what: 'closed', events: entries.length });
    const told = [...tellWholeHistory(folder)];
    t.true(told.every((line) => line.what === 'event' && isLoggedEvent(JSON.parse(JSON.stringify(line.event)))));
    t.is(told.length, entries.length);
  }
});

const DAMAGES = ['flipped', 'lost', 'doubled'] as const;

test('a byte that is flipped, lost or doubled anywhere is noticed', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  await keep(folder, everyKind(3));
  const names = readdirSync(folder).toSorted();
  t.true(names.length > 2);
  const wholes = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.nat(),
      fc.integer({ min: 0, max: 7 }),
      fc.constantFrom(...DAMAGES),
      (name, place, bit, how) => {
        const whole = wholes.get(name) ?? Buffer.alloc(0);
        writeFileSync(join(folder, name), damagedCopy(whole, { at: place % whole.length, bit, how }));
        t.true(isNoticed(folder), `${how} byte ${place % whole.length} of ${name}`);
        writeFileSync(join(folder, name), whole);
      },
    ),
    { numRuns: 300 },
  );
  t.false(isNoticed(folder));
});

function damagedCopy(
  whole: Buffer,
  { at, bit, how }: { at: number; bit: number; how: (typeof DAMAGES)[number] },
): Buffer {
  if (how === 'lost') return Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)]);
  if (how === 'doubled') return Buffer.concat([whole.subarray(0, at + 1), whole.subarray(at)]);
  const copy = Buffer.from(whole);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return copy;
}

/** Whether the damage is named, or the history has no close. */
function isNoticed(folder: string): boolean {
  try {
    return [...readWholeHistory(folder)].at(-1)?.what !== 'closed';
  } catch (error) {
    return error instanceof OperatingError && error.code === 'ERR_HISTORY_DAMAGED';
  }
}

test('segments that are missing, exchanged or longer than they were are named', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  await keep(folder, everyKind(4));
  const [first = '', second = '', third = ''] = readdirSync(folder).toSorted();
  const wholes = new Map([first, second, third].map((name) => [name, readFileSync(join(folder, name))]));
  const restore = (): void => {
    for (const [name, bytes] of wholes) writeFileSync(join(folder, name), bytes);
  };
  rmSync(join(folder, second));
  t.throws(() => [...readWholeHistory(folder)], { message: /the segment before it is missing/ });
  restore();
  writeFileSync(join(folder, second), wholes.get(third) ?? '');
  t.throws(() => [...readWholeHistory(folder)], { message: /does not begin as segment 2/ });
  restore();
  truncateSync(join(folder, first), (wholes.get(first)?.length ?? 1) - 1);
  t.throws(() => [...readWholeHistory(folder)], { message: /ends within a frame, and is not the last segment/ });
  restore();
  const last = readdirSync(folder).toSorted().at(-1) ?? '';
  appendFileSync(join(folder, last), 'x');
  t.throws(() => [...readWholeHistory(folder)], { message: /goes on after its end/ });
});

test('a history of a run that was killed at any moment is read up to its last whole frame', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  const entries = everyKind(5);
  await keep(folder, entries, 2 ** 30);
  const path = join(folder, wholeSegmentName(1));
  const whole = readFileSync(path);
  let most = 0;
  fc.assert(
    fc.property(fc.nat(whole.length - 1), (length) => {
      writeFileSync(path, whole.subarray(0, length));
      const reads = [...readWholeHistory(folder)];
      const read = entriesIn(reads);
      most = Math.max(most, read.length);
      t.deepEqual(plain(read.slice(-1)), plain(read.length === 0 ? [] : entries.slice(read.length - 1, read.length)));
      const torn = reads.findIndex(({ what }) => what === 'torn');
      t.true(torn < 0 || torn === reads.length - 1);
    }),
    { numRuns: 60 },
  );
  t.true(most > 0);
});

/** A disk that writes only when it is told to. */
function heldDisk(): { readonly openSegment: OpenSegment; readonly written: Buffer[]; let: () => Promise<void> } {
  const written: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let isFree = false;
  const file: SegmentFile = {
    write: async (parts) => {
      if (!isFree) await new Promise<void>((resolve) => waiting.push(resolve));
      written.push(...parts.map((part) => Buffer.from(part)));
    },
    close: () => Promise.resolve(),
  };
  return {
    openSegment: () => Promise.resolve(file),
    written,
    let: async () => {
      isFree = true;
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function ready(n: number, process: string): LogEntry {
  return { n, event: { atNs: n, event: 'ready', process } };
}

test('what a slow disk leaves no room for is counted where it stood, and the rest is kept', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  const disk = heldDisk();
  const pendingBytesMax = 1024 * 1024;
  const { openSegment } = disk;
  const recorder = new WholeRecorder(folder, { clock: new ManualClock(), openSegment, pendingBytesMax });
  const long = 'x'.repeat(10_000);
  for (let n = 1; n <= 300; n += 1) recorder.add(ready(n, long));
  t.is(disk.written.length, 0);
  await disk.let();
  for (let n = 301; n <= 310; n += 1) recorder.add(ready(n, long));
  await recorder.close();
  writeFileSync(join(folder, wholeSegmentName(1)), Buffer.concat(disk.written));
  const reads = [...readWholeHistory(folder)];
  const dropped = reads.flatMap((read) => (read.what === 'dropped' ? [read.dropped] : []));
  t.is(dropped.length, 1);
  const [{ firstN, lastN } = { firstN: 0, lastN: 0 }] = dropped;
  t.true(firstN > 50 && firstN < 110, `${firstN}`);
  t.is(lastN, 300);
  t.is(entriesIn(reads).length, 310 - (lastN - firstN + 1));
  t.is(reads.at(-1)?.what, 'closed');
  t.regex(recorder.remarks.join('\n'), new RegExp(`lacks ${lastN - firstN + 1} of 310 events: the disk was too slow`));
  t.deepEqual(recorder.unwritten, []);
});

test('a disk that never writes holds up no end of a run, which says that the end is missing', async (t) => {
  const clock = new ManualClock();
  const { openSegment } = heldDisk();
  const recorder = new WholeRecorder(join(temporaryFolder(t), 'whole'), { clock, openSegment });
  recorder.add(ready(1, 'broker'));
  const closed = recorder.close();
  await clock.advance(60_000);
  await closed;
  t.regex(recorder.remarks.join('\n'), /lacks its end: the disk did not write it within 30 s/);
});

test('a disk without room leaves counts, and nothing is written beyond what there is room for', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  const { openSegment, written } = (() => {
    const disk = heldDisk();
    void disk.let();
    let opened = 0;
    const openOnce: OpenSegment = (path) => {
      opened += 1;
      return opened > 1 ? Promise.resolve(null) : disk.openSegment(path);
    };
    return { openSegment: openOnce, written: disk.written };
  })();
  const recorder = new WholeRecorder(folder, { clock: new ManualClock(), openSegment, segmentBytesMax: 600_000 });
  for (let n = 1; n <= 200; n += 1) {
    recorder.add(ready(n, 'x'.repeat(10_000)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await recorder.close();
  writeFileSync(join(folder, wholeSegmentName(1)), Buffer.concat(written));
  const reads = [...readWholeHistory(folder)];
  t.true(entriesIn(reads).length < 120);
  t.is(reads.at(-1)?.what, 'closed');
  t.regex(recorder.remarks.join('\n'), /lacks \d+ of 200 events: the disk had less than 537 MB left/);
});

test('a history for which there is no room from the start is given up by name', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  const clock = new ManualClock();
  const recorder = new WholeRecorder(folder, { clock, openSegment: () => Promise.resolve(null) });
  recorder.add(ready(1, 'broker'));
  await recorder.close();
  t.deepEqual(recorder.unwritten, [`there is no room for ${folder}`]);
});

test('a history that cannot be written is given up by name, and the run goes on', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  const said: string[] = [];
  const error = Object.assign(new Error('planted'), { code: 'EIO' });
  const openSegment: OpenSegment = () => Promise.resolve({ write: () => Promise.reject(error), close: async () => {} });
  const clock: Clock = new ManualClock();
  const recorder = new WholeRecorder(folder, { clock, openSegment, onUnwritten: (line) => said.push(line) });
  recorder.add(ready(1, 'x'.repeat(300_000)));
  await new Promise((resolve) => setImmediate(resolve));
  recorder.add(ready(2, 'broker'));
  await recorder.close();
  t.is(said.length, 1);
  t.true(said[0]?.includes(folder) === true && said[0].includes('planted'), said[0]);
  t.deepEqual(recorder.unwritten, said);
});

test.serial('a closed history has no file open', async (t) => {
  const folder = join(temporaryFolder(t), 'whole');
  await keep(folder, everyKind(6));
  t.deepEqual(openFilesAt(folder), []);
  t.true(readdirSync(folder).every((name) => statSync(join(folder, name)).size > 0));
});
