/** What an absent reader may keep, for how long, and what other readers have of it. */

import test from 'ava';
import { nameKey, sealRow } from '../../store/row.ts';
import { SUMS_JOURNAL, type ShardEpoch, chunkJournal } from '../journals.ts';
import { BrokerHarness, MIB, sums } from '../testing/broker-harness.ts';
import { fill, raised } from '../testing/broker-requests.ts';
import { PINS_MAX } from './pins.ts';

const SUMS_BYTES = 64 * 1024;
/** 100 sums. */
const BATCH_BYTES = 48 + 64 * 100;

async function start(changes: Partial<BrokerHarness['config']> = {}): Promise<BrokerHarness> {
  return BrokerHarness.start({
    retentionBytes: 2 * MIB,
    sumsBytes: SUMS_BYTES,
    pinAbsenceMs: 10_000,
    pinPatienceMs: 5_000,
    ...changes,
  });
}

async function pass(harness: BrokerHarness, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    await harness.clock.advance(500);
    harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
    await harness.commitAll();
  }
}

/** The sums of the `at`-th batch of 100. */
function publish(harness: BrokerHarness, at: number, owner: ShardEpoch): Promise<unknown> {
  return harness.appended(SUMS_JOURNAL, sums(at * 100, 100, owner), owner);
}

function pin(harness: BrokerHarness, name: string): Promise<unknown> {
  return harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name });
}

function move(harness: BrokerHarness, name: string, offset = 0): Promise<unknown> {
  return harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name, offset });
}

function leave(harness: BrokerHarness, name: string, offset = 0): Promise<unknown> {
  return harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name, offset, isLeaving: true });
}

const MOVED = { outcome: 'moved' };
const MISSING = { outcome: 'missing' };

test('a broker that restarts more often than a pin may be absent drops it all the same', async (t) => {
  const harness = await start();
  for (const name of ['absent', 'present']) await pin(harness, name);
  for (let life = 0; life < 6; life += 1) {
    await pass(harness, 3_000);
    t.deepEqual(await move(harness, 'present'), MOVED);
    await harness.restart(life % 2 === 0 ? 'lost' : 'durable');
  }
  t.deepEqual(await move(harness, 'absent'), MISSING);
  t.deepEqual(
    harness.dropped.map(({ name, why, journal }) => `${name} ${why} ${journal}`),
    ['absent absent sums'],
  );
  await harness.restart();
  t.deepEqual(await move(harness, 'absent'), MISSING);
  t.deepEqual(await move(harness, 'present'), MOVED);
});

test('the time in which no broker served is nobody’s absence', async (t) => {
  const harness = await start();
  await pin(harness, 'reader');
  for (let life = 0; life < 5; life += 1) {
    await pass(harness, 1_000);
    // Another boot, whose clock may show any time.
    harness.bootHash += 1;
    await harness.clock.advance(60_000);
    await harness.restart();
  }
  t.deepEqual(await move(harness, 'reader'), MOVED);
});

test('a reader that is back is not dropped for an absence that was written before', async (t) => {
  const harness = await start();
  await pin(harness, 'reader');
  await pass(harness, 9_000);
  t.deepEqual(await move(harness, 'reader'), MOVED);
  await harness.commitAll();
  await harness.restart();
  await pass(harness, 3_000);
  t.deepEqual(await move(harness, 'reader'), MOVED);
  t.deepEqual(harness.dropped, []);
});

test('a reader that has taken leave may be away for any time, over restarts and late requests', async (t) => {
  const harness = await start();
  const owner = await raised(harness);
  await pin(harness, 'away');
  await publish(harness, 0, owner);
  t.deepEqual(await leave(harness, 'away'), MOVED);
  await harness.restart();
  // An earlier message of the reader arrives once more.
  t.deepEqual(await move(harness, 'away'), MOVED);
  await pass(harness, 60_000);
  t.deepEqual(await move(harness, 'away', BATCH_BYTES), MOVED);
  // The reader is back: from now on it counts as absent like any other.
  await pass(harness, 11_000);
  t.deepEqual(await move(harness, 'away', BATCH_BYTES), MISSING);
});

test('leave is durable when it is answered', async (t) => {
  const harness = await start();
  await pin(harness, 'away');
  const id = harness.call({ op: 'move-hold', journal: SUMS_JOURNAL, name: 'away', offset: 0, isLeaving: true });
  await harness.clock.settle();
  t.is(harness.answer(id), undefined);
  await harness.commitAll();
  t.deepEqual(harness.answer(id), MOVED);
});

