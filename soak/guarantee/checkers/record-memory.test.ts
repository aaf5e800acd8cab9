import test from 'ava';
import type { Batch } from '../../../src/message/batch.ts';
import { SUM_BYTES } from '../../../src/message/sum.ts';
import { RecordMemory, REMEMBERED_RECORDS } from './record-memory.ts';

const COUNT = 1_024;

/** Sums of which each has its index in its first bytes. */
function sums(firstIndex: number, count: number): Batch {
  const payload = Buffer.alloc(count * SUM_BYTES);
  for (let at = 0; at < count; at += 1) payload.writeUInt32LE(firstIndex + at, at * SUM_BYTES);
  return { kind: 'sums', producer: '0000000000000001', firstIndex, count, epoch: 1, payload };
}

test('a copy is found to be one, whatever batches it is in, and another record by its index', (t) => {
  const memory = new RecordMemory();
  t.is(memory.take(sums(0, 5)), null);
  t.is(memory.take(sums(3, 4)), null);
  t.is(memory.take(sums(0, 7)), null);
  t.deepEqual(memory.take({ ...sums(1, 4), firstIndex: 2 }), { index: 2, what: 'differs' });
  const other = sums(2, 4);
  other.payload[2 * SUM_BYTES + 50] = 1;
  t.deepEqual(memory.take(other), { index: 4, what: 'differs' });
  t.is(memory.take(sums(2, 4)), null);
});

test('what stands at the index of an end is another record, and an end that comes too late is not looked at', (t) => {
  const memory = new RecordMemory();
  const end = { ...sums(3, 0), kind: 'end', count: 1 } as const;
  t.is(memory.take(sums(0, 3)), null);
  t.is(memory.take({ ...end, firstIndex: 1 }), null);
  t.is(memory.take(end), null);
  t.is(memory.take(end), null);
  t.deepEqual(memory.take(sums(2, 2)), { index: 3, what: 'differs' });
});

test('what is too old to be remembered, or was not read, is told from what differs', (t) => {
  const memory = new RecordMemory();
  const through = REMEMBERED_RECORDS + COUNT;
  for (let index = 0; index < through; index += COUNT) t.is(memory.take(sums(index, COUNT)), null);
  t.is(memory.take(sums(COUNT, COUNT)), null);
  t.deepEqual(memory.take(sums(COUNT - 1, 2)), { index: COUNT - 1, what: 'forgotten' });
  t.is(memory.take(sums(through + 10, 2)), null);
  t.deepEqual(memory.take(sums(through + 9, 2)), { index: through + 9, what: 'forgotten' });
});
