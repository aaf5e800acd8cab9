import test from 'ava';
import { UsageError } from '../../core/errors.ts';
import { keyOf, sealRow } from '../../store/row.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { BrokerHarness, CONFIG, MIB, chunks, endOf, sums } from '../testing/broker-harness.ts';
import { beginOf, fill, raised } from '../testing/broker-requests.ts';

const JOURNAL = chunkJournal(0);

// --- pins ---

test('a pin is made at the head with the next index of every producer, and survives a restart', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  await harness.appended(SUMS_JOURNAL, sums(0, 3, owner), owner);
  const head = 48 + 3 * 64;
  const made = await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  t.deepEqual(made, { offset: head, nextIndexes: { '0000000000000000': 3 } });
  await harness.restart();
  t.deepEqual(await harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name: 'verifier', offset: 0 }), {
    outcome: 'moved',
  });
});

test('a request for a pin that arrives again, late, does not move it past what its maker goes by', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  const made = await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  t.like(made, { offset: 0 });
  for (let index = 0; index < 40; index += 1) await harness.appended(SUMS_JOURNAL, sums(index, 1, owner), owner);
  await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'other' });
  await harness.appended(SUMS_JOURNAL, sums(40, 1, owner), owner);
  t.is(await beginOf(harness, SUMS_JOURNAL), 0);
});

test('moving a pin never makes one, never moves it back, and never beyond the head', async (t) => {
  const harness = await BrokerHarness.start({ sumsBytes: 64 * 1024 });
  const owner = await raised(harness);
  const move = (name: string, offset: number): Promise<unknown> =>
    harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name, offset });
  t.deepEqual(await move('nobody', 0), { outcome: 'missing' });
  await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  for (let index = 0; index < 8; index += 1) {
    await harness.appended(SUMS_JOURNAL, sums(index * 100, 100, owner), owner);
  }
  const batchBytes = 48 + 100 * 64;
  t.deepEqual(await move('verifier', 999_999_999), { outcome: 'beyond', head: 8 * batchBytes });
  t.is(await beginOf(harness, SUMS_JOURNAL), 0);
  await move('verifier', 4 * batchBytes);
  t.is(await beginOf(harness, SUMS_JOURNAL), 4 * batchBytes);
  await move('verifier', 2 * batchBytes);
  t.deepEqual(harness.delivered(harness.read(SUMS_JOURNAL, 4 * batchBytes)).length, 4);
});

test('a pin that nobody repeats expires, one that is repeated and those of shards never do', async (t) => {
  const harness = await BrokerHarness.start({ pinAbsenceMs: 10_000 });
  const move = (name: string): Promise<unknown> =>
    harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name, offset: 0 });
  for (const name of ['absent', 'present']) await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name });
  await harness.appended(JOURNAL, chunks(0, 1));
  for (let second = 0; second < 12; second += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
    t.deepEqual(await move('present'), { outcome: 'moved' });
  }
  t.deepEqual(await move('absent'), { outcome: 'missing' });
  t.is(await beginOf(harness, JOURNAL), 0);
  await harness.restart();
  t.deepEqual(await move('absent'), { outcome: 'missing' });
  t.deepEqual(await move('present'), { outcome: 'moved' });
});

test("an auditor holds a chunk journal below its shard's pin, until it releases it or is absent", async (t) => {
  const harness = await BrokerHarness.start({ pinAbsenceMs: 10_000 });
  const owner = await raised(harness);
  const pin = { journal: JOURNAL, name: 'auditor' } as const;
  t.deepEqual(await harness.ask({ op: 'hold', ...pin }), { offset: 0, nextIndexes: {} });
  const first = await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: 100_000 }));
  const second = await harness.appended(JOURNAL, chunks(1, 1, { dataBytes: 100_000 }));
  const [firstEnd, secondEnd] = [first, second].map((outcome) => (outcome?.outcome === 'committed' ? outcome.end : -1));
  await harness.restart();
  await harness.ask({ op: 'report', owner, offset: secondEnd ?? -1 });
  t.is(await beginOf(harness, JOURNAL), 0);
  t.deepEqual(await harness.ask({ op: 'move-hold', ...pin, offset: firstEnd ?? -1 }), { outcome: 'moved' });
  t.is(await beginOf(harness, JOURNAL), firstEnd);
  for (let seconds = 0; seconds < 12; seconds += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
  }
  await harness.commitAll();
  t.deepEqual(await harness.ask({ op: 'move-hold', ...pin, offset: 0 }), { outcome: 'missing' });
  t.is(await beginOf(harness, JOURNAL), secondEnd);
  await harness.ask({ op: 'hold', ...pin });
  t.deepEqual(await harness.ask({ op: 'release', ...pin }), { outcome: 'released' });
  t.deepEqual(await harness.ask({ op: 'move-hold', ...pin, offset: 0 }), { outcome: 'missing' });
});

test('the pin of a shard is moved by reports alone', async (t) => {
  const harness = await BrokerHarness.start();
  const name = 'shard-0';
  t.deepEqual(await harness.ask({ op: 'hold', journal: JOURNAL, name }), {
    refused: 'the pin of a shard is made with its journal',
  });
  t.deepEqual(await harness.ask({ op: 'release', journal: JOURNAL, name }), {
    refused: 'the pin of a shard is never released',
  });
  t.deepEqual(await harness.ask({ op: 'move-hold', journal: JOURNAL, name, offset: 0 }), {
    refused: 'a shard moves its pin by reports',
  });
});

