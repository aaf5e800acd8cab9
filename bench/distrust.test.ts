import test from 'ava';
import type { Sample } from '../src/results/samples.ts';
import { distrustedRows, distrustName, isDistrusted, rowRemark, unsteadyRemark, withRounds } from './distrust.ts';

function rounds(remarks: readonly string[], row: string): unknown {
  const found = distrustedRows(remarks).get(row);
  return found instanceof Set ? [...found] : found;
}

test('what is written about a row is read back, with its rounds', (t) => {
  const row = 'latency rate=20000 chunk_bytes=32';
  const remark = rowRemark(
    'pipeline',
    row,
    'not to be trusted: the schedule itself lagged 7.22 ms (p99), more than 5 ms',
  );
  t.deepEqual(rounds([withRounds(remark, [1, 3]), withRounds(remark, [2])], `pipeline ${row}`), [1, 3, 2]);
  t.is(rounds([withRounds(remark, [])], `pipeline ${row}`), 'all');
  t.is(rounds([withRounds(remark, [1]), remark], `pipeline ${row}`), 'all');
  const steady = rowRemark('pipeline', 'growth files=100000', 'never steady: 1.2 times as many chunks were verified');
  t.deepEqual(rounds([withRounds(steady, [2])], 'pipeline growth files=100000'), [2]);
});

test('rows whose warm-up never ended are read back, each by its name', (t) => {
  const rows = [
    'sliced-chunks contender=@noble/hashes files=1000 chunk_bytes=32',
    'operation operation=update bytes=64',
  ];
  const remark = unsteadyRemark('hash', rows, 6);
  t.is(remark, `hash: 2 tasks never steady in 6 rounds of warm-up: ${rows.join('; ')}`);
  for (const row of rows) t.is(rounds([remark], `hash ${row}`), 'all');
  t.deepEqual(rounds([withRounds(remark, [7])], `hash ${rows[1]}`), [7]);
});

test('other remarks distrust nothing', (t) => {
  const remarks = [
    'pipeline growth files=1000: the journal reused its pages when the warm-up ended (round 1, 2, 3)',
    '250 remarks were left out here: in most rounds some rows were not steady within 8 rounds of warm-up',
    'not to be trusted: without a row',
  ];
  t.is(distrustedRows(remarks).size, 0);
});

test('all figures of a row share its name, of whatever process they are', (t) => {
  const sample: Pick<Sample, 'suite' | 'benchmark' | 'parameters'> = {
    suite: 'pipeline',
    benchmark: 'latency',
    parameters: 'rate=2000 chunk_bytes=32 process=broker',
  };
  t.is(distrustName(sample), 'pipeline latency rate=2000 chunk_bytes=32');
  t.true(isDistrusted('all', 7) && isDistrusted(new Set([7]), 7));
  t.false(isDistrusted(undefined, 7) || isDistrusted(new Set([7]), 6));
});
