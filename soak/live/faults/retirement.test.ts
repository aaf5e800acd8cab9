import test from 'ava';
import { isEnded } from './retirement.ts';

const PRODUCER = 'aa00000000000001';
const OF = { producer: PRODUCER, partitions: 2 };

function line(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ level: 'info', producer: PRODUCER, ...fields });
}

const WHOLE = [
  line({ journal: 'chunks/part-000', msg: 'ended' }),
  line({ journal: 'chunks/part-001', msg: 'ended' }),
  line({ msg: 'retired' }),
];

test('a producer has ended when each journal is named, and its pin after them', (t) => {
  t.true(isEnded(WHOLE, OF));
  t.true(isEnded(['what is no JSON', ...WHOLE, 'null'], OF));
  for (const left of WHOLE.keys()) t.false(isEnded(WHOLE.toSpliced(left, 1), OF), `without ${WHOLE[left]}`);
  t.false(isEnded(WHOLE, { ...OF, partitions: 3 }));
  t.false(isEnded(WHOLE, { ...OF, producer: 'aa00000000000002' }));
  t.false(isEnded([], OF));
});
