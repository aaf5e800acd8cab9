/** What a task says of its own figures, on real processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { componentLaunch } from '../../src/process/component-process.ts';
import { FlowTasks } from './flow-tasks.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.js');

test('what is measured at half of the own highest rate is for information, at a given rate it is not', async (t) => {
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
    [2000, ['higher', 'lower']],
  ] as const) {
    const { measurements } = await tasks.latency(rate).measure({ milliseconds: 0, callsMin: 1 });
    t.true(measurements.some(({ metric }) => metric === 'offered_chunks_per_s'));
    t.deepEqual(
      [...new Set(measurements.map(({ better }) => better))].toSorted((a, b) => a.localeCompare(b)),
      directions,
    );
  }
});
