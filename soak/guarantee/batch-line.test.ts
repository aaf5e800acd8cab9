import test from 'ava';
import fc from 'fast-check';
import { BatchLineReader } from './batch-line.ts';
import { wholeEntry, wholeLine } from './whole-event.ts';

type Place = { readonly journal: string; readonly numbers: readonly number[] };

const count = fc.oneof(fc.nat(9), fc.maxSafeNat(), fc.constantFrom(0, 999_999_999_999_999, 1_000_000_000_000_000));
const place: fc.Arbitrary<Place> = fc.record({
  journal: fc.oneof(fc.constantFrom('sums', 'chunks/part-000', 'chunks/part-001'), fc.string()),
  numbers: fc.array(count, { minLength: 5, maxLength: 5 }),
});

function lineOf({ journal, numbers: [n = 0, atNs = 0, begin = 0, end = 0, stampNs = 0] }: Place): string {
  // In the order in which the history log makes an event.
  const event = { atNs, event: 'batch', journal, begin, end, stampNs, bytes: Buffer.alloc(3) } as const;
  return wholeLine({ n: n + 1, event }).text;
}

/** What a parser of JSON makes of the line, when it is the entry of a batch. */
function parsed(text: string): unknown {
  try {
    const entry = wholeEntry(JSON.parse(text), (byteLength) => new Uint8Array(Math.min(byteLength, 64)));
    if (entry?.event.event !== 'batch') return null;
    const { atNs, journal, begin, end, stampNs } = entry.event;
    return { n: entry.n, atNs, journal, begin, end, stampNs, byteLength: JSON.parse(text).byteLength };
  } catch {
    return null;
  }
}

test('a line that is taken says what a parser of JSON reads in it', (t) => {
  const reader = new BatchLineReader();
  let taken = 0;
  fc.assert(
    fc.property(place, (of) => {
      const text = lineOf(of);
      const line = Buffer.from(`before${text}\nbehind`, 'utf8');
      if (!reader.read(line, 6, line.length - 7)) return;
      taken += 1;
      t.deepEqual({ ...reader.fields }, parsed(text));
    }),
  );
  t.true(taken > 0);
});

test('whatever is changed in a line, it is not taken for what a parser of JSON would not read', (t) => {
  const reader = new BatchLineReader();
  const journal = 'chunks/part-000';
  const text = lineOf({ journal, numbers: [41, 39_144_393_064_973, 305_120, 305_616, 39_142_737_318_165] });
  t.true(reader.read(Buffer.from(text), 0, text.length), text);
  fc.assert(
    fc.property(
      fc.nat(text.length),
      fc.nat(2),
      fc.constantFrom(...Array.from('"{}:,0159.e-+ \\\nx\u0001\u00e9')),
      (at, cut, put) => {
        const line = Buffer.from(text.slice(0, at) + put + text.slice(at + cut), 'utf8');
        if (reader.read(line, 0, line.length)) t.deepEqual({ ...reader.fields }, parsed(line.toString('utf8')));
      },
    ),
    { numRuns: 2_000 },
  );
});
