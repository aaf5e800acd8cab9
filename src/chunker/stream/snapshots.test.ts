import test from 'ava';
import fc from 'fast-check';
import { Snapshots } from './snapshots.ts';

test('a snapshot goes to the slot that is not stable, and becomes stable when it is durable and acknowledged', (t) => {
  const snapshots = new Snapshots(0);
  t.is(snapshots.take([5, 5]), 1);
  t.false(snapshots.hasRoom);
  snapshots.acknowledged(() => 9);
  t.false(snapshots.hasRoom, 'it is not durable yet');
  snapshots.durable();
  snapshots.acknowledged((partition) => [5, 4][partition] ?? 0);
  t.false(snapshots.hasRoom, 'one partition is not acknowledged');
  snapshots.acknowledged(() => 5);
  t.true(snapshots.hasRoom);
  t.is(snapshots.take([7, 7]), 0);
});

test('the slot that was restored from is stable', (t) => {
  t.is(new Snapshots(1).take([1]), 0);
  t.is(new Snapshots(0).take([1]), 1);
});

test('two snapshots at once are an error', (t) => {
  const snapshots = new Snapshots(0);
  snapshots.take([1]);
  t.throws(() => snapshots.take([2]), { name: 'InvariantError' });
});

test('a snapshot keeps the indexes it was taken at', (t) => {
  const snapshots = new Snapshots(0);
  const indexes = [3];
  snapshots.take(indexes);
  indexes[0] = 1_000;
  snapshots.durable();
  snapshots.acknowledged(() => 3);
  t.true(snapshots.hasRoom);
});

test('at every moment a slot holds a durable snapshot at or below what is acknowledged', (t) => {
  const anyEvent = fc.constantFrom<'send' | 'acknowledge' | 'take' | 'durable'>(
    'send',
    'acknowledge',
    'take',
    'durable',
  );
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 200 }), (events) => {
      const snapshots = new Snapshots(0);
      let sent = 0;
      let acknowledged = 0;
      // The content of the disk: step 0 needs no snapshot. While a slot is written, a crash loses its old content.
      const slots: (number | null)[] = [0, null];
      let writing: { slot: number; index: number } | null = null;
      for (const event of events) {
        if (event === 'send') sent += 1;
        if (event === 'acknowledge') acknowledged = Math.min(sent, acknowledged + 1);
        if (event === 'take' && snapshots.hasRoom) {
          writing = { slot: snapshots.take([sent]), index: sent };
          slots[writing.slot] = null;
        }
        if (event === 'durable' && writing !== null) {
          slots[writing.slot] = writing.index;
          writing = null;
          snapshots.durable();
        }
        snapshots.acknowledged(() => acknowledged);
        t.true(
          slots.some((index) => index !== null && index <= acknowledged),
          events.join(' '),
        );
      }
    }),
  );
});

test('a snapshot is wanted until it is taken, and only while there is room for one', (t) => {
  const snapshots = new Snapshots(0);
  t.false(snapshots.isWanted);
  snapshots.want();
  snapshots.want();
  t.true(snapshots.isWanted);
  t.true(snapshots.hasRoom);
  snapshots.take([1]);
  t.false(snapshots.isWanted);
  snapshots.want();
  t.false(snapshots.isWanted, 'the one that was taken is under way');
  snapshots.durable();
  snapshots.acknowledged(() => 1);
  snapshots.want();
  t.true(snapshots.isWanted);
});
