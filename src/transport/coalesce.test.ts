import test from 'ava';
import fc from 'fast-check';
import { COALESCED_BYTES_MAX, COALESCED_MESSAGES_MAX, coalesce, separate } from './coalesce.ts';
import type { Frames } from './transport.ts';

const frame = fc.uint8Array({ maxLength: 40 });
const message = fc
  .array(frame, { minLength: 1, maxLength: 5 })
  .filter(([first]) => Buffer.from(first ?? []).toString('latin1', 0, 4) !== 'SSM1');

test('what was put together comes apart as it was, in order, all of it', (t) => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 200 }), (messages) => {
      const queue: Frames[] = [...messages];
      const received: Frames[] = [];
      while (queue.length > 0) {
        const before = queue.length;
        const separated = separate(coalesce(queue));
        if (separated === null || before - queue.length > COALESCED_MESSAGES_MAX) return false;
        received.push(...separated);
      }
      t.deepEqual(received, messages);
      return true;
    }),
  );
});

test('a message above the bound goes alone, and one that fits does not join it', (t) => {
  const large = [new Uint8Array(COALESCED_BYTES_MAX + 1)];
  const small = [new Uint8Array(1)];
  const queue: Frames[] = [small, large, small];
  t.deepEqual(coalesce(queue), small);
  t.deepEqual(coalesce(queue), large);
  t.deepEqual(coalesce(queue), small);
});

test('a first frame that does not fit the others is refused, whatever it says, and never throws', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.array(frame, { maxLength: 6 }), (counts, frames) => {
      const head = Buffer.concat([Buffer.from('SSM1'), counts]);
      const separated = separate([head, ...frames]);
      const total = separated?.reduce((sum, { length }) => sum + length, 0);
      return separated === null || total === frames.length;
    }),
  );
  t.is(separate([Buffer.from('SSM1\u0002\u0000'), new Uint8Array(1)]), null);
});
