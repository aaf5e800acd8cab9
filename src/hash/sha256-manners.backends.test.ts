// Sha256 beside node:crypto's Hash, on the same calls. Input that node:crypto accepts gives the same digest here, or a
// TypeError with a code. Input that node:crypto refuses is a TypeError with a code here too.

import { createHash, type Hash } from 'node:crypto';
import { inspect } from 'node:util';

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';

import { CODE_POINT } from '../core/testing/code-point.ts';
import { mistyped } from './record-fixture.ts';
import { Sha256 } from './sha256.ts';

type Outcome = { readonly digest: string } | { readonly code: string; readonly isTypeError: boolean };

function outcomeOf(call: () => string | Buffer): Outcome {
  try {
    const digest = call();
    return { digest: typeof digest === 'string' ? `text ${digest}` : `bytes ${digest.toString('hex')}` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return {
      code: typeof code === 'string' ? code : `none: ${inspect(error)}`,
      isTypeError: error instanceof TypeError,
    };
  }
}

/** One call of `update` and one of `digest` with these arguments. */
function hashed(hash: Hash | Sha256, update: readonly unknown[], digest: readonly unknown[]): string | Buffer {
  Reflect.apply(mistyped<() => unknown>(hash.update), hash, [...update]);
  return mistyped<string | Buffer>(Reflect.apply(mistyped<() => unknown>(hash.digest), hash, [...digest]));
}

/** Whether both accepted the call. */
function agree(t: ExecutionContext, update: readonly unknown[], digest: readonly unknown[] = []): boolean {
  const theirs = outcomeOf(() => hashed(createHash('sha256'), update, digest));
  const ours = outcomeOf(() => hashed(new Sha256(), update, digest));
  const what = inspect({ encodings: [update[1], ...digest], theirs, ours });
  if ('code' in ours) t.true(ours.isTypeError && /^ERR_INVALID_ARG_(?:TYPE|VALUE)$/.test(ours.code), what);
  else t.deepEqual(ours, theirs, what);
  return 'digest' in ours;
}

const ENCODINGS = [
  'utf8',
  'utf-8',
  'hex',
  'base64',
  'base64url',
  'latin1',
  'binary',
  'ascii',
  'ucs2',
  'ucs-2',
  'utf16le',
  'utf-16le',
];
const TEXTS = [
  '',
  'abc',
  '616263',
  '61626',
  'zz',
  '61zz62',
  'déf',
  '\u{1f600}',
  '\ud800',
  '\udc00x',
  'a\ud83d',
  'YWJj',
  'YWJ',
  'YW==',
  'Y W\nJ j',
  '-_-_',
  '+/+/',
  'a\0b',
  '\u0100\u0161',
  'x'.repeat(1001),
  '\ud800'.repeat(70),
];

test('strings in every encoding have the digest of node:crypto', (t) => {
  for (const text of TEXTS) {
    t.true(agree(t, [text]));
    for (const encoding of [...ENCODINGS, ...ENCODINGS.map((name) => name.toUpperCase()), 'buffer', 'Buffer']) {
      const isHalf = encoding.toLowerCase() === 'hex' && text.length % 2 === 1;
      t.is(agree(t, [text, encoding]), !isHalf, `${encoding} ${text}`);
    }
    for (const none of [undefined, null, '']) t.true(agree(t, [text, none]));
    for (const odd of ['utf9', 'hex ', 'nonsense', 0, false, 5, true, {}, [], ['hex'], Symbol('hex')]) {
      t.false(agree(t, [text, odd]), inspect(odd));
    }
  }
  const texts = fc.oneof(
    fc.string({ unit: CODE_POINT }),
    fc.base64String(),
    fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(fc.property(texts, fc.constantFrom(...ENCODINGS), (text, encoding) => agree(t, [text, encoding]) || true));
});

test('a digest comes in every encoding of node:crypto', (t) => {
  for (const encoding of [...ENCODINGS, 'HEX', 'Base64', 'buffer', 'BUFFER', undefined, null, '']) {
    t.true(agree(t, ['abc'], [encoding]), String(encoding));
  }
  for (const odd of ['utf9', 'nonsense', 5, true, {}, [], Symbol('hex')]) t.false(agree(t, ['abc'], [odd]));
});

type ViewConstructor = new (memory: ArrayBufferLike, byteOffset?: number, length?: number) => ArrayBufferView;

/** Resizable memory, which is newer than the type library. */
function resizable(bytes: number, to: number): ArrayBuffer {
  const memory = mistyped<ArrayBuffer>(Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 4096 }]));
  mistyped<(this: ArrayBuffer, bytes: number) => void>(Reflect.get(memory, 'resize')).call(memory, to);
  return memory;
}

function detached<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [mistyped<ArrayBuffer>(view.buffer)] });
  return view;
}