for (const left of [false, true]) {
  test(`an absent pin (leave taken: ${left}) that keeps more than half of the room is dropped`, async (t) => {
    const harness = await start({ pinAbsenceMs: 600_000 });
    const owner = await raised(harness);
    for (const name of ['absent', 'present']) await pin(harness, name);
    if (left) await leave(harness, 'absent');
    // The healthy reader reads everything. A batch a second fills half of the room in 6 s, and all of it in 10 s.
    for (let at = 0; at < 40; at += 1) {
      t.like(await publish(harness, at, owner), { outcome: 'committed' }, `batch ${at}`);
      t.deepEqual(await move(harness, 'present', (at + 1) * BATCH_BYTES), MOVED);
      await pass(harness, 1_000);
    }
    t.deepEqual(await move(harness, 'absent'), MISSING);
    const [dropped] = harness.dropped;
    t.like(dropped, { journal: SUMS_JOURNAL, name: 'absent', why: 'in the way', roomBytes: SUMS_BYTES });
    t.true((dropped?.keptBytes ?? 0) > SUMS_BYTES / 2 && (dropped?.keptBytes ?? 0) <= SUMS_BYTES);
    t.is(harness.dropped.length, 1);
  });
}

test('a pin that is repeated but never moves is dropped; a pin that moves slows its writers and stays', async (t) => {
  const harness = await start();
  const owner = await raised(harness);
  for (const name of ['stuck', 'slow']) await pin(harness, name);
  let published = 0;
  let refused = 0;
  for (let second = 0; second < 60; second += 1) {
    const outcome = (await publish(harness, published, owner)) as { outcome: string };
    if (outcome.outcome === 'committed') published += 1;
    else refused += 1;
    await move(harness, 'stuck');
    // One batch in four seconds.
    t.deepEqual(await move(harness, 'slow', Math.min(published, Math.floor(second / 4)) * BATCH_BYTES), MOVED);
    await pass(harness, 1_000);
  }
  t.deepEqual(
    harness.dropped.map(({ name }) => name),
    ['stuck'],
  );
  t.true(refused > 10 && published > 15, `${published} published, ${refused} refused`);
});

test('a pin that keeps no more than its part stays as long as it may be absent', async (t) => {
  const harness = await start({ pinAbsenceMs: 30_000 });
  const owner = await raised(harness);
  await pin(harness, 'reader');
  const within = Math.floor(SUMS_BYTES / 2 / BATCH_BYTES);
  for (let at = 0; at < within; at += 1) await publish(harness, at, owner);
  await pass(harness, 29_000);
  t.deepEqual(await move(harness, 'reader'), MOVED);
  // Patience counts from the moment at which the reader could have read and did not.
  await publish(harness, within, owner);
  await pass(harness, 6_000);
  t.deepEqual(await move(harness, 'reader'), MISSING);
});

test('an auditor that has read all folded chunks is not dropped for chunks that wait for their shard', async (t) => {
  const harness = await start({ pinAbsenceMs: 600_000 });
  const owner = await raised(harness);
  const journal = chunkJournal(0);
  const name = 'auditor';
  await harness.ask({ op: 'hold', journal, name });
  const batchBytes = 16 * 1024;
  const batches = await fill(harness, batchBytes);
  // The summer is down, the journal is full, and the auditor has nothing to read.
  await pass(harness, 20_000);
  t.deepEqual(await harness.ask({ op: 'move-hold', journal, name, offset: 0 }), MOVED);
  // Now the auditor has something to read.
  t.like(await harness.ask({ op: 'report', owner, offset: batches * batchBytes }), { outcome: 'reported' });
  await pass(harness, 4_000);
  t.deepEqual(await harness.ask({ op: 'move-hold', journal, name, offset: 0 }), MOVED);
  await pass(harness, 2_000);
  t.deepEqual(await harness.ask({ op: 'move-hold', journal, name, offset: 0 }), MISSING);
});

test('a journal has so many pins, a name that it has is no new one, and one that is released makes room', async (t) => {
  const harness = await start();
  for (let at = 0; at < PINS_MAX; at += 1) harness.call({ op: 'hold', journal: SUMS_JOURNAL, name: `reader-${at}` });
  await harness.commitAll();
  t.regex(JSON.stringify(await pin(harness, 'another')), /refused.*sums has 1024 pins: retire/);
  t.like(await pin(harness, 'reader-7'), { offset: 0 });
  await harness.ask({ op: 'release', journal: SUMS_JOURNAL, name: 'reader-9' });
  t.like(await pin(harness, 'another'), { offset: 0 });
});

test('a row of a pin by an older build, which has the offset alone, is one that was just heard', async (t) => {
  const harness = await start();
  await pin(harness, 'reader');
  await harness.commitAll();
  const key = nameKey(harness.config.partitions, 'reader');
  const written = harness.store.commit([{ table: 'holds', key, value: sealRow({ offset: 0 }) }]);
  await harness.commitAll();
  await written;
  await harness.restart();
  await pass(harness, 9_000);
  t.deepEqual(await move(harness, 'reader'), MOVED);
});
