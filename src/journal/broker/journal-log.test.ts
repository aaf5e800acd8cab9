import test from 'ava';
import fc from 'fast-check';
import { JournalLog } from './journal-log.ts';

const MIB = 1024 * 1024;
/** The least memory that a small batch was measured to take in addition to its bytes. */
const OVERHEAD_BYTES_MIN = 1024;

function makeLog(): JournalLog {
  return new JournalLog({ number: 0, name: 'chunks/part-000', kind: 'chunks', begin: 0, head: 0 });
}

/** Remembers a batch of each size; returns their offsets. */
function remember(log: JournalLog, sizes: readonly number[], bytesMax: number): number[] {
  return sizes.map((size) => {
    const begin = log.head;
    const bytes = new Uint8Array(size);
    log.tail = begin + size;
    log.remember({ begin, end: begin + size, stampNs: 1, bytes }, { bytesMax, totalBytesMax: 4 * MIB, othersBytes: 0 });
    return begin;
  });
}

function recalled(log: JournalLog, begins: readonly number[]): number[] {
  return begins.filter((begin) => log.recall(begin)?.begin === begin);
}

test('batches of one byte are kept in memory by what they cost, not by their bytes', (t) => {
  const log = makeLog();
  const begins = remember(
    log,
    Array.from({ length: 20_000 }, () => 1),
    MIB,
  );
  const kept = recalled(log, begins);
  t.true(kept.length <= MIB / OVERHEAD_BYTES_MIN, `${kept.length}`);
  t.true(kept.length >= 100, `${kept.length}`);
  t.deepEqual(kept, begins.slice(-kept.length));
});

test('of large batches about the bound stays, and the newest always, however large it is', (t) => {
  const log = makeLog();
  const begins = remember(
    log,
    Array.from({ length: 100 }, () => 64 * 1024),
    MIB,
  );
  const kept = recalled(log, begins);
  t.true(kept.length > 10 && kept.length <= 16, `${kept.length}`);
  const last = remember(log, [2 * MIB], MIB);
  t.deepEqual(recalled(log, [...begins, ...last]), last);
});

test('a batch above the part of its journal is not kept when the others have used the rest', (t) => {
  for (const [othersBytes, isKept] of [
    [MIB, true],
    [3 * MIB, false],
  ] as const) {
    const log = makeLog();
    const size = 2 * MIB;
    log.tail = size;
    const batch = { begin: 0, end: size, stampNs: 1, bytes: new Uint8Array(size) };
    log.remember(batch, { bytesMax: MIB, totalBytesMax: 4 * MIB, othersBytes });
    t.is(log.recall(0) !== undefined, isKept);
    t.is(log.recentBytes > 0, isKept);
  }
});

test('what every reader has taken leaves memory, what lies beyond stays, and later batches come after it', (t) => {
  const log = makeLog();
  const begins = remember(log, [10, 20, 30, 40], MIB);
  log.forget(30);
  t.deepEqual(recalled(log, begins), [30, 60]);
  log.forget(30);
  t.deepEqual(recalled(log, begins), [30, 60]);
  log.forget(log.head);
  t.deepEqual(recalled(log, begins), []);
  const later = remember(log, [5, 6], MIB);
  t.deepEqual(recalled(log, [...begins, ...later]), [100, 105]);
});

test('forgotten batches leave room for others under the bound', (t) => {
  const log = makeLog();
  for (let round = 0; round < 50; round += 1) {
    const begins = remember(
      log,
      Array.from({ length: 10 }, () => 64 * 1024),
      MIB,
    );
    t.deepEqual(recalled(log, begins), begins);
    log.forget(log.head);
  }
});

test('what is recalled are the newest batches without a gap, each at its own offset', (t) => {
  const size = fc.integer({ min: 2, max: 8_000 });
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 900 }),
      fc.integer({ min: 1, max: MIB }),
      (sizes, bytesMax) => {
        const log = makeLog();
        const begins = remember(log, sizes, bytesMax);
        const kept = recalled(log, begins);
        const keptBytes = log.head - (kept[0] ?? log.head);
        t.true(kept.length >= 1);
        t.deepEqual(kept, begins.slice(-kept.length));
        t.true(kept.length === 1 || keptBytes <= bytesMax);
        for (const begin of begins) t.is(log.recall(begin + 1), undefined);
      },
    ),
    { numRuns: 30 },
  );
});