test('every view has the digest of node:crypto, whatever became of its memory', (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index * 7);
  const kinds = mistyped<readonly ViewConstructor[]>([
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
  ]);
  for (const Kind of kinds) {
    t.true(agree(t, [new Kind(bytes.buffer)]));
    t.true(agree(t, [new Kind(bytes.buffer, 8, 4)]));
    t.true(agree(t, [new Kind(bytes.buffer, 16, 0)]));
    t.true(agree(t, [new Kind(bytes.buffer, 8, 4), 'hex']));
    t.true(agree(t, [new Kind(new ArrayBuffer(0))]));
    t.true(agree(t, [detached(new Kind(new ArrayBuffer(64), 8))]));
    t.true(agree(t, [new Kind(resizable(64, 1024))]));
    const memory = resizable(512, 512);
    const views = [new Kind(memory), new Kind(memory, 256), new Kind(memory, 256, 8)];
    Reflect.apply(mistyped<() => unknown>(Reflect.get(memory, 'resize')), memory, [16]);
    for (const view of views) agree(t, [view]);
    Reflect.apply(mistyped<() => unknown>(Reflect.get(memory, 'resize')), memory, [2048]);
    for (const view of views) t.true(agree(t, [view]));
    t.false(agree(t, [new Kind(new SharedArrayBuffer(64))]));
  }
  t.true(agree(t, [Buffer.from('abc')]));
});

test('an argument that is no string and no view is a TypeError with a code', (t) => {
  const odd = [
    undefined,
    null,
    0,
    1n,
    true,
    {},
    [],
    [1, 2],
    new ArrayBuffer(8),
    new SharedArrayBuffer(8),
    Symbol('a'),
    () => 'a',
    new Date(0),
    new Proxy(new Uint8Array(4), {}),
    Object.create(Uint8Array.prototype),
    { buffer: new ArrayBuffer(8), byteLength: 8 },
  ];
  for (const argument of odd) t.false(agree(t, [argument]));
  t.false(agree(t, []));
});

test('copies of copies go their own ways, before and after a digest', (t) => {
  const chains = fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 150 }), isCopied: fc.boolean() }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(chains, (steps) => {
      let [theirs, ours] = [createHash('sha256'), new Sha256()];
      const left: [Hash, Sha256][] = [[theirs, ours]];
      for (const { bytes, isCopied } of steps) {
        if (isCopied) {
          [theirs, ours] = [theirs.copy(), ours.copy()];
          left.push([theirs, ours]);
        }
        theirs.update(bytes);
        ours.update(bytes);
        ours.digest();
      }
      for (const [expected, actual] of left) t.is(actual.digest('hex'), expected.digest('hex'));
    }),
  );
});

test('a refused update changes nothing', (t) => {
  const hash = new Sha256().update('abc');
  const before = hash.serialize();
  for (const [data, encoding] of [
    ['61626', 'hex'],
    ['ab', 'utf9'],
    [new Uint8Array(new SharedArrayBuffer(4)), undefined],
    [{}, 'hex'],
  ]) {
    t.throws(() => hash.update(mistyped<string>(data), mistyped<BufferEncoding>(encoding)), { instanceOf: TypeError });
  }
  for (const encoding of ['utf9', 7])
    t.throws(() => hash.digest(mistyped<BufferEncoding>(encoding)), { instanceOf: TypeError });
  t.deepEqual(hash.serialize(), before);
});

test('more than 2^32 bits in many updates have the digest of node:crypto', (t) => {
  const piece = Buffer.alloc(1 << 26);
  const [theirs, ours] = [createHash('sha256'), new Sha256()];
  for (let count = 0; count < 9; count += 1) {
    theirs.update(piece);
    ours.update(piece);
  }
  t.is(ours.byteCount, 9 * 2 ** 26);
  const resumed = Sha256.deserialize(ours.serialize());
  t.is(resumed.update('end').digest('hex'), theirs.update('end').digest('hex'));
});

test('a subclass is a hash, and a receiver that is none is an error', (t) => {
  class Named extends Sha256 {
    readonly label = 'named';
  }
  const named = new Named().update('abc');
  t.is(named.label, 'named');
  t.is(named.copy().digest('hex'), createHash('sha256').update('abc').digest('hex'));
  const methods = ['update', 'digest', 'digestInto', 'copy', 'serialize'];
  for (const receiver of [
    undefined,
    null,
    {},
    1,
    Object.create(Sha256.prototype),
    Sha256.prototype,
    new Proxy(named, {}),
  ]) {
    for (const method of methods) {
      const call = mistyped<() => unknown>(Reflect.get(Sha256.prototype, method));
      t.throws(() => Reflect.apply(call, receiver, [new Uint8Array(32)]), { instanceOf: TypeError }, method);
    }
  }
  const deserialize = mistyped<() => Sha256>(Reflect.get(Sha256, 'deserialize'));
  t.is(Reflect.apply(deserialize, undefined, mistyped<[]>([named.serialize()])).byteCount, 3);
});

test('structuredClone and JSON refuse a hash instead of losing its state', (t) => {
  const hash = new Sha256().update('abc');
  const refusal = { instanceOf: TypeError, code: 'ERR_UNCLONEABLE' };
  t.throws(() => structuredClone(hash), refusal);
  t.throws(() => structuredClone({ deep: [hash] }), refusal);
  t.throws(() => JSON.stringify(hash), refusal);
  t.throws(() => JSON.stringify({ deep: [hash] }), refusal);
  t.true(inspect(hash).startsWith('Sha256'));
});

test('a digest and a state have memory of their own', (t) => {
  const hash = new Sha256().update('abc');
  t.is(hash.digest().buffer.byteLength, 32);
  t.is(hash.serialize().buffer.byteLength, 108);
  const many = Array.from({ length: 200 }, (_, index) => new Sha256().update(String(index)));
  for (const [index, one] of many.entries()) {
    t.is(one.digest('hex'), createHash('sha256').update(String(index)).digest('hex'));
  }
});
