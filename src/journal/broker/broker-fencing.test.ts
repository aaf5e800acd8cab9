import test from 'ava';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { BrokerHarness, MIB, chunks, sums } from '../testing/broker-harness.ts';
import { confirmed, listed, raised } from '../testing/broker-requests.ts';

const JOURNAL = chunkJournal(0);

test('a fenced shard is answered fenced before anything else, in every request and stream', async (t) => {
  const harness = await BrokerHarness.start();
  const old = await confirmed(harness);
  await harness.appended(SUMS_JOURNAL, sums(0, 2, old), old);
  const stream = harness.read(JOURNAL, 0, { owner: old });
  const owner = await raised(harness, 0, '/two');
  t.is(owner.epoch, old.epoch + 1);
  const later = { shard: 0, epoch: owner.epoch + 1 };
  for (const stale of [old, later, { shard: 9, epoch: 1 }]) {
    // The epoch tells whether a newer owner came, or the broker went back. There is no shard 9.
    const fenced = { outcome: 'fenced', epoch: stale.shard === 9 ? 0 : owner.epoch };
    // Without fencing, each of these appends would be expected, corrupt, rejected, or too large.
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
      t.like(harness.ended(harness.read(journal, offset, { owner: stale })), {
        reason: 'fenced',
        epoch: fenced.epoch,
      });
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
  const raise = { op: 'raise', shard: 0, path: '/two', takeOver: true, from: owner.epoch } as const;
  harness.call(raise);
  await harness.clock.settle();
  await harness.restart('lost');
  t.like((await listed(harness)).shards[0], { epoch: owner.epoch, confirmed: '/one' });
  t.deepEqual(await harness.ask(raise), {
    outcome: 'raised',
    epoch: owner.epoch + 1,
    confirmed: '/one',
  });
});

test('a raise without take-over is replaced when another store is confirmed, and then raises nothing', async (t) => {
  const harness = await BrokerHarness.start();
  const unconfirmed = await harness.ask({ op: 'raise', shard: 0, path: '/one', takeOver: false, from: 0 });
  t.deepEqual(unconfirmed, { outcome: 'raised', epoch: 1, confirmed: null });
  t.deepEqual(await harness.ask({ op: 'confirm', owner: { shard: 0, epoch: 1 }, path: '/one' }), {
    outcome: 'confirmed',
  });
  t.deepEqual(await harness.ask({ op: 'raise', shard: 0, path: '/two', takeOver: false, from: 0 }), {
    outcome: 'replaced',
    confirmed: '/one',
  });
  t.is((await listed(harness)).shards[0]?.epoch, 1);
  t.deepEqual(await harness.ask({ op: 'raise', shard: 0, path: '/one', takeOver: false, from: 1 }), {
    outcome: 'raised',
    epoch: 2,
    confirmed: '/one',
  });
  t.deepEqual(await harness.ask({ op: 'raise', shard: 9, path: '/one', takeOver: true, from: 0 }), {
    refused: 'there is no shard 9',
  });
});
