import test from 'ava';
import fc from 'fast-check';
import { cutInFrame, FrameCursor } from './frame-cursor.ts';

const GREETING = Buffer.alloc(64, 1);

/** A frame as libzmq writes it: short up to 255 bytes, long above. */
function frame(size: number): Buffer {
  const body = Buffer.alloc(size, 0xff);
  if (size < 256) return Buffer.concat([Buffer.from([0, size]), body]);
  const header = Buffer.alloc(9);
  header[0] = 0x02;
  header.writeBigUInt64BE(BigInt(size), 1);
  return Buffer.concat([header, body]);
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 700 })), { maxLength: 8 });

function streamOf(of: readonly number[]): { bytes: Buffer; boundaries: ReadonlySet<number> } {
  const parts = [GREETING, ...of.map(frame)];
  const boundaries = new Set([0]);
  let at = 0;
  for (const part of parts) {
    at += part.length;
    boundaries.add(at);
  }
  return { bytes: Buffer.concat(parts), boundaries };
}

test('a cursor stands inside of a frame wherever no frame ends, however the stream is cut', (t) => {
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(3_000), { maxLength: 10 }), (of, cuts) => {
      const { bytes, boundaries } = streamOf(of);
      const cursor = new FrameCursor();
      let from = 0;
      for (const to of [...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length]) {
        cursor.advance(bytes.subarray(from, to));
        from = to;
        t.is(cursor.isInside, !boundaries.has(to), `${to} of ${[...boundaries].join(' ')}`);
      }
    }),
  );
});

test('a cut is in the middle of a frame, and no further than a byte from where it was wanted', (t) => {
  fc.assert(
    fc.property(sizes, fc.nat(3_000), fc.nat(3_000), (of, first, second) => {
      const { bytes, boundaries } = streamOf(of);
      const [from = 0, to = 0] = [first, second].map((at) => at % (bytes.length + 1)).toSorted((a, b) => a - b);
      const cursor = new FrameCursor();
      cursor.advance(bytes.subarray(0, from));
      const count = Math.floor((to - from) / 2);
      const cut = cutInFrame(cursor, bytes.subarray(from, to), count);
      if (cut === null) t.true(to - from < 2, `${from} to ${to}`);
      else {
        t.true(Math.abs(cut - count) <= 1);
        t.false(boundaries.has(from + cut));
      }
    }),
  );
});
