import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { GatheredHash, GatheringSlots, SLOT_BYTES } from './gathered-hash.ts';

/** Pieces of a file: mostly short ones, some that are longer than a slot. */
const lengths = fc.array(fc.oneof(fc.nat(70), fc.nat(700), fc.integer({ min: SLOT_BYTES - 2, max: SLOT_BYTES + 2 })), {
  maxLength: 30,
});

test('its digest is that of all bytes so far, however they come, and whenever it is asked for', (t) => {
  for (const slotsMax of [0, 1, 8]) {
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 4 }), fc.nat(6), (files, offset) => {
        const slots = new GatheringSlots(slotsMax);
        const bytes = Buffer.alloc(offset + SLOT_BYTES + 2, 1);
        const open = files.map((pieces) => ({
          pieces,
          hash: new GatheredHash(slots),
          expected: createHash('sha256'),
        }));
        for (let turn = 0; turn < 30; turn += 1) {
          for (const { pieces, hash, expected } of open) {
            const length = pieces[turn];
            if (length === undefined) continue;
            bytes.fill(turn + 1);
            hash.update(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset, offset + length);
            expected.update(bytes.subarray(offset, offset + length));
            t.is(hash.digest(), expected.copy().digest('hex'));
          }
        }
        for (const { hash } of open) hash.free();
        t.false(slots.areScarce);
      }),
      { numRuns: 30 },
    );
  }
});

test('a slot that was given back is taken again, without the bytes of its last owner', (t) => {
  const slots = new GatheringSlots(1);
  const bytes = new DataView(new ArrayBuffer(5));
  for (let file = 0; file < 3; file += 1) {
    const hash = new GatheredHash(slots);
    hash.update(bytes, 0, file);
    t.true(slots.areScarce);
    t.is(hash.digest(), createHash('sha256').update(Buffer.alloc(file)).digest('hex'));
    hash.free();
    t.false(slots.areScarce);
  }
});