// --- retention ---

test('chunks are refused at the bound, sums and the end of a producer never for them', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  const taken = await fill(harness, 100_000);
  t.is(taken, Math.floor(MIB / 100_000));
  t.is((await harness.appended(JOURNAL, chunks(taken, 1, { dataBytes: 99_928 })))?.outcome, 'refused');
  t.is((await harness.appended(SUMS_JOURNAL, sums(0, 1000, owner), owner))?.outcome, 'committed');
  const other = chunkJournal(1);
  t.is((await harness.appended(other, chunks(0, 1, { journal: other })))?.outcome, 'committed');
  t.is((await harness.appended(JOURNAL, endOf(taken)))?.outcome, 'committed');
});

test('a refused batch is taken once the shard has reported what it folded, and nobody needs it any more', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  const taken = await fill(harness, 100_000);
  await harness.ask({ op: 'report', owner, offset: 500_000 });
  t.is(await beginOf(harness, JOURNAL), 500_000);
  t.is((await harness.appended(JOURNAL, chunks(taken, 1, { dataBytes: 99_928 })))?.outcome, 'committed');
});

test('sums are refused at their own bound, and without any pin the newest half is kept', async (t) => {
  const harness = await BrokerHarness.start({ sumsBytes: 64 * 1024 });
  const owner = await raised(harness);
  const batchBytes = 48 + 64 * 100;
  const append = (at: number): Promise<unknown> => harness.appended(SUMS_JOURNAL, sums(at * 100, 100, owner), owner);
  for (let at = 0; at < 40; at += 1) t.like(await append(at), { outcome: 'committed', begin: at * batchBytes });
  const begin = (await beginOf(harness, SUMS_JOURNAL)) ?? 0;
  t.is(begin % batchBytes, 0);
  const kept = 40 * batchBytes - begin;
  t.true(kept >= 32 * 1024 && kept <= 64 * 1024, `${kept}`);
  await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  const outcomes: string[] = [];
  for (let at = 40; at < 60; at += 1) outcomes.push(((await append(at)) as { outcome: string }).outcome);
  t.deepEqual([...new Set(outcomes)], ['committed', 'refused', 'expected']);
});

test('a stream below the begin of a journal ends as trimmed and names the begin, when open too', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  await fill(harness, 100_000);
  // It may send one batch, and waits for credit at the second.
  const slow = harness.read(JOURNAL, 0, { through: 1 });
  t.is(harness.delivered(slow).length, 1);
  await harness.ask({ op: 'report', owner, offset: 300_000 });
  t.like(harness.ended(harness.read(JOURNAL, 0)), { reason: 'trimmed', begin: 300_000 });
  harness.send('a', { t: 'credit', credits: [{ stream: slow, taken: 100_000, through: 9_999_999 }] });
  t.like(harness.ended(slow), { reason: 'trimmed', begin: 300_000 });
  t.is(harness.delivered(harness.read(JOURNAL, 300_000))[0]?.begin, 300_000);
  await harness.restart();
  t.like(harness.ended(harness.read(JOURNAL, 200_000)), { reason: 'trimmed', begin: 300_000 });
});

test('one commit trims a bounded number of batches, and the following ones the rest', async (t) => {
  const harness = await BrokerHarness.start({ retentionBytes: 512 * 1024 });
  const owner = await raised(harness);
  const count = 1_300;
  const ids = Array.from({ length: count }, (_, index) => harness.append(JOURNAL, chunks(index, 1)));
  await harness.commitAll();
  t.true(ids.every((id) => harness.outcome(id)?.outcome === 'committed'));
  const { head } = (await harness.ask({ op: 'head', journal: JOURNAL })) as { head: number };
  const removed: number[] = [];
  for (let report = 0; report < 4; report += 1) {
    harness.call({ op: 'report', owner, offset: head });
    await harness.clock.settle();
    for (const { writes } of harness.held.waiting) {
      removed.push(writes.filter(({ table, value }) => table === 'batches' && value === null).length);
    }
    await harness.commitAll();
  }
  t.true(
    removed.every((batches) => batches <= 512),
    removed.join(' '),
  );
  t.is(
    removed.reduce((sum, batches) => sum + batches, 0),
    count,
  );
  t.is(await beginOf(harness, JOURNAL), head);
});

test('a store with another number of partitions is a usage error that names both', async (t) => {
  const harness = await BrokerHarness.start();
  await t.throwsAsync(harness.restart('lost', { ...CONFIG, partitions: 3 }), {
    instanceOf: UsageError,
    message: /has 2 partitions, not 3/,
  });
  const fresh = await BrokerHarness.start();
  for (const partitions of [0, 257]) {
    await t.throwsAsync(fresh.restart('lost', { ...CONFIG, partitions }), { instanceOf: UsageError });
  }
});

test('a damaged row of the store is one clear error at the start', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  harness.store.overwrite('journals', keyOf(0), sealRow({ begin: 5, head: 1 }));
  await t.throwsAsync(harness.restart(), { code: 'ERR_STORE_DAMAGED', message: /journal chunks\/part-000/ });
});
