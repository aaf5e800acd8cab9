// Sha256 against node:crypto at every split and every saved byte, and on input that it must refuse.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import test from 'ava';
import fc from 'fast-check';

import { mistyped } from './record-fixture.ts';
import { Sha256, STATE_BYTES } from './sha256.ts';

const message = Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 167 + (index >> 8) * 13 + 5) & 0xff));

function expected(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return 'no error';
}

test('a message split anywhere has the digest of node:crypto', (t) => {
  for (let length = 0; length <= 200; length++) {
    const whole = message.subarray(0, length);
    const digest = expected(whole);
    for (let split = 0; split <= length; split++) {
      const hash = new Sha256().update(whole.subarray(0, split)).update(whole.subarray(split));
      if (hash.digest('hex') !== digest) t.fail(`length ${length}, split ${split}`);
    }
  }
  t.pass();
});

test('a state saved at any byte and restored resumes to the digest of node:crypto', (t) => {
  for (let saved = 0; saved <= 200; saved++) {
    const state = new Sha256().update(message.subarray(0, saved)).serialize();
    t.is(state.length, STATE_BYTES);
    const restored = Sha256.deserialize(state);
    t.is(restored.byteCount, saved);
    t.deepEqual(restored.serialize(), state);
    t.is(restored.digest('hex'), expected(message.subarray(0, saved)));
    t.is(restored.update(message.subarray(saved)).digest('hex'), expected(message));
  }
});

test('pieces of any lengths, with saves in between, have the digest of node:crypto', (t) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.nat(20), (parts, saveAt) => {
      let hash = new Sha256();
      for (const [index, part] of parts.entries()) {
        if (index === saveAt) hash = Sha256.deserialize(hash.serialize());
        hash.update(part);
      }
      t.is(hash.digest('hex'), expected(Buffer.concat(parts)));
    }),
  );
});

test('states that Go wrote are the states written here', (t) => {
  const golden = readFileSync('native/sha256/golden/states.csv', 'utf8').trim().split('\n').slice(1);
  t.is(golden.length, 210);
  for (const line of golden) {
    const [length = '', state = '', digest = ''] = line.split(',');
    if (Number(length) > message.length) continue;
    const hash = new Sha256().update(message.subarray(0, Number(length)));
    t.is(hash.serialize().toString('hex'), state);
    t.is(hash.digest('hex'), digest);
  }
});

test('a digest does not end the message, and a copy goes its own way', (t) => {
  const hash = new Sha256().update('abc');
  const copy = hash.copy();
  t.is(hash.digest('hex'), expected(Buffer.from('abc')));
  t.is(hash.update('déf').digest('base64'), createHash('sha256').update('abcdéf').digest('base64'));
  t.is(copy.digest('hex'), expected(Buffer.from('abc')));
  const digest = new Uint8Array(32);
  copy.digestInto(digest);
  t.deepEqual(Buffer.from(digest), copy.digest());
});

test('every view of memory is hashed by its own bytes', (t) => {
  const words = new Uint32Array([1, 2, 3, 4]).subarray(1, 3);
  t.is(new Sha256().update(words).digest('hex'), createHash('sha256').update(words).digest('hex'));
  const view = new DataView(words.buffer, 3, 7);
  t.is(new Sha256().update(view).digest('hex'), createHash('sha256').update(view).digest('hex'));
});

test('a state with any bit of magic, length or padding changed is refused', (t) => {
  const state = new Sha256().update(message.subarray(0, 100)).serialize();
  const refused = (change: (copy: Buffer) => Uint8Array): void => {
    t.is(
      codeOf(() => Sha256.deserialize(change(Buffer.from(state)))),
      'ERR_SHA256_STATE',
    );
  };
  for (let length = 0; length < STATE_BYTES; length++) refused((copy) => copy.subarray(0, length));
  refused((copy) => Buffer.concat([copy, Buffer.alloc(1)]));
  for (let bit = 0; bit < 32; bit++) {
    refused((copy) => {
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return copy;
    });
  }
  // 100 bytes leave 36 in the block: the bytes that follow at 36 + 36 must be zero.
  for (let at = 72; at < 100; at++) refused((copy) => copy.fill(1, at, at + 1));
  refused((copy) => copy.fill(0xff, 100, 101));
  refused((copy) => copy.fill(0, 100));
  const initial = new Sha256().serialize();
  t.is(
    codeOf(() => Sha256.deserialize(initial.fill(0, 4, 5))),
    'ERR_SHA256_STATE',
  );
});

test('a message at the longest length takes no more bytes', (t) => {
  const state = new Sha256().update(message.subarray(0, 128)).serialize();
  state.writeBigUInt64BE((1n << 61n) - 64n, 100);
  const hash = Sha256.deserialize(state);
  hash.update(message.subarray(0, 63));
  const before = hash.serialize();
  t.is(
    codeOf(() => hash.update('x')),
    'ERR_SHA256_MESSAGE_TOO_LONG',
  );
  t.deepEqual(hash.serialize(), before);
  state.writeBigUInt64BE(1n << 61n, 100);
  t.is(
    codeOf(() => Sha256.deserialize(state)),
    'ERR_SHA256_STATE',
  );
});

test('odd arguments are errors with a code', (t) => {
  const hash = new Sha256();
  const odd: unknown[] = [undefined, null, 1, {}, [], new ArrayBuffer(8), new Uint8Array(new SharedArrayBuffer(8))];
  for (const argument of odd) {
    t.is(
      codeOf(() => hash.update(mistyped<Uint8Array>(argument))),
      'ERR_INVALID_ARG_TYPE',
    );
    t.is(
      codeOf(() => Sha256.deserialize(mistyped<Uint8Array>(argument))),
      'ERR_INVALID_ARG_TYPE',
    );
  }
  t.is(
    codeOf(() => hash.digestInto(new Uint8Array(31))),
    'ERR_OUT_OF_RANGE',
  );
  const detached = new Uint8Array(64);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  t.is(hash.update(detached).digest('hex'), expected(Buffer.alloc(0)));
  t.is(
    codeOf(() => Sha256.deserialize(detached)),
    'ERR_SHA256_STATE',
  );
  t.is(
    codeOf(() => hash.digestInto(detached)),
    'ERR_OUT_OF_RANGE',
  );
});
