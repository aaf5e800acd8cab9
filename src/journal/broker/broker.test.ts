import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import { keyOf, sealRow } from '../../store/row.ts';
import { type JournalsInfo, SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import {
  BrokerHarness,
  CONFIG,
  MIB,
  OTHER_PRODUCER,
  PRODUCER,
  chunks,
  endOf,
  sums,
} from '../testing/broker-harness.ts';

const JOURNAL = chunkJournal(0);

async function raised(harness: BrokerHarness, shard = 0, path = '/one'): Promise<{ shard: number; epoch: number }> {
  const answer = (await harness.ask({ op: 'raise', shard, path, takeOver: true })) as { epoch: number };
  return { shard, epoch: answer.epoch };
}

async function confirmed(harness: BrokerHarness, shard = 0, path = '/one'): Promise<{ shard: number; epoch: number }> {
  const owner = await raised(harness, shard, path);
  await harness.ask({ op: 'confirm', owner, path });
  return owner;
}

/** Fills a journal with batches of this size until it refuses; gives how many it took. */
async function fill(harness: BrokerHarness, batchBytes: number, journal = JOURNAL): Promise<number> {
  for (let index = 0; ; index += 1) {
    const dataBytes = batchBytes - 48 - 24;
    const outcome = await harness.appended(journal, chunks(index, 1, { dataBytes, journal }));
    if (outcome?.outcome === 'refused') return index;
    if (outcome?.outcome !== 'committed') throw new Error(JSON.stringify(outcome));
  }
}

async function listed(harness: BrokerHarness): Promise<JournalsInfo> {
  return (await harness.ask({ op: 'list' })) as JournalsInfo;
}

async function beginOf(harness: BrokerHarness, journal: string): Promise<number | undefined> {
  return (await listed(harness)).journals.find(({ name }) => name === journal)?.begin;
}

// --- durable, then visible ---

test('neither an acknowledgement nor a batch leaves before the commit has resolved', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0, { session: 'b' });
  const append = harness.append(JOURNAL, chunks(0, 2));
  const call = harness.call({ op: 'expected', journal: JOURNAL, producer: PRODUCER });
  const again = harness.append(JOURNAL, chunks(0, 2));
  await harness.clock.settle();
  t.is(harness.held.waiting.length, 1);
  t.deepEqual(harness.sent, []);
  const head = harness.call({ op: 'head', journal: JOURNAL });
  t.deepEqual(harness.answer(head), { head: 0 });
  await harness.commit();
  t.like(harness.outcome(append), { outcome: 'committed', begin: 0 });
  t.like(harness.answer(call), { outcome: 'expected', n: 2 });
  t.like(harness.outcome(again), { outcome: 'expected', n: 2 });
  t.is(harness.delivered(stream).length, 1);
});

test('what arrives while a commit is under way goes into the next one, without a timer', async (t) => {
  const harness = await BrokerHarness.start();
  const first = harness.append(JOURNAL, chunks(0, 1));
  await harness.clock.settle();
  const others = [1, 2, 3].map((index) => harness.append(JOURNAL, chunks(index, 1)));
  await harness.commit();
  t.is(harness.outcome(first)?.outcome, 'committed');
  t.true(others.every((id) => harness.outcome(id) === undefined));
  await harness.commit();
  t.true(others.every((id) => harness.outcome(id)?.outcome === 'committed'));
  t.is(harness.held.waiting.length, 0);
});

test('what arrives within one turn shares one commit', async (t) => {
  const harness = await BrokerHarness.start();
  const appends = [0, 1, 2].map((index) => harness.append(JOURNAL, chunks(index, 1)));
  await harness.commit();
  t.true(appends.every((id) => harness.outcome(id)?.outcome === 'committed'));
});

test('a failed commit stops the broker: nothing is acknowledged any more', async (t) => {
  const harness = await BrokerHarness.start();
  harness.store.gate = () => {
    throw new Error('no space left');
  };
  const append = harness.append(JOURNAL, chunks(0, 1));
  await harness.clock.settle();
  t.is((harness.fatal as Error).message, 'no space left');
  harness.append(JOURNAL, chunks(1, 1));
  harness.call({ op: 'expected', journal: JOURNAL, producer: PRODUCER });
  await harness.clock.settle();
  t.is(harness.outcome(append), undefined);
  t.deepEqual(harness.sent, []);
});

test('the answers of a commit carry a time after it', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  harness.clock.jump(500);
  await harness.commit();
  t.like(harness.outcome(append), { outcome: 'committed', stampNs: harness.clock.nowNs() });
});

