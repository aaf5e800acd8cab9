// Unusual buffers, on every call that takes one: detached, shrunk, grown, shared, of another realm, in disguise, longer
// than a payload can be. Each gives an error or counts as empty. None crashes the process or changes anything.

import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';

import test from 'ava';

import { crc32c } from './crc32c.ts';
import { HashPool, PAGE_BYTES, SUM_BYTES } from './pool.ts';
import { encodeRecords, fixtureFileId, mistyped } from './record-fixture.ts';
import { Sha256, STATE_BYTES } from './sha256.ts';
import { SlotPool } from './slot-pool.ts';

const INVALID = { code: 'ERR_INVALID_ARG_TYPE' };
const REFUSED = { code: 'ERR_SLOT_POOL' };
const MESSAGE = Buffer.from('a message of some bytes');
const RECORD = encodeRecords([{ fileId: fixtureFileId(1, 1), sequence: 1, data: MESSAGE }]);

/** A pool with two streams and their states, to see that nothing has changed. */
function slotPool(): { pool: SlotPool; slots: Uint32Array; states: () => Buffer } {
  const pool = new SlotPool();
  const slots = Uint32Array.of(pool.open(), pool.open());
  pool.fold(slots, Uint32Array.of(3, MESSAGE.length), MESSAGE);
  const states = (): Buffer => {
    const bytes = Buffer.alloc(2 * STATE_BYTES);
    pool.save(slots, bytes);
    return bytes;
  };
  return { pool, slots, states };
}

function detach<T extends NodeJS.ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [mistyped<ArrayBuffer>(view.buffer)] });
  return view;
}

/** Calls a method of one class on something else. */
function call(prototype: object, method: string, on: unknown): unknown {
  return Reflect.apply(mistyped<() => unknown>(Reflect.get(prototype, method)), on, []);
}

/** Memory that can be resized; newer than the type library. */
function resizable(bytes: number): { memory: ArrayBuffer; resize: (bytes: number) => void } {
  const memory = mistyped<ArrayBuffer>(Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 2 * bytes }]));
  const resize = mistyped<(this: ArrayBuffer, bytes: number) => void>(Reflect.get(memory, 'resize'));
  return { memory, resize: (to) => resize.call(memory, to) };
}

test('detached buffers are empty ones to a slot pool', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  const noWords = detach(new Uint32Array(2));
  const noBytes = detach(new Uint8Array(64));
  pool.fold(noWords, noWords, noBytes);
  pool.finish(noWords, noBytes);
  pool.save(noWords, noBytes);
  t.throws(() => pool.fold(slots, noWords, noBytes), REFUSED);
  t.throws(() => pool.fold(noWords, slots, noBytes), REFUSED);
  t.throws(() => pool.fold(slots, Uint32Array.of(0, 64), noBytes), REFUSED);
  t.throws(() => pool.fold(noWords, noWords, MESSAGE), REFUSED);
  t.throws(() => pool.finish(slots, noBytes), REFUSED);
  t.throws(() => pool.finish(noWords, Buffer.alloc(64)), REFUSED);
  t.throws(() => pool.save(slots, noBytes), REFUSED);
  t.throws(() => pool.openState(noBytes), { code: 'ERR_SHA256_STATE' });
  t.deepEqual(states(), before);
  t.is(pool.openStreams(), 2);
});

test('memory that shrank or grew under a view has the length that it has at the call', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  const { memory, resize } = resizable(4096);
  const [tracking, fixed] = [new Uint8Array(memory), new Uint8Array(memory, 1024, 64)];
  const words = new Uint32Array(memory, 2048, 2);
  words.set(slots);
  resize(100);
  t.throws(() => pool.finish(slots, fixed), REFUSED);
  t.throws(() => pool.save(slots, fixed), REFUSED);
  t.throws(() => pool.fold(words, slots, fixed), REFUSED);
  t.throws(() => pool.fold(slots, Uint32Array.of(0, 4096), tracking), REFUSED);
  pool.fold(words, words, fixed);
  t.throws(() => new Sha256().digestInto(fixed), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => Sha256.deserialize(fixed), { code: 'ERR_SHA256_STATE' });
  t.is(new Sha256().update(tracking).byteCount, 100);
  t.deepEqual(states(), before);
  resize(8192);
  t.is(new Sha256().update(tracking).byteCount, 8192);
  t.throws(() => pool.fold(slots, Uint32Array.of(0, 4096), tracking), REFUSED);
  t.deepEqual(states(), before);
});

