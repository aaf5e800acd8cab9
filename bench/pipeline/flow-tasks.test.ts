/** What a task says about its own figures, on real processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import type { Measurement } from '../harness/task.ts';
import { FlowTasks, possible } from './flow-tasks.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.js');

test('every row of rate=half is informational, and some rows at a given rate are judged', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-flow-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tasks = new FlowTasks({
    seed: 1,
    scale: 'smoke',
    dataFolder: join(folder, 'data'),
    logsFolder: join(folder, 'logs'),
    launch: componentLaunch(MAIN),
    signal: new AbortController().signal,
  });
  for (const [rate, directions] of [
    ['half', ['none']],
    [2000, ['higher', 'lower', 'none']],
  ] as const) {
    const { measurements } = await tasks.latency(rate).measure({ milliseconds: 0, callsMin: 1 });
    t.true(measurements.some(({ metric }) => metric === 'offered_chunks_per_s'));
    t.deepEqual(
      [...new Set(measurements.map(({ better }) => better))].toSorted((a, b) => a.localeCompare(b)),
      directions,
    );
  }
});

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
