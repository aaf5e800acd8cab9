import test from 'ava';
import fc from 'fast-check';
import { OperatingError } from '../core/errors.ts';
import { type Changes, decodeChanges, encodeChanges } from './state-entry.ts';

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const table = fc.constantFrom('claims', 'states', 'outbox');
const changes: fc.Arbitrary<Changes> = fc.record({
  part: fc.option(
    fc.record({
      snapshot: fc.nat(),
      isLast: fc.boolean(),
      ranges: fc.array(fc.record({ table, from: bytes(16), to: bytes(16) }), { maxLength: 4 }),
    }),
  ),
  writes: fc.array(fc.record({ table, key: bytes(16), value: fc.option(bytes(300)) }), { maxLength: 10 }),
});

test('an entry gives back the changes that it was made of', (t) => {
  fc.assert(
    fc.property(changes, (made) => {
      t.deepEqual(decodeChanges(encodeChanges(made), 'the entry'), made);
    }),
  );
});

test('an entry that is cut or has more bytes is refused', (t) => {
  fc.assert(
    fc.property(changes, fc.nat(), (made, cut) => {
      const whole = encodeChanges(made);
      for (const broken of [whole.subarray(0, cut % whole.length), Buffer.concat([whole, Buffer.from([0])])]) {
        t.throws(() => decodeChanges(broken, 'the entry'), { instanceOf: OperatingError });
      }
    }),
  );
});

test('an entry of another version is refused', (t) => {
  const entry = encodeChanges({ part: null, writes: [] });
  entry[0] = 2;
  t.throws(() => decodeChanges(entry, 'the entry at 5'), { message: /the entry at 5 .* unknown version 2/ });
});
