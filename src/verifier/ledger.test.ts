import test from 'ava';
import fc from 'fast-check';
import { Ledger } from './ledger.ts';

test('files below the watermark are verified unless they are outstanding', (t) => {
  const ledger = new Ledger();
  t.false(ledger.isVerified(0));
  ledger.cover(3);
  t.deepEqual([...ledger.outstanding.keys()], [0, 1, 2]);
  t.false(ledger.isVerified(1));
  ledger.complete(1, 50);
  ledger.verify(1);
  t.deepEqual(
    [0, 1, 2, 3].map((file) => ledger.isVerified(file)),
    [false, true, false, false],
  );
  t.is(ledger.verifiedTotal, 1);
  ledger.cover(2);
  t.is(ledger.next, 3);
  t.true(ledger.isVerified(1));
});

test('a file keeps the time at which its end was first intended', (t) => {
  const ledger = new Ledger();
  ledger.cover(1);
  t.is(ledger.outstanding.get(0), Number.NaN);
  t.is(ledger.complete(0, 70), 70);
  t.is(ledger.complete(0, 900), 70);
  t.is(Ledger.load(ledger.save(), true).complete(0, 900), 70);
});

test('times of another boot are forgotten, the files are not', (t) => {
  const ledger = new Ledger();
  ledger.cover(2);
  ledger.complete(1, 70);
  const other = Ledger.load(ledger.save(), false);
  t.deepEqual(
    [...other.outstanding],
    [
      [0, Number.NaN],
      [1, Number.NaN],
    ],
  );
  t.is(other.complete(1, 5), 5);
});

test('a file is verified once, and only one that was opened completes', (t) => {
  const ledger = new Ledger();
  ledger.cover(1);
  ledger.verify(0);
  t.throws(() => ledger.verify(0), { name: 'InvariantError' });
  t.throws(() => ledger.verify(1), { name: 'InvariantError' });
  t.throws(() => ledger.complete(0, 1), { name: 'InvariantError' });
  t.throws(() => ledger.complete(5, 1), { name: 'InvariantError' });
});

test('bytes that cannot be a ledger are refused', (t) => {
  const ledger = new Ledger();
  ledger.cover(2);
  const bytes = ledger.save();
  for (let length = 0; length < bytes.length; length += 1) {
    if ((length - 8) % 16 === 0) continue;
    t.throws(() => Ledger.load(bytes.subarray(0, length), true), { name: 'InvariantError' }, `${length} bytes`);
  }
  for (const next of [-1, 0.5, Number.NaN, 2 ** 53]) {
    const altered = Buffer.from(bytes);
    altered.writeDoubleLE(next, 0);
    t.throws(() => Ledger.load(altered, true), { name: 'InvariantError' });
  }
});

test('a ledger, saved and loaded at any time, is a set of verified files', (t) => {
  const anyStep = fc.record({
    action: fc.constantFrom<'open' | 'complete' | 'verify' | 'reload'>(
      'open',
      'complete',
      'verify',
      'verify',
      'reload',
    ),
    pick: fc.nat(1_000),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150 }), (actions) => {
      let ledger = new Ledger();
      let opened = 0;
      const times = new Map<number, number>();
      const verified = new Set<number>();
      for (const { action, pick } of actions) {
        const waiting = Array.from({ length: opened }, (_, file) => file).filter((file) => !verified.has(file));
        const file = waiting[pick % Math.max(1, waiting.length)];
        if (action === 'open') {
          opened += pick % 4;
          ledger.cover(opened);
        } else if (action === 'reload') {
          ledger = Ledger.load(ledger.save(), true);
        } else if (file !== undefined && action === 'complete') {
          t.is(ledger.complete(file, pick), times.get(file) ?? pick);
          times.set(file, times.get(file) ?? pick);
        } else if (file !== undefined) {
          ledger.verify(file);
          verified.add(file);
        }
        t.is(ledger.next, opened);
        t.is(ledger.verifiedTotal, verified.size);
        for (let each = 0; each < opened + 2; each += 1) t.is(ledger.isVerified(each), verified.has(each));
        const expected = waiting
          .filter((each) => !verified.has(each))
          .map((each) => [each, times.get(each) ?? Number.NaN]);
        if (action !== 'open') t.deepEqual([...ledger.outstanding], expected);
      }
    }),
    { numRuns: 40 },
  );
});
