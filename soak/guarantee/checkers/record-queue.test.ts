import test from 'ava';
import fc from 'fast-check';
import { InvariantError } from '../../../src/core/errors.ts';
import { type QueuedRecord, RecordQueue } from './record-queue.ts';

function recordOf(number: number): QueuedRecord {
  return { fileNumber: 2 ** 40 + number, sequence: number, dataBytes: number % 7, fileSeed: 2 ** 32 - 1 - number };
}

function recordAt(queue: RecordQueue, place: number): QueuedRecord {
  return {
    fileNumber: queue.fileNumberAt(place),
    sequence: queue.sequenceAt(place),
    dataBytes: queue.dataBytesAt(place),
    fileSeed: queue.fileSeedAt(place),
  };
}

test('it gives what was put in, in order, however it grows and shrinks', (t) => {
  fc.assert(
    fc.property(fc.array(fc.record({ push: fc.nat(90), drop: fc.nat(90) })), (moves) => {
      const queue = new RecordQueue();
      const model: QueuedRecord[] = [];
      let pushed = 0;
      for (const { push, drop } of moves) {
        for (const last = pushed + push; pushed < last; pushed += 1) {
          queue.push(recordOf(pushed));
          model.push(recordOf(pushed));
        }
        const count = Math.min(drop, model.length);
        queue.drop(count);
        model.splice(0, count);
        t.is(queue.length, model.length);
        t.deepEqual(
          model.map((_, place) => recordAt(queue, place)),
          model,
        );
      }
    }),
    { numRuns: 50 },
  );
});

test('it gives nothing that it does not have', (t) => {
  const queue = new RecordQueue();
  queue.push(recordOf(1));
  t.throws(() => queue.fileNumberAt(1), { instanceOf: InvariantError });
  t.throws(() => queue.drop(2), { instanceOf: InvariantError });
});
