import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BROKER_TABLES, CONFIG_KEY } from '../../src/journal/broker/tables.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../src/journal/journals.ts';
import { openLmdbStore } from '../../src/store/lmdb-store.ts';
import { keyOf, offsetKey, sealRow } from '../../src/store/row.ts';
import { type Write, WriteBatch } from '../../src/store/store.ts';
import { SUMMER_TABLES } from '../../src/summer/rows.ts';
import { Shard } from '../../src/summer/shard.ts';
import type { BatchEvent } from '../guarantee/checkers/batch-reader.ts';
import { type Tampering, buildHistory } from '../guarantee/checkers/testing/history-builder.ts';
import type { HistoryEvent } from '../guarantee/history.ts';
import { violationLine } from '../guarantee/violation.ts';
import { type Producer, type StoredFindings, recheckStores } from './stores.ts';

const PARTITIONS = 3;
/** Every file has data, so that a changed record changes its state. */
const WORKLOAD = { seed: 3, chunks: { low: 3, high: 6 }, chunkBytes: { low: 60, high: 90 } } as const;
/** A record that is so long has data, and ends with a byte of the data. */
const DATA_RECORD_BYTES = 60;

/** What the stores hold. Parts are of the batches of the first chunk journal. */
type Stores = {
  readonly journals?: Tampering;
  /** What the summer has folded instead of what is in the journals; absent: the same. */
  readonly state?: Tampering;
  readonly folded?: number;
  readonly trimmed?: number;
  /** How many batches the head is behind what the summer could fold. */
  readonly lostBatches?: number;
};

/** The findings in the stores of a broker and a summer with the journals of a built history. */
async function findingsIn(
  t: ExecutionContext,
  { journals = {}, state = journals, folded = 0.5, trimmed = 0, lostBatches = 0 }: Stores,
): Promise<{ readonly stored: StoredFindings; readonly lines: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-stores-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const events = buildHistory({ ...WORKLOAD, partitions: PARTITIONS, tampering: journals });
  const foldable = firstOf(batchesOf(buildHistory({ ...WORKLOAD, partitions: PARTITIONS, tampering: state })));
  await writeSummer(join(folder, 'summer-0'), foldable.slice(0, Math.floor(foldable.length * folded)));
  const batches = batchesOf(events);
  const first = firstOf(batches);
  const kept = new Set(first.slice(Math.floor(first.length * trimmed), first.length - lostBatches));
  const left = batches.filter((batch) => batch.journal !== chunkJournal(0) || kept.has(batch));
  await writeBroker(join(folder, 'broker'), left, join(folder, 'summer-0'));
  const producers = events.filter((event): event is Producer => event.event === 'producer');
  const stored = await recheckStores(folder, producers);
  const violations = stored.findings.flatMap((found) => found.violations);
  return { stored, lines: violations.map(violationLine) };
}

function batchesOf(events: readonly HistoryEvent[]): BatchEvent[] {
  return events.filter((event): event is BatchEvent => event.event === 'batch');
}

function firstOf(batches: readonly BatchEvent[]): BatchEvent[] {
  return batches.filter(({ journal }) => journal === chunkJournal(0));
}

async function writeBroker(folder: string, batches: readonly BatchEvent[], summer: string): Promise<void> {
  const writes: Write[] = [
    { table: 'config', key: CONFIG_KEY, value: sealRow({ partitions: PARTITIONS }) },
    { table: 'shards', key: keyOf(0), value: sealRow({ epoch: 1, confirmed: summer }) },
  ];
  for (let number = 0; number <= PARTITIONS; number += 1) {
    const name = number === PARTITIONS ? SUMS_JOURNAL : chunkJournal(number);
    const own = batches.filter(({ journal }) => journal === name);
    const row = { begin: own[0]?.begin ?? 0, head: own.at(-1)?.end ?? 0 };
    writes.push({ table: 'journals', key: keyOf(number), value: sealRow(row) });
    for (const { begin, bytes } of own) {
      writes.push({ table: 'batches', key: offsetKey(number, begin), value: Buffer.from(bytes) });
    }
  }
  const store = await openLmdbStore({ folder, kind: 'broker', tables: BROKER_TABLES });
  await store.commit(writes);
  await store.close();
}

async function writeSummer(folder: string, batches: readonly BatchEvent[]): Promise<void> {
  const store = await openLmdbStore({ folder, kind: 'summer', tables: SUMMER_TABLES });
  const shard = new Shard(0, store);
  for (const batch of batches) shard.fold(batch);
  const written = new WriteBatch();
  shard.write(written);
  await store.commit(written.writes);
  await store.close();
}

test('stores that are right have no finding, whole or trimmed as they were folded', async (t) => {
  const whole = await findingsIn(t, {});
  t.deepEqual(whole.lines, []);
  t.true(whole.stored.batches > 50);
  t.is(whole.stored.states, 1);
  t.regex(whole.stored.what, /, 100\.0 % of all that was in the journals, and 1 states of shards$/);
  const trimmed = await findingsIn(t, { trimmed: 0.4 });
  t.deepEqual(trimmed.lines, []);
  t.true(trimmed.stored.batches < whole.stored.batches);
});

/** What is planted in the stores, and the line that must name it. */
const PLANTED: readonly (readonly [what: string, stores: Stores, said: RegExp])[] = [
  [
    'a record that the seed does not say',
    { journals: { record: (record, { index }) => [index === 7 ? changed(record) : record] } },
    /^stores: mismatched journal=\S+ .*: the record differs from what the seed says$/m,
  ],
  [
    'a state of other bytes than the seed says',
    { state: { record: (record) => [changed(record)] } },
    /^stores: mismatched .*: after chunk \d+ the state is \S+ of \d+ bytes, and should be /m,
  ],
  [
    'a sum of another digest',
    {
      journals: {
        sum: (sum, { index }) => [index === 1 ? { ...sum, digest: sum.digest.replace(/^./, flippedDigit) } : sum],
      },
    },
    /^stores: mismatched journal=sums .*: the sum \S+ of \d+ bytes should be /m,
  ],
  [
    'a second sum of a file',
    { journals: { sum: (sum, { index }) => (index === 1 ? [sum, sum] : [sum]) } },
    /^stores: duplicate journal=sums .*: a second sum of the file$/m,
  ],
  [
    'a sum of a file of nobody',
    { journals: { sum: (sum, { index }) => [sum, ...(index === 1 ? [{ ...sum, fileId: 'f'.repeat(32) }] : [])] } },
    /^stores: phantom journal=sums .*: a sum of a file that is none of this run$/m,
  ],
  [
    'a state beyond the end of its journal',
    { folded: 1, lostBatches: 1 },
    /^stores: state-ahead journal=\S+ offset=\d+: shard 0 is folded beyond \d+$/m,
  ],
  [
    'a journal that was trimmed above a state',
    { folded: 0.3, trimmed: 0.6 },
    /^stores: acknowledged-loss journal=\S+ offset=\d+: shard 0 is folded to here, and the journal begins at \d+$/m,
  ],
];

for (const [what, stores, said] of PLANTED) {
  test(`${what} is found in the stores`, async (t) => {
    const { lines } = await findingsIn(t, stores);
    t.regex(lines.join('\n'), said);
  });
}

function changed(record: Buffer): Buffer {
  if (record.length < DATA_RECORD_BYTES) return record;
  const copy = Buffer.from(record);
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
  return copy;
}

function flippedDigit(digit: string): string {
  return digit === '0' ? '1' : '0';
}
