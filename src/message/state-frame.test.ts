import test from 'ava';
import fc from 'fast-check';
import { crc32c } from '../hash/crc32c.ts';
import { STATE_HEADER_BYTES, STATE_PIECE_BYTES, decodeStateFrame, encodeStateEntry } from './state-frame.ts';

const JOURNAL = 'states/shard-003';

test('an entry has the documented bytes', (t) => {
  const [frame, ...others] = encodeStateEntry(
    Buffer.from('abc'),
    { journal: JOURNAL, sequence: 258, epoch: 7 },
    crc32c,
  );
  t.is(others.length, 0);
  t.is(
    frame?.subarray(4).toString('hex'),
    ['53535231', '0100', '0000', '00000000', '01000000', 'b73f4b36', '0201000000000000', '0700000000000000']
      .concat(['03000000', '00000000', '616263'])
      .join(''),
  );
});

test('frames give the entry back, in pieces of the named size', (t) => {
  for (const length of [0, 1, STATE_PIECE_BYTES - 1, STATE_PIECE_BYTES, STATE_PIECE_BYTES + 1, 3 * STATE_PIECE_BYTES]) {
    const entry = Buffer.alloc(length, length % 251);
    const frames = encodeStateEntry(entry, { journal: JOURNAL, sequence: 5, epoch: 2 }, crc32c);
    t.is(frames.length, Math.max(1, Math.ceil(length / STATE_PIECE_BYTES)));
    const parts = frames.map((bytes, at) => {
      const frame = decodeStateFrame(bytes, JOURNAL, crc32c);
      if ('fault' in frame) throw new Error(frame.fault);
      const { piece, pieces, sequence, epoch, entry: checksum } = frame;
      t.deepEqual([piece, pieces, sequence, epoch, checksum], [at, frames.length, 5, 2, crc32c(0, entry)]);
      return frame.payload;
    });
    t.true(Buffer.concat(parts).equals(entry));
  }
});

test('a frame that is cut, has a flipped bit, or belongs to another journal does not verify', (t) => {
  const [frame = Buffer.alloc(0)] = encodeStateEntry(
    Buffer.from('rows'),
    { journal: JOURNAL, sequence: 1, epoch: 1 },
    crc32c,
  );
  t.true('fault' in decodeStateFrame(frame, 'states/shard-004', crc32c));
  t.true('fault' in decodeStateFrame(frame.subarray(0, STATE_HEADER_BYTES - 1), JOURNAL, crc32c));
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(frame);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
      return 'fault' in decodeStateFrame(flipped, JOURNAL, crc32c);
    }),
  );
});
