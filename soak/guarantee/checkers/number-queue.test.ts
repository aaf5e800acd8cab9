import test from 'ava';
import fc from 'fast-check';
import { InvariantError } from '../../../src/core/errors.ts';
import { NumberQueue } from './number-queue.ts';

test('it gives what was put in, in order, however it grows and shrinks', (t) => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.double(),
          fc.nat(200).map((count) => ({ drop: count })),
        ),
      ),
      (moves) => {
        const queue = new NumberQueue();
        const model: number[] = [];
        for (const move of moves) {
          if (typeof move === 'number') {
            for (let copy = 0; copy < 40; copy += 1) {
              queue.push(move + copy);
              model.push(move + copy);
            }
          } else {
            const count = Math.min(move.drop, model.length);
            queue.drop(count);
            model.splice(0, count);
          }
          t.is(queue.length, model.length);
          t.deepEqual(
            model.map((_, place) => queue.at(place)),
            model,
          );
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('it gives nothing that it does not have', (t) => {
  const queue = new NumberQueue();
  queue.push(1);
  t.throws(() => queue.at(1), { instanceOf: InvariantError });
  t.throws(() => queue.drop(2), { instanceOf: InvariantError });
});
