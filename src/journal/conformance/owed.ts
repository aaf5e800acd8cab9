/** What every engine owes. Offsets are only positions here: a batch begins where the batch before it has ended. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { OperatingError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch, shardProducer } from '../../message/batch.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import {
  CREDIT,
  type CheckCase,
  JOURNAL,
  OTHER,
  PRODUCER,
  append,
  chunks,
  committed,
  end,
  endOf,
  expects,
  raised,
  soon,
  sums,
  take,
} from './asking.ts';

export const OWED: readonly CheckCase[] = [
  [
    'batches are committed in order, and a reader gets their bytes, each where the one before has ended',
    async (connect) => {
      const journals = connect();
      const batches = [chunks(0, 3), chunks(3, 1), chunks(4, 2)];
      const outcomes = await Promise.all(batches.map((bytes) => committed(journals, bytes)));
      const stream = connect().read(JOURNAL, 0, CREDIT);
      let through = 0;
      for (const [at, bytes] of batches.entries()) {
        const batch = await take(stream);
        deepEqual([batch.begin, batch.end], [outcomes[at]?.begin, outcomes[at]?.end]);
        ok(batch.end > batch.begin);
        equal(batch.begin, through);
        deepEqual(Buffer.from(batch.bytes), bytes);
        through = batch.end;
      }
      equal(await soon(journals.head(JOURNAL), 'head'), through);
    },
  ],
  [
    'what is durable has a stamp',
    async (connect) => {
      const journals = connect();
      const outcome = await append(journals, chunks(0, 2));
      ok(outcome.outcome === 'committed' && outcome.stampNs > 0, JSON.stringify(outcome));
      const expected = await soon(journals.expected(JOURNAL, PRODUCER), 'expected index');
      ok(expected.outcome === 'expected' && expected.stampNs > 0, JSON.stringify(expected));
    },
  ],
  [
    'a reader that waits at the head gets what is appended later',
    async (connect) => {
      const stream = connect().read(JOURNAL, 0, CREDIT);
      const next = take(stream);
      await committed(connect(), chunks(0, 1));
      deepEqual(Buffer.from((await next).bytes), chunks(0, 1));
    },
  ],
  [
    'a batch that does not begin at the next index is answered with it, and nothing is appended',
    async (connect) => {
      const journals = connect();
      expects(await append(journals, chunks(1, 1)), 0);
      const { end: head } = await committed(journals, chunks(0, 3));
      for (const bytes of [chunks(0, 3), chunks(2, 5), chunks(4, 1)]) expects(await append(journals, bytes), 3);
      equal(await soon(journals.head(JOURNAL), 'head'), head);
      expects(await soon(journals.expected(JOURNAL, PRODUCER), 'expected index'), 3);
    },
  ],
  [
    'indexes are counted by journal and producer',
    async (connect) => {
      const journals = connect();
      await committed(journals, chunks(0, 2));
      await committed(journals, chunks(0, 1, { producer: OTHER }));
      const other = chunkJournal(1);
      equal((await append(journals, chunks(0, 4, { journal: other }), other)).outcome, 'committed');
      expects(await soon(journals.expected(JOURNAL, PRODUCER), 'expected index'), 2);
      expects(await soon(journals.expected(JOURNAL, OTHER), 'expected index'), 1);
      expects(await soon(journals.expected(other, PRODUCER), 'expected index'), 4);
      expects(await soon(journals.expected(other, OTHER), 'expected index'), 0);
    },
  ],
  [
    'a client that begins finds the index of a producer between batches of others',
    async (connect) => {
      const journals = connect();
      await committed(journals, chunks(0, 2));
      await committed(journals, chunks(0, 1, { producer: OTHER }));
      await committed(journals, chunks(2, 3));
      await committed(journals, chunks(1, 1, { producer: OTHER }));
      expects(await soon(connect().expected(JOURNAL, OTHER), 'expected index'), 2);
      expects(await soon(connect().expected(JOURNAL, PRODUCER), 'expected index'), 5);
      expects(await append(connect(), chunks(0, 1, { producer: OTHER })), 2);
    },
  ],
  [
    'a batch that does not verify, also because it is for another journal, is never appended',
    async (connect) => {
      const journals = connect();
      const damaged = chunks(0, 1);
      damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
      equal((await append(journals, damaged)).outcome, 'corrupt');
      equal((await append(journals, chunks(0, 1, { journal: chunkJournal(1) }))).outcome, 'corrupt');
      equal(await soon(journals.head(JOURNAL), 'head'), 0);
    },
  ],
  [
    'a reader may begin at any batch boundary',
    async (connect) => {
      const journals = connect();
      const begins: number[] = [];
      for (let index = 0; index < 5; index += 1) begins.push((await committed(journals, chunks(index, 1))).begin);
      for (const at of [0, 2, 4]) {
        const stream = journals.read(JOURNAL, begins[at] ?? 0, CREDIT);
        for (const begin of begins.slice(at)) equal((await take(stream)).begin, begin);
        stream.close();
      }
    },
  ],
  [
    'a stream with credit for little still delivers everything',
    async (connect) => {
      const journals = connect();
      for (let index = 0; index < 40; index += 1) await committed(journals, chunks(index, 1));
      const stream = journals.read(JOURNAL, 0, { creditBytes: 1 });
      for (let index = 0; index < 40; index += 1) {
        const batch = decodeBatch((await take(stream)).bytes, JOURNAL, crc32c);
        equal('fault' in batch ? null : batch.firstIndex, index);
      }
    },
  ],
  [
    'a closed stream ends with null',
    async (connect) => {
      const stream = connect().read(JOURNAL, 0, CREDIT);
      const next = stream.next();
      stream.close();
      equal(await soon(next, 'end of the stream'), null);
      equal(await soon(stream.next(), 'end of the stream'), null);
    },
  ],
  [
    'a producer that has ended takes nothing more, and its end is read as a batch',
    async (connect) => {
      const journals = connect();
      await committed(journals, chunks(0, 1));
      await committed(journals, end(1));
      for (const bytes of [chunks(0, 1), chunks(1, 1), chunks(2, 1), end(1)]) {
        equal((await append(journals, bytes)).outcome, 'ended');
      }
      equal((await soon(journals.expected(JOURNAL, PRODUCER), 'expected index')).outcome, 'ended');
      const stream = journals.read(JOURNAL, 0, CREDIT);
      await take(stream);
      const batch = decodeBatch((await take(stream)).bytes, JOURNAL, crc32c);
      equal('fault' in batch ? null : batch.kind, 'end');
    },
  ],
  [
    'retire ends a producer after its last record, and can be repeated',
    async (connect) => {
      const journals = connect();
      await committed(journals, chunks(0, 2));
      await soon(journals.retire(JOURNAL, PRODUCER), 'answer to retire');
      await soon(journals.retire(JOURNAL, PRODUCER), 'answer to retire');
      await soon(journals.retire(JOURNAL, OTHER), 'answer to retire');
      equal((await append(journals, chunks(2, 1))).outcome, 'ended');
      equal((await append(journals, chunks(0, 1, { producer: OTHER }))).outcome, 'ended');
      const stream = journals.read(JOURNAL, 0, CREDIT);
      await take(stream);
      const batch = decodeBatch((await take(stream)).bytes, JOURNAL, crc32c);
      ok(!('fault' in batch));
      deepEqual([batch.kind, batch.producer, batch.firstIndex], ['end', PRODUCER, 2]);
    },
  ],
  [
    'epochs rise by raises, and the confirmed store is what the last owner confirmed',
    async (connect) => {
      const journals = connect();
      const first = await raised(journals, 0, '/one');
      equal(await soon(journals.confirm(first, '/one'), 'answer to confirm'), 'confirmed');
      const second = await raised(journals, 0, '/two', true);
      ok(second.epoch > first.epoch);
      equal(await soon(journals.confirm(first, '/three'), 'answer to confirm'), 'fenced');
      const { shards } = await soon(journals.list(), 'list');
      deepEqual([shards[0]?.epoch, shards[0]?.confirmed], [second.epoch, '/one']);
      deepEqual(await soon(journals.raise(0, '/two', { takeOver: false, from: second.epoch }), 'answer to a raise'), {
        outcome: 'replaced',
        confirmed: '/one',
      });
      equal((await soon(journals.list(), 'list')).shards[1]?.confirmed, null);
    },
  ],
  [
    'a raise replaces the epoch that it names and no other: a late copy of it fences nobody',
    async (connect) => {
      const journals = connect();
      const raise = { takeOver: true, from: 0 };
      const first = await raised(journals, 0, '/one');
      const late = journals.raise(0, '/one', raise);
      deepEqual(await soon(late, 'answer to a raise'), { outcome: 'moved', epoch: first.epoch });
      equal(await soon(journals.confirm(first, '/one'), 'answer to confirm'), 'confirmed');
      const second = await raised(connect(), 0, '/two', true);
      const later = journals.raise(0, '/one', { takeOver: true, from: first.epoch });
      deepEqual(await soon(later, 'answer to a raise'), { outcome: 'moved', epoch: second.epoch });
      equal(await soon(journals.confirm(second, '/two'), 'answer to confirm'), 'confirmed');
    },
  ],
  [
    'a replaced owner is fenced in every request',
    async (connect) => {
      const journals = connect();
      const old = await raised(journals, 0, '/one');
      await committed(journals, sums(0, 1, old), old);
      const next = await raised(connect(), 0, '/two', true);
      const producer = shardProducer(0);
      equal((await soon(journals.append(SUMS_JOURNAL, sums(1, 1, old), old), 'answer to an append')).outcome, 'fenced');
      equal((await soon(journals.append(SUMS_JOURNAL, sums(0, 1, old), old), 'answer to an append')).outcome, 'fenced');
      equal((await soon(journals.expected(SUMS_JOURNAL, producer, old), 'expected index')).outcome, 'fenced');
      equal(await soon(journals.report(old, 0), 'answer to a report'), 'fenced');
      equal(await soon(journals.confirm(old, '/one'), 'answer to confirm'), 'fenced');
      equal(await endOf(journals.read(JOURNAL, 0, { ...CREDIT, owner: old })), 'fenced');
      expects(await soon(journals.expected(SUMS_JOURNAL, producer, next), 'expected index'), 1);
      await committed(journals, sums(1, 1, next), next);
    },
  ],
  [
    'an open stream of a replaced owner gets nothing that was appended afterwards',
    async (connect) => {
      const journals = connect();
      const old = await raised(journals, 0, '/one');
      const stream = journals.read(JOURNAL, 0, { ...CREDIT, owner: old });
      await committed(journals, chunks(0, 1));
      await take(stream);
      await raised(journals, 0, '/two', true);
      await committed(journals, chunks(1, 1));
      equal(await endOf(stream), 'fenced');
    },
  ],
  [
    'a pin is made at the head with every next index, moves forward, and is never made by moving',
    async (connect) => {
      const journals = connect();
      const owner = await raised(journals, 1, '/one');
      const { end: head } = await committed(journals, sums(0, 3, owner), owner);
      deepEqual(await soon(journals.pin(SUMS_JOURNAL, 'reader'), 'hold'), {
        offset: head,
        nextIndexes: { [shardProducer(1)]: 3 },
      });
      equal(await soon(journals.movePin(SUMS_JOURNAL, 'reader', head), 'answer to a pin'), 'moved');
      equal(await soon(journals.movePin(SUMS_JOURNAL, 'nobody', 0), 'answer to a pin'), 'missing');
      await soon(journals.release(SUMS_JOURNAL, 'reader'), 'release');
      await soon(journals.release(SUMS_JOURNAL, 'reader'), 'release');
      equal(await soon(journals.movePin(SUMS_JOURNAL, 'reader', head), 'answer to a pin'), 'missing');
    },
  ],
  [
    'the owner of a shard reports how far it is',
    async (connect) => {
      const journals = connect();
      const owner = await raised(journals, 0, '/one');
      const { end: head } = await committed(journals, chunks(0, 4));
      equal(await soon(journals.report(owner, head), 'answer to a report'), 'reported');
      equal((await soon(journals.list(), 'list')).shards[0]?.pin, head);
    },
  ],
  [
    'the list names every journal with what is kept of it, and the largest batch',
    async (connect) => {
      const journals = connect();
      const { end: head } = await committed(journals, chunks(0, 1));
      const { partitions, batchBytesMax, journals: names, shards } = await soon(journals.list(), 'list');
      equal(shards.length, partitions);
      deepEqual(
        names.map(({ name }) => name).toSorted(),
        [...Array.from({ length: partitions }, (_, partition) => chunkJournal(partition)), SUMS_JOURNAL].toSorted(),
      );
      deepEqual(
        names.find(({ name }) => name === JOURNAL),
        { name: JOURNAL, begin: 0, head },
      );
      ok(batchBytesMax >= chunks(0, 1).length);
      equal((await append(journals, Buffer.alloc(batchBytesMax + 1))).outcome, 'rejected');
    },
  ],
  [
    'sums need the epoch of their shard, and chunks have no place among them',
    async (connect) => {
      const journals = connect();
      const owner = await raised(journals, 0, '/one');
      const other = { shard: 1, epoch: (await raised(journals, 1, '/one')).epoch };
      equal((await append(journals, sums(0, 1, owner), SUMS_JOURNAL)).outcome, 'rejected');
      const asOther = await soon(journals.append(SUMS_JOURNAL, sums(0, 1, owner), other), 'answer to an append');
      equal(asOther.outcome, 'rejected');
      equal((await append(journals, chunks(0, 1, { journal: SUMS_JOURNAL }), SUMS_JOURNAL)).outcome, 'rejected');
      equal(await soon(journals.head(SUMS_JOURNAL), 'head'), 0);
    },
  ],
  [
    'closing a client settles everything that it was asked, and later calls fail',
    async (connect) => {
      const journals = connect();
      const stream = journals.read(JOURNAL, 0, CREDIT);
      const next = stream.next();
      const appended = append(journals, chunks(0, 1));
      journals.close();
      ok(['unknown', 'committed'].includes((await appended).outcome));
      equal(await soon(next, 'end of the stream'), null);
      let error: unknown = null;
      await soon(journals.head(JOURNAL), 'error').catch((thrown: unknown) => {
        error = thrown;
      });
      ok(error instanceof OperatingError);
    },
  ],
];
