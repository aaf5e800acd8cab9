import { once } from 'node:events';
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../../src/fleet/waiting.ts';
import { runJson } from './testing/run-fakes.ts';
import { DEADLINE_MS, componentPids, isAlive, startSoak } from './testing/soak-process.ts';

test('the first interrupt drains and gives a verdict', async (t) => {
  const { child, folder, lines } = await startSoak(t, /steady .*[1-9]\d* sums verified/);
  child.kill('SIGINT');
  const [code]: unknown[] = await once(child, 'exit');
  t.is(code, 0, lines.join('\n'));
  t.is(runJson(folder)['verdict'], 'HOLDS');
  t.false(componentPids(folder).some(isAlive));
});

test('the second interrupt stops at once and keeps what was recorded', async (t) => {
  const { child, folder, lines } = await startSoak(t, /steady .*[1-9]\d* sums verified/);
  child.kill('SIGINT');
  t.true(
    await until(() => lines.some((line) => line.includes('interrupted')), {
      clock: systemClock,
      timeoutMs: DEADLINE_MS,
    }),
  );
  child.kill('SIGINT');
  const [code]: unknown[] = await once(child, 'exit');
  t.true(code === 3 || code === 0, lines.join('\n'));
  t.not(runJson(folder)['verdict'], null);
  t.false(componentPids(folder).some(isAlive));
});
