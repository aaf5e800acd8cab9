import test from 'ava';
import type { Sample } from '../src/results/samples.ts';
import { impossibleRows } from './possible.ts';

function samplesOf(rate: number | null, cpu: number | null, round: number, process = 'all'): Sample[] {
  const row = { suite: 'pipeline', benchmark: 'growth', round };
  return [
    { ...row, parameters: 'files=7', metric: 'chunks_per_s', unit: '1/s', better: 'higher', value: rate },
    {
      ...row,
      parameters: `files=7 process=${process}`,
      metric: 'cpu_s_per_million_chunks',
      unit: 's',
      better: 'lower',
      value: cpu,
    },
  ];
}

test('a rate that needs more CPU time than there are cores is found, with its rounds', (t) => {
  const samples = [...samplesOf(1.98e6, 1.08, 1), ...samplesOf(1.6e6, 1.08, 2), ...samplesOf(2.1e6, 1.08, 3)];
  const [found, ...others] = impossibleRows(samples, 2);
  t.deepEqual(others, []);
  t.like(found, { rounds: [1, 3], row: { benchmark: 'growth', parameters: 'files=7' } });
  t.is(found?.coresUsed.toFixed(3), '2.268');
  t.deepEqual(impossibleRows(samples, 4), []);
});

test('a window that begins and ends within a tick of the clock of CPU time is possible', (t) => {
  t.deepEqual(impossibleRows(samplesOf(2e6, 1.01, 1), 2), []);
});

test('what was not measured, and the time of one process, say nothing', (t) => {
  t.deepEqual(impossibleRows([...samplesOf(null, 5, 1), ...samplesOf(1e9, null, 2)], 2), []);
  t.deepEqual(impossibleRows(samplesOf(3e6, 1, 1, 'broker'), 2), []);
});