// --- what an append is answered ---

test('a batch that does not belong where it was sent is rejected with the reason', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  const inSums = (bytes: Buffer, of = owner): Promise<unknown> => harness.appended(SUMS_JOURNAL, bytes, of);
  const rejected = (outcome: unknown, reason: RegExp): void => {
    t.is((outcome as { outcome: string }).outcome, 'rejected');
    t.regex((outcome as { reason: string }).reason, reason);
  };
  rejected(await harness.appended('nowhere', chunks(0, 1, { journal: 'nowhere' })), /no journal nowhere/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { kind: 'sums' })), /sums do not go/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { producer: '0000000000000001' })), /zero byte/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { epoch: 1 })), /no epoch/);
  rejected(await inSums(chunks(0, 1, { journal: SUMS_JOURNAL })), /only sums/);
  rejected(await harness.appended(SUMS_JOURNAL, sums(0, 1, owner)), /needs its shard/);
  rejected(await inSums(sums(0, 1, { shard: 1, epoch: owner.epoch })), /not that of the shard/);
  rejected(await inSums(sums(0, 1, { shard: 0, epoch: owner.epoch + 1 })), /another epoch/);
  t.like(await inSums(sums(0, 1, owner)), { outcome: 'committed' });
});

test('a batch that was damaged or meant for another journal is corrupt, and nothing of it is appended', async (t) => {
  const harness = await BrokerHarness.start();
  const sound = chunks(0, 1);
  for (let bit = 0; bit < sound.length * 8; bit += 7) {
    const damaged = Buffer.from(sound);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.is((await harness.appended(JOURNAL, damaged))?.outcome, 'corrupt', `bit ${bit}`);
  }
  t.is((await harness.appended(JOURNAL, chunks(0, 1, { journal: chunkJournal(1) })))?.outcome, 'corrupt');
  t.is((await harness.appended(JOURNAL, new Uint8Array(0)))?.outcome, 'corrupt');
  t.like(await harness.appended(JOURNAL, sound), { outcome: 'committed', begin: 0 });
});

test('a batch above a quarter of the room of a journal is rejected, one of that size is taken', async (t) => {
  const harness = await BrokerHarness.start();
  const { batchBytesMax } = await listed(harness);
  t.is(batchBytesMax, MIB / 4);
  const outcome = await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: batchBytesMax - 71 }));
  t.is(outcome?.outcome, 'rejected');
  t.like(await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: batchBytesMax - 72 })), { outcome: 'committed' });
});

test('a producer that has ended stays ended, over a restart and by retire too', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 2));
  t.like(await harness.appended(JOURNAL, endOf(2)), { outcome: 'committed' });
  await harness.ask({ op: 'retire', journal: JOURNAL, producer: OTHER_PRODUCER });
  for (let start = 0; start < 2; start += 1) {
    for (const producer of [PRODUCER, OTHER_PRODUCER]) {
      t.deepEqual(await harness.ask({ op: 'expected', journal: JOURNAL, producer }), { outcome: 'ended' });
      for (const first of [0, 1, 2, 3]) {
        t.deepEqual(await harness.appended(JOURNAL, chunks(first, 1, { producer })), { outcome: 'ended' });
      }
    }
    await harness.restart();
  }
  t.like(await harness.appended(chunkJournal(1), chunks(0, 1, { journal: chunkJournal(1) })), { outcome: 'committed' });
});

test('retire appends the end at the next index once, however often it is asked', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 3));
  for (let run = 0; run < 3; run += 1) {
    t.deepEqual(await harness.ask({ op: 'retire', journal: JOURNAL, producer: PRODUCER }), { outcome: 'ended' });
  }
  const delivered = harness.delivered(harness.read(JOURNAL, 0));
  t.is(delivered.length, 2);
  t.like(decodeBatch(delivered[1]?.bytes ?? new Uint8Array(), JOURNAL, crc32c), { kind: 'end', firstIndex: 3 });
  t.deepEqual(await harness.ask({ op: 'retire', journal: SUMS_JOURNAL, producer: PRODUCER }), {
    refused: 'a shard has no end',
  });
});

// --- fencing ---

