import test from 'ava';
import type { Measurement } from '../harness/task.ts';
import { possible } from './flow-tasks.ts';

function figures(rate: number, cpu: number): readonly Measurement[] {
  return [
    { metric: 'chunks_per_s', unit: '1/s', better: 'higher', value: rate },
    { metric: 'cpu_s_per_million_chunks', unit: 's', better: 'lower', value: cpu, process: 'all' },
    { metric: 'cpu_s_per_million_chunks', unit: 's', better: 'lower', value: 9, process: 'broker' },
  ];
}

test('figures that need more CPU time than there are cores are a bug, and no row', (t) => {
  const window = { seconds: 4, cpuSeconds: new Map([['broker', 1]]) };
  t.throws(() => possible(figures(1.98e6, 1.08), window, 2), { message: /2\.14 CPU-seconds a second on 2 cores/ });
  t.notThrows(() => possible(figures(1.6e6, 1.08), window, 2));
  t.notThrows(() => possible(figures(1.98e6, 1.08), window, 4));
});