test('shared memory is refused wherever it comes from and whatever it looks like', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  const hashPool = new HashPool();
  const hash = new Sha256();
  const growable = mistyped<SharedArrayBuffer>(Reflect.construct(SharedArrayBuffer, [4096, { maxByteLength: 8192 }]));
  const foreign = mistyped<SharedArrayBuffer>(runInNewContext('new SharedArrayBuffer(4096)'));
  for (const memory of [new SharedArrayBuffer(4096), growable, foreign]) {
    const [bytes, words] = [new Uint8Array(memory), new Uint32Array(memory, 0, 2)];
    t.throws(() => pool.fold(words, slots, MESSAGE), INVALID);
    t.throws(() => pool.fold(slots, words, MESSAGE), INVALID);
    t.throws(() => pool.fold(slots, Uint32Array.of(0, 4096), bytes), INVALID);
    t.throws(() => pool.finish(slots, bytes.subarray(0, 64)), INVALID);
    t.throws(() => pool.save(slots, bytes.subarray(0, 2 * STATE_BYTES)), INVALID);
    t.throws(() => pool.openState(bytes.subarray(0, STATE_BYTES)), INVALID);
    t.throws(() => hashPool.fold(bytes, 1, 0, Buffer.alloc(SUM_BYTES)), INVALID);
    t.throws(() => hashPool.fold(RECORD, 1, 0, bytes), INVALID);
    t.throws(() => hashPool.takeDirtyPages(words, Buffer.alloc(PAGE_BYTES)), INVALID);
    t.throws(() => hashPool.takeDirtyPages(new Uint32Array(1), bytes), INVALID);
    t.throws(() => hash.update(bytes), INVALID);
    t.throws(() => hash.update(new DataView(memory)), INVALID);
    t.throws(() => hash.digestInto(bytes.subarray(0, 32)), INVALID);
  }
  t.deepEqual(states(), before);
  t.is(hash.byteCount + hashPool.openFiles(), 0);
});

/** Views of shared memory whose properties claim that the memory is not shared. */
function spoofed(memory: SharedArrayBuffer): [Uint8Array, Uint32Array, DataView][] {
  const views = (): [Uint8Array, Uint32Array, DataView] => [
    new Uint8Array(memory, 0, 64),
    new Uint32Array(memory, 0, 2),
    new DataView(memory, 0, 64),
  ];
  const own = views();
  for (const view of own) {
    Object.defineProperty(view, 'buffer', { value: new ArrayBuffer(64) });
    Object.defineProperty(view, 'byteLength', { value: 8 });
  }
  const derived = views();
  for (const view of derived) {
    const lie = { get: () => new ArrayBuffer(64) };
    Object.setPrototypeOf(view, Object.create(mistyped<object>(Object.getPrototypeOf(view)), { buffer: lie }));
  }
  const disguised = views();
  Object.setPrototypeOf(memory, ArrayBuffer.prototype);
  return [own, derived, disguised];
}

test('shared memory is refused though it or its view is disguised', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  const hashPool = new HashPool();
  const hash = new Sha256();
  for (const [bytes, words, view] of spoofed(new SharedArrayBuffer(4096))) {
    t.throws(() => pool.fold(words, slots, MESSAGE), INVALID);
    t.throws(() => pool.fold(slots, words, MESSAGE), INVALID);
    t.throws(() => pool.fold(slots, Uint32Array.of(0, 64), bytes), INVALID);
    t.throws(() => pool.finish(slots, bytes), INVALID);
    t.throws(() => pool.save(slots, bytes), INVALID);
    t.throws(() => pool.openState(bytes), INVALID);
    t.throws(() => hashPool.fold(bytes, 1, 0, Buffer.alloc(SUM_BYTES)), INVALID);
    t.throws(() => hashPool.fold(RECORD, 1, 0, bytes), INVALID);
    t.throws(() => hashPool.takeDirtyPages(words, Buffer.alloc(PAGE_BYTES)), INVALID);
    t.throws(() => hashPool.takeDirtyPages(new Uint32Array(1), bytes), INVALID);
    t.throws(() => hashPool.loadPage(0, bytes), INVALID);
    t.throws(() => hashPool.dropProducer(bytes), INVALID);
    t.throws(() => hashPool.lookup(bytes), INVALID);
    for (const odd of [bytes, words, view]) t.throws(() => hash.update(odd), INVALID);
    t.throws(() => hash.digestInto(bytes), INVALID);
    t.throws(() => Sha256.deserialize(bytes), INVALID);
    t.throws(() => crc32c(0, bytes), INVALID);
  }
  t.deepEqual(states(), before);
  t.is(hash.byteCount + hashPool.openFiles(), 0);
});