test('a fenced shard is answered fenced before anything else, in every request and stream', async (t) => {
  const harness = await BrokerHarness.start();
  const old = await confirmed(harness);
  await harness.appended(SUMS_JOURNAL, sums(0, 2, old), old);
  const stream = harness.read(JOURNAL, 0, { owner: old });
  const owner = await raised(harness, 0, '/two');
  t.is(owner.epoch, old.epoch + 1);
  const fenced = { outcome: 'fenced' };
  const later = { shard: 0, epoch: owner.epoch + 1 };
  for (const stale of [old, later, { shard: 9, epoch: 1 }]) {
    // Each of these would otherwise be expected, corrupt, rejected, or too large.
    t.deepEqual(await harness.appended(SUMS_JOURNAL, sums(0, 1, stale), stale), fenced);
    t.deepEqual(await harness.appended(SUMS_JOURNAL, sums(2, 1, stale), stale), fenced);
    t.deepEqual(await harness.appended(SUMS_JOURNAL, new Uint8Array(10), stale), fenced);
    t.deepEqual(await harness.appended(SUMS_JOURNAL, new Uint8Array(2 * MIB), stale), fenced);
    t.deepEqual(await harness.appended('nowhere', sums(2, 1, stale), stale), fenced);
    const producer = '0000000000000000';
    t.deepEqual(await harness.ask({ op: 'expected', journal: SUMS_JOURNAL, producer, owner: stale }), fenced);
    t.deepEqual(await harness.ask({ op: 'expected', journal: 'nowhere', producer, owner: stale }), fenced);
    t.deepEqual(await harness.ask({ op: 'report', owner: stale, offset: 0 }), fenced);
    t.deepEqual(await harness.ask({ op: 'confirm', owner: stale, path: '/three' }), fenced);
    for (const [journal, offset] of [
      [JOURNAL, 0],
      ['nowhere', 0],
      [JOURNAL, 999_999],
    ] as const) {
      t.like(harness.ended(harness.read(journal, offset, { owner: stale })), { reason: 'fenced' });
    }
  }
  t.deepEqual(harness.delivered(stream), []);
  await harness.appended(JOURNAL, chunks(0, 1));
  t.like(harness.ended(stream), { reason: 'fenced' });
  t.deepEqual(harness.delivered(stream), []);
  t.is((await listed(harness)).shards[0]?.confirmed, '/one');
});

test('epochs and confirmed stores survive a restart, and a raise that was not durable is given again', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  harness.call({ op: 'raise', shard: 0, path: '/two', takeOver: true });
  await harness.clock.settle();
  await harness.restart('lost');
  t.like((await listed(harness)).shards[0], { epoch: owner.epoch, confirmed: '/one' });
  t.deepEqual(await harness.ask({ op: 'raise', shard: 0, path: '/two', takeOver: true }), {
    outcome: 'raised',
    epoch: owner.epoch + 1,
    confirmed: '/one',
  });
});

test('a raise without take-over is replaced when another store is confirmed, and then raises nothing', async (t) => {
  const harness = await BrokerHarness.start();
  const unconfirmed = await harness.ask({ op: 'raise', shard: 0, path: '/one', takeOver: false });
  t.deepEqual(unconfirmed, { outcome: 'raised', epoch: 1, confirmed: null });
  t.deepEqual(await harness.ask({ op: 'confirm', owner: { shard: 0, epoch: 1 }, path: '/one' }), {
    outcome: 'confirmed',
  });
  t.deepEqual(await harness.ask({ op: 'raise', shard: 0, path: '/two', takeOver: false }), {
    outcome: 'replaced',
    confirmed: '/one',
  });
  t.is((await listed(harness)).shards[0]?.epoch, 1);
  t.deepEqual(await harness.ask({ op: 'raise', shard: 0, path: '/one', takeOver: false }), {
    outcome: 'raised',
    epoch: 2,
    confirmed: '/one',
  });
  t.deepEqual(await harness.ask({ op: 'raise', shard: 9, path: '/one', takeOver: true }), {
    refused: 'there is no shard 9',
  });
});

// --- holds ---

test('a hold is made at the head with the next index of every producer, and survives a restart', async (t) => {
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

test('moving a hold never makes one, never moves it back, and never beyond the head', async (t) => {
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
  t.deepEqual(await move('verifier', 999_999_999), { outcome: 'moved' });
  t.is(await beginOf(harness, SUMS_JOURNAL), 0);
  await move('verifier', 4 * batchBytes);
  t.is(await beginOf(harness, SUMS_JOURNAL), 4 * batchBytes);
  await move('verifier', 2 * batchBytes);
  t.deepEqual(harness.delivered(harness.read(SUMS_JOURNAL, 4 * batchBytes)).length, 4);
});

test('a hold that nobody repeats expires, one that is repeated and those of shards never do', async (t) => {
  const harness = await BrokerHarness.start({ holdAbsenceMs: 10_000 });
  const move = (name: string): Promise<unknown> =>
    harness.ask({ op: 'move-hold', journal: SUMS_JOURNAL, name, offset: 0 });
  for (const name of ['absent', 'present']) await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name });
  await harness.appended(JOURNAL, chunks(0, 1));
  for (let second = 0; second < 12; second += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', credits: [] });
    t.deepEqual(await move('present'), { outcome: 'moved' });
  }
  t.deepEqual(await move('absent'), { outcome: 'missing' });
  t.is(await beginOf(harness, JOURNAL), 0);
  await harness.restart();
  t.deepEqual(await move('absent'), { outcome: 'missing' });
  t.deepEqual(await move('present'), { outcome: 'moved' });
});

