import test from 'ava';
import fc from 'fast-check';
import type { Call } from './protocol.ts';
import { decodeAcks, isResultOf } from './results.ts';

const ANSWERS: Readonly<Record<Call['op'], unknown>> = {
  expected: { outcome: 'expected', n: 3, stampNs: 1.5 },
  head: { head: 9 },
  list: {
    partitions: 1,
    batchBytesMax: 1000,
    journals: [{ name: 'chunks/part-000', begin: 0, head: 9 }],
    shards: [{ shard: 0, epoch: 1, confirmed: null, hold: 0 }],
  },
  raise: { outcome: 'raised', epoch: 2, confirmed: '/a' },
  confirm: { outcome: 'confirmed' },
  vouch: { outcome: 'held' },
  report: { outcome: 'fenced', epoch: 3 },
  hold: { offset: 7, nextIndexes: { '0000000000000000': 4 } },
  'move-hold': { outcome: 'missing' },
  release: { outcome: 'released' },
  retire: { outcome: 'ended' },
};
const OPS = Object.keys(ANSWERS) as Call['op'][];

test('every answer of the broker is taken', (t) => {
  for (const op of OPS) t.true(isResultOf(op, ANSWERS[op]), op);
});

test('an answer that lacks a field, or has another type in it, is refused', (t) => {
  for (const op of OPS) {
    const answer = ANSWERS[op] as Record<string, unknown>;
    for (const field of Object.keys(answer)) {
      const { [field]: _, ...without } = answer;
      t.false(isResultOf(op, without), `${op} without ${field}`);
      for (const other of [-1, Number.NaN, 'no such outcome', {}, [null], true]) {
        // A confirmed path may be any text, and an empty list of indexes lacks none.
        if (op === 'raise' && field === 'confirmed' && typeof other === 'string') continue;
        if (op === 'hold' && field === 'nextIndexes' && JSON.stringify(other) === '{}') continue;
        t.false(isResultOf(op, { ...answer, [field]: other }), `${op} with ${field} ${JSON.stringify(other)}`);
      }
    }
  }
});

test('whatever arrives as an answer, it is judged without an exception', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...OPS), fc.jsonValue(), (op, value) => {
      isResultOf(op, value);
      const acks = decodeAcks(value);
      return acks === null || acks.length === 0;
    }),
  );
  t.pass();
});

test('acknowledgements are taken all or none', (t) => {
  const good = { id: 1, outcome: { outcome: 'committed', begin: 0, end: 10, stampNs: 2 } };
  t.deepEqual(decodeAcks([good]), [good] as never);
  t.is(decodeAcks([good, { id: 2, outcome: { outcome: 'committed', begin: 10, end: 10, stampNs: 2 } }]), null);
  t.is(decodeAcks([good, { id: 2, outcome: { outcome: 'unknown' } }]), null);
});
