// The slot pool against node:crypto, and on arguments that it must refuse.

import { createHash, type Hash } from 'node:crypto';

import test from 'ava';
import fc from 'fast-check';

import { mistyped } from './record-fixture.ts';
import { Sha256, STATE_BYTES } from './sha256.ts';
import { SlotPool } from './slot-pool.ts';

const chunks = fc.array(
  fc.record({ stream: fc.nat(24), bytes: fc.oneof(fc.nat(70), fc.nat(2000)), cut: fc.boolean() }),
  { maxLength: 200 },
);

function openAll(pool: SlotPool, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, () => pool.open());
}

function word(...values: number[]): Uint32Array {
  return Uint32Array.from(values);
}

test('chunks of any interleaving have the digests of node:crypto', (t) => {
  fc.assert(
    fc.property(chunks, (steps) => {
      const pool = new SlotPool();
      const streams = openAll(pool, 25);
      const hashes: Hash[] = Array.from(streams, () => createHash('sha256'));
      let [slots, ends, parts]: [number[], number[], Buffer[]] = [[], [], []];
      let end = 0;
      const fold = (): void => {
        pool.fold(Uint32Array.from(slots), Uint32Array.from(ends), Buffer.concat(parts));
        [slots, ends, parts, end] = [[], [], [], 0];
      };
      for (const { stream, bytes, cut } of steps) {
        const data = Buffer.alloc(bytes, stream + bytes);
        hashes[stream]?.update(data);
        end += bytes;
        slots.push(streams[stream] ?? 0);
        ends.push(end);
        parts.push(data);
        if (cut) fold();
      }
      fold();
      const digests = Buffer.alloc(25 * 32);
      pool.finish(streams, digests);
      t.deepEqual(digests, Buffer.concat(hashes.map((hash) => hash.digest())));
      t.is(pool.openStreams(), 0);
    }),
  );
});

test('streams are saved in one call and resumed', (t) => {
  const pool = new SlotPool();
  const slots = openAll(pool, 200);
  const data = Buffer.alloc((200 * 199) / 2, 'stream');
  const ends = Uint32Array.from(slots, (_, index) => (index * (index + 1)) / 2);
  pool.fold(slots, ends, data);
  const states = Buffer.alloc(slots.length * STATE_BYTES);
  pool.save(slots, states);
  const resumed = new SlotPool();
  for (let index = 0; index < slots.length; index++) {
    const state = states.subarray(index * STATE_BYTES, (index + 1) * STATE_BYTES);
    const start = (index * (index - 1)) / 2;
    t.deepEqual(state, new Sha256().update(data.subarray(Math.max(start, 0), ends[index])).serialize());
    t.is(resumed.openState(state), index);
  }
  const [digests, again] = [Buffer.alloc(6400), Buffer.alloc(6400)];
  pool.finish(slots, digests);
  resumed.finish(slots, again);
  t.deepEqual(again, digests);
});

test('what does not fit is refused, and changes nothing', (t) => {
  const pool = new SlotPool();
  const slots = openAll(pool, 3);
  const before = Buffer.alloc(3 * STATE_BYTES);
  pool.save(slots, before);
  const refusal = { code: 'ERR_SLOT_POOL' };
  const data = Buffer.alloc(100);
  t.throws(() => pool.fold(word(0, 1), word(100), data), refusal);
  t.throws(() => pool.fold(word(0, 3), word(50, 100), data), refusal);
  t.throws(() => pool.fold(word(0, 2 ** 32 - 1), word(50, 100), data), refusal);
  t.throws(() => pool.fold(word(0, 1), word(50, 49), data), refusal);
  t.throws(() => pool.fold(word(0, 1), word(50, 99), data), refusal);
  t.throws(() => pool.fold(word(0, 1), word(50, 2 ** 32 - 1), data), refusal);
  t.throws(() => pool.fold(word(), word(), data), refusal);
  t.throws(() => pool.finish(word(0, 1, 0), Buffer.alloc(96)), refusal);
  t.throws(() => pool.finish(word(0, 5), Buffer.alloc(64)), refusal);
  t.throws(() => pool.finish(word(0, 1), Buffer.alloc(63)), refusal);
  t.throws(() => pool.save(word(0, 9), Buffer.alloc(2 * STATE_BYTES)), refusal);
  t.throws(() => pool.save(word(0), Buffer.alloc(STATE_BYTES + 1)), refusal);
  t.throws(() => pool.openState(Buffer.alloc(STATE_BYTES)), { code: 'ERR_SHA256_STATE' });
  const shared = Buffer.alloc(32);
  const alias = new Uint32Array(shared.buffer, shared.byteOffset, 1).fill(0);
  t.throws(() => pool.finish(alias, shared), { code: 'ERR_BUFFERS_OVERLAP' });
  for (const odd of [undefined, null, [0], new Uint16Array(1), new Uint32Array(new SharedArrayBuffer(4))]) {
    const argument = mistyped<Uint32Array>(odd);
    t.throws(() => pool.fold(argument, word(100), data), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => pool.fold(word(0), argument, data), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => pool.finish(argument, data), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => pool.save(argument, data), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const after = Buffer.alloc(3 * STATE_BYTES);
  pool.save(slots, after);
  t.deepEqual(after, before);
  pool.fold(word(), word(), Buffer.alloc(0));
  t.is(pool.openStreams(), 3);
});