test('an auditor holds a chunk journal below the hold of its shard, until it releases it or is absent too long', async (t) => {
  const harness = await BrokerHarness.start({ holdAbsenceMs: 10_000 });
  const owner = await raised(harness);
  const hold = { journal: JOURNAL, name: 'auditor' } as const;
  t.deepEqual(await harness.ask({ op: 'hold', ...hold }), { offset: 0, nextIndexes: {} });
  const first = await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: 100_000 }));
  const second = await harness.appended(JOURNAL, chunks(1, 1, { dataBytes: 100_000 }));
  const [firstEnd, secondEnd] = [first, second].map((outcome) => (outcome?.outcome === 'committed' ? outcome.end : -1));
  await harness.restart();
  await harness.ask({ op: 'report', owner, offset: secondEnd ?? -1 });
  t.is(await beginOf(harness, JOURNAL), 0);
  t.deepEqual(await harness.ask({ op: 'move-hold', ...hold, offset: firstEnd ?? -1 }), { outcome: 'moved' });
  t.is(await beginOf(harness, JOURNAL), firstEnd);
  for (let seconds = 0; seconds < 12; seconds += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', credits: [] });
  }
  await harness.commitAll();
  t.deepEqual(await harness.ask({ op: 'move-hold', ...hold, offset: 0 }), { outcome: 'missing' });
  t.is(await beginOf(harness, JOURNAL), secondEnd);
  await harness.ask({ op: 'hold', ...hold });
  t.deepEqual(await harness.ask({ op: 'release', ...hold }), { outcome: 'released' });
  t.deepEqual(await harness.ask({ op: 'move-hold', ...hold, offset: 0 }), { outcome: 'missing' });
});

