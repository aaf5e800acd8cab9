/** What a task says about its own figures, on real processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { FlowTasks } from './flow-tasks.ts';

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