test('a view is read where its memory is, whatever its own properties say', (t) => {
  const expected = createHash('sha256').update('abc').digest('hex');
  for (const view of [new Uint8Array(8), new Uint16Array(4), new DataView(new ArrayBuffer(8))]) {
    const part = new Uint8Array(view.buffer);
    part.set(Buffer.from('abc'));
    for (const [name, value] of Object.entries({ buffer: new ArrayBuffer(1), byteOffset: 0, byteLength: 1 })) {
      Object.defineProperty(view, name, { value });
    }
    t.is(new Sha256().update(view).digest('hex'), createHash('sha256').update(part).digest('hex'));
  }
  const bytes = Uint8Array.of(97, 98, 99);
  Object.defineProperty(bytes, 'length', { value: 1 });
  t.is(new Sha256().update(bytes).digest('hex'), expected);
});

test('a view of another kind in the prototype of the right one is refused', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  const disguised: unknown[] = [
    Object.setPrototypeOf(new Float64Array(8), Uint8Array.prototype),
    Object.setPrototypeOf(new Uint16Array(2), Uint32Array.prototype),
    Object.create(Uint8Array.prototype),
    Object.create(Uint32Array.prototype),
    new Proxy(new Uint8Array(64), {}),
    new Proxy(new Uint32Array(2), {}),
  ];
  for (const odd of disguised) {
    const [bytes, words] = [mistyped<Uint8Array>(odd), mistyped<Uint32Array>(odd)];
    t.throws(() => pool.fold(slots, Uint32Array.of(0, 64), bytes), INVALID);
    t.throws(() => pool.fold(words, slots, MESSAGE), INVALID);
    t.throws(() => pool.finish(slots, bytes), INVALID);
    t.throws(() => new HashPool().fold(bytes, 0, 0, Buffer.alloc(0)), INVALID);
  }
  t.deepEqual(states(), before);
});

test('buffers of another realm are buffers', (t) => {
  const bytes = mistyped<Uint8Array>(runInNewContext('Uint8Array.of(97, 98, 99)'));
  t.is(new Sha256().update(bytes).digest('hex'), createHash('sha256').update('abc').digest('hex'));
  const { pool, slots, states } = slotPool();
  pool.fold(slots, mistyped<Uint32Array>(runInNewContext('Uint32Array.of(1, 3)')), bytes);
  const first = new Sha256().update(MESSAGE.subarray(0, 3)).update('a');
  t.deepEqual(states().subarray(0, STATE_BYTES), first.serialize());
});

test('a payload of 2^32 bytes is refused by each pool, and counts that no payload can hold', (t) => {
  const { pool, slots, states } = slotPool();
  const before = states();
  // Never touched, so that it takes address space but no memory.
  const huge = new Uint8Array(2 ** 32);
  t.throws(() => pool.fold(slots, Uint32Array.of(0, 2 ** 32 - 1), huge), REFUSED);
  t.throws(() => pool.finish(slots, huge), REFUSED);
  t.throws(() => pool.save(slots, huge), REFUSED);
  const hashPool = new HashPool();
  for (const count of [1, 2 ** 31, 2 ** 32 - 1]) t.is(hashPool.fold(huge, count, 0, Buffer.alloc(0)), -1);
  t.is(hashPool.fold(RECORD, 2 ** 32 - 1, 2 ** 32 - 1, Buffer.alloc(0)), -1);
  t.throws(() => hashPool.loadPage(0, huge), { code: 'ERR_SHA256_PAGE' });
  t.throws(() => Sha256.deserialize(huge), { code: 'ERR_SHA256_STATE' });
  const many = new Uint32Array(2 ** 22).fill(7);
  t.throws(() => pool.fold(many, many, Buffer.alloc(7)), REFUSED);
  t.throws(() => pool.finish(many, new Uint8Array(2 ** 27)), REFUSED);
  t.deepEqual(states(), before);
});

test('a call on something that is no pool is a TypeError', (t) => {
  for (const odd of [undefined, {}, new HashPool()]) {
    t.throws(() => call(SlotPool.prototype, 'openStreams', odd), { instanceOf: TypeError });
    t.throws(() => call(Sha256.prototype, 'digest', odd), { instanceOf: TypeError });
  }
  t.throws(() => call(HashPool.prototype, 'clear', new SlotPool()), { instanceOf: TypeError });
});