test('the hold of a shard is moved by reports alone', async (t) => {
  const harness = await BrokerHarness.start();
  const name = 'shard-0';
  t.deepEqual(await harness.ask({ op: 'hold', journal: JOURNAL, name }), {
    refused: 'the hold of a shard is made with its journal',
  });
  t.deepEqual(await harness.ask({ op: 'release', journal: JOURNAL, name }), {
    refused: 'the hold of a shard is never released',
  });
  t.deepEqual(await harness.ask({ op: 'move-hold', journal: JOURNAL, name, offset: 0 }), {
    refused: 'a shard moves its hold by reports',
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

test('sums are refused at their own bound, and without any hold the newest half is kept', async (t) => {
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

test('a stream below what is kept ends as trimmed and names where the journal begins, also while it is open', async (t) => {
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

// --- stamps ---

async function stampsOf(t: ExecutionContext, harness: BrokerHarness): Promise<number[]> {
  const stamps = harness.delivered(harness.read(SUMS_JOURNAL, 0)).map(({ stampNs }) => stampNs);
  t.true(stamps.length > 0);
  return stamps;
}

test('stamps of sums survive a restart, the last commit is stamped when it becomes visible, another boot has none', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  await harness.appended(SUMS_JOURNAL, sums(0, 1, owner), owner);
  const first = harness.clock.nowNs();
  harness.clock.jump(1_000);
  // With this commit the first one's stamp becomes durable; its own does not.
  harness.append(SUMS_JOURNAL, sums(1, 1, owner), { owner });
  await harness.clock.settle();
  harness.clock.jump(1_000);
  await harness.restart('durable');
  const restarted = harness.clock.nowNs();
  t.deepEqual(await stampsOf(t, harness), [first, restarted]);
  harness.clock.jump(1_000);
  await harness.restart();
  t.deepEqual(await stampsOf(t, harness), [first, restarted]);
  harness.bootHash = 8;
  await harness.restart();
  t.deepEqual(await stampsOf(t, harness), [0, 0]);
});

// --- sessions ---

test('a session that the broker does not know is told to reopen, whatever it asks', async (t) => {
  const harness = await BrokerHarness.start();
  harness.send('stranger', { t: 'ping', credits: [] });
  harness.append(JOURNAL, chunks(0, 1), { session: 'stranger' });
  harness.call({ op: 'list' }, 'stranger');
  await harness.commitAll();
  t.deepEqual(
    harness.sent.map(({ session, message }) => [session, message.t]),
    Array.from({ length: 3 }, () => ['stranger', 'reopen']),
  );
  t.deepEqual(harness.delivered(harness.read(JOURNAL, 0)), []);
});

test('a session of another protocol version is refused with both versions', async (t) => {
  const harness = await BrokerHarness.start();
  harness.send('old', { t: 'open', version: PROTOCOL_VERSION + 1, client: 'old' });
  t.like(harness.sent.at(-1)?.message, { t: 'refused', reason: 'protocol version 2, this broker speaks 1' });
});

test('a session that says nothing is forgotten, one that pings is kept', async (t) => {
  const harness = await BrokerHarness.start();
  for (let second = 0; second < 12; second += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', credits: [] });
  }
  harness.send('b', { t: 'ping', credits: [] });
  t.is(harness.sent.at(-1)?.message.t, 'reopen');
  t.is(harness.sent.at(-2)?.message.t, 'pong');
});

test('sessions and streams of one session are bounded, and those at the bound are told', async (t) => {
  const harness = await BrokerHarness.start();
  for (let session = 0; session < 1_100; session += 1) {
    harness.send(`session-${session}`, { t: 'open', version: PROTOCOL_VERSION, client: 'many' });
  }
  t.like(harness.sent.at(-1)?.message, { t: 'refused', reason: 'too many sessions: 1024' });
  const streams = Array.from({ length: 400 }, () => harness.read(JOURNAL, 0));
  t.is(streams.filter((stream) => harness.ended(stream)?.reason === 'rejected').length, 400 - 320);
});

test('a client that is unreachable loses its session and its answers, and nothing that was appended', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  harness.broker.unreachable('a');
  await harness.commitAll();
  t.is(harness.outcome(append), undefined);
  t.is(harness.delivered(harness.read(JOURNAL, 0, { session: 'b' })).length, 1);
});

// --- streams ---

test('credit bounds what is sent, and is absolute: repeating it sends nothing twice', async (t) => {
  const harness = await BrokerHarness.start();
  for (let index = 0; index < 10; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  const bytes = chunks(0, 1).length;
  const stream = harness.read(JOURNAL, 0, { through: 3 * bytes });
  t.is(harness.delivered(stream).length, 3);
  const credit = { stream, taken: 2 * bytes, through: 5 * bytes };
  for (let repeat = 0; repeat < 3; repeat += 1) harness.send('a', { t: 'credit', credits: [credit] });
  harness.send('a', { t: 'ping', credits: [{ ...credit, through: 4 * bytes }] });
  t.deepEqual(
    harness.delivered(stream).map(({ begin }) => begin),
    [0, 1, 2, 3, 4].map((at) => at * bytes),
  );
});

test('a reader that takes nothing is sent a bounded number of messages, whatever its credit', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0);
  for (let index = 0; index < 50; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  const messages = (): number => harness.sent.filter(({ message }) => message.t === 'batches').length;
  t.is(messages(), 32);
  const taken = harness.delivered(stream)[9]?.end ?? 0;
  harness.send('a', { t: 'credit', credits: [{ stream, taken, through: Number.MAX_SAFE_INTEGER }] });
  t.is(harness.delivered(stream).length, 50);
});

test('a stream from within a batch, beyond the head or of no journal is rejected with the reason', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const bytes = chunks(0, 1).length;
  for (const [journal, offset, detail] of [
    [JOURNAL, 1, /no batch .* begins at 1/],
    [JOURNAL, bytes + 1, /ends at 73, before 74/],
    ['nowhere', 0, /no journal nowhere/],
  ] as const) {
    const end = harness.ended(harness.read(journal, offset));
    t.is(end?.reason, 'rejected');
    t.regex(end?.detail ?? '', detail);
  }
});

test('a cancelled stream sends nothing more', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0);
  harness.send('a', { t: 'cancel', stream });
  await harness.appended(JOURNAL, chunks(0, 1));
  t.deepEqual(harness.delivered(stream), []);
  t.is(harness.delivered(harness.read(JOURNAL, 0)).length, 1);
});

test('stopping commits and answers what was accepted', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  const stopped = harness.broker.stop();
  await harness.commit();
  await stopped;
  t.is(harness.outcome(append)?.outcome, 'committed');
});
