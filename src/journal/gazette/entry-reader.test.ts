import test from 'ava';
import { ViolationError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { STATE_PIECE_BYTES, encodeStateEntry } from '../../message/state-frame.ts';
import { EntryReader } from './entry-reader.ts';

const JOURNAL = 'states/shard-000';

type Of = { readonly sequence: number; readonly epoch?: number; readonly text?: string };

function framesOf({ sequence, epoch = 1, text = '' }: Of): Buffer[] {
  return encodeStateEntry(Buffer.from(text), { journal: JOURNAL, sequence, epoch }, crc32c);
}

/** The sequences and texts of the entries that count, of frames that lie back to back. */
function read(frames: readonly Buffer[], next = 0): string[] {
  const reader = new EntryReader(JOURNAL, next);
  let at = 0;
  return frames.flatMap((bytes) => {
    const entry = reader.push({ begin: at, end: at + bytes.length, bytes });
    at += bytes.length;
    return entry === null ? [] : [`${entry.sequence} ${entry.bytes.subarray(0, 8).toString()}`];
  });
}

test('entries count in their order, from the one that is next', (t) => {
  const frames = [0, 1, 2].flatMap((sequence) => framesOf({ sequence, text: `t${sequence}` }));
  t.deepEqual(read(frames), ['0 t0', '1 t1', '2 t2']);
  t.deepEqual(read(frames.slice(1), 1), ['1 t1', '2 t2']);
});

test('a repetition, and an entry of a replaced owner behind the claim of a newer one, do not count', (t) => {
  const frames = [
    ...framesOf({ sequence: 0, text: 'claim' }),
    ...framesOf({ sequence: 0, text: 'claim' }),
    ...framesOf({ sequence: 1, epoch: 2, text: 'newer' }),
    ...framesOf({ sequence: 2, epoch: 1, text: 'late' }),
    ...framesOf({ sequence: 2, epoch: 2, text: 'next' }),
  ];
  t.deepEqual(read(frames), ['0 claim', '1 newer', '2 next']);
});

test('an entry without its last frame does not count, and is whole when it comes again', (t) => {
  const text = 'x'.repeat(2 * STATE_PIECE_BYTES + 5);
  const whole = framesOf({ sequence: 0, text });
  t.is(whole.length, 3);
  t.deepEqual(read(whole.slice(0, 2)), []);
  t.deepEqual(read([...whole.slice(0, 2), ...framesOf({ sequence: 0, text: 'other' })]), ['0 other']);
  t.deepEqual(read([...whole.slice(0, 2), ...whole]), ['0 xxxxxxxx']);
  t.deepEqual(read([...whole.slice(1), ...whole]), ['0 xxxxxxxx']);
});

test('a missing entry is a gap, and other bytes are corrupt', (t) => {
  const gap = t.throws(() => read([...framesOf({ sequence: 0 }), ...framesOf({ sequence: 2 })]));
  t.true(gap instanceof ViolationError && gap.kind === 'gap', String(gap));
  const corrupt = t.throws(() => read([Buffer.alloc(60)]));
  t.true(corrupt instanceof ViolationError && corrupt.kind === 'corrupt', String(corrupt));
});
