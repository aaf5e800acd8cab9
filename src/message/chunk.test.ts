import test from 'ava';
import fc from 'fast-check';
import { CHUNK_HEADER_BYTES, type Chunk, decodeChunks, encodeChunk, fileIdOf, fileNumberOf } from './chunk.ts';
import { anyChunk, anyProducer } from './testing/arbitraries.ts';

function shown({ fileId, sequence, data }: Chunk): string {
  return `${fileId} ${sequence} ${Buffer.from(data).toString('hex')}`;
}

test('chunks decode to what was encoded', (t) => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 8 }), (chunks) => {
      t.deepEqual(decodeChunks(Buffer.concat(chunks.map(encodeChunk)))?.map(shown), chunks.map(shown));
    }),
  );
});

test('chunks that are cut inside a record do not decode, and at a boundary are those before it', (t) => {
  fc.assert(
    fc.property(fc.array(anyChunk, { minLength: 1, maxLength: 4 }), (chunks) => {
      const payload = Buffer.concat(chunks.map(encodeChunk));
      const boundaries = [0];
      for (const { data } of chunks) boundaries.push((boundaries.at(-1) ?? 0) + CHUNK_HEADER_BYTES + data.length);
      for (let length = 0; length <= payload.length; length += 1) {
        const expected = boundaries.indexOf(length);
        t.is(decodeChunks(payload.subarray(0, length))?.length ?? -1, expected);
      }
    }),
    { numRuns: 30 },
  );
});

test('a chunk whose length leads past the payload does not decode', (t) => {
  const payload = encodeChunk({ fileId: '80'.repeat(16), sequence: 1, data: Buffer.alloc(9) });
  for (const length of [10, 0x7fff_ffff, 0xffff_ffff, 0xffff_ffff - CHUNK_HEADER_BYTES + 1]) {
    payload.writeUInt32LE(length, 0);
    t.is(decodeChunks(payload), null, `${length}`);
  }
});

test('arbitrary payloads decode to records that cover them exactly, or not at all', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
      const chunks = decodeChunks(payload);
      const bytes = chunks?.reduce((sum, { data }) => sum + CHUNK_HEADER_BYTES + data.length, 0);
      t.is(bytes ?? payload.length, payload.length);
    }),
  );
});

test('a file id is the producer and a big-endian number, so that files sort by number', (t) => {
  t.is(fileIdOf('80aabbccddeeff01', 258), '80aabbccddeeff010000000000000102');
  fc.assert(
    fc.property(anyProducer, fc.maxSafeNat(), fc.maxSafeNat(), (producer, a, b) => {
      t.is(fileNumberOf(fileIdOf(producer, a)), a);
      t.is(fileIdOf(producer, a) < fileIdOf(producer, b), a < b);
    }),
  );
});

test('a file number that a double does not hold exactly is NaN', (t) => {
  t.is(fileNumberOf('80aabbccddeeff01001fffffffffffff'), Number.MAX_SAFE_INTEGER);
  t.is(fileNumberOf('80aabbccddeeff010020000000000000'), Number.NaN);
  t.is(fileNumberOf('80aabbccddeeff01ffffffffffffffff'), Number.NaN);
});
