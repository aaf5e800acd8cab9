import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../../src/fleet/waiting.ts';
import { readCsv } from '../../src/results/csv.ts';
import { HISTORY_FOLDER, readHistory } from '../guarantee/recorded-history.ts';
import { runJson } from './testing/run-fakes.ts';
import { DEADLINE_MS, componentPids, isAlive, startSoak } from './testing/soak-process.ts';

test('kill -9 of the soak leaves no process behind, and a folder with all that was seen', async (t) => {
  const { child, folder } = await startSoak(t, /steady .*[1-9]\d* sums verified/);
  const pids = componentPids(folder);
  t.is(pids.length, 5);
  t.true(pids.every(isAlive));
  child.kill('SIGKILL');
  t.true(await until(() => !pids.some(isAlive), { clock: systemClock, timeoutMs: DEADLINE_MS }));
  t.is(runJson(folder)['verdict'], null);
  t.true(readCsv(join(folder, 'intervals.csv')).some((row) => Number(row['sums_verified']) > 0));
  t.true(readCsv(join(folder, 'latency.csv')).some((row) => Number(row['count']) > 0));
  const history = [...readHistory(join(folder, HISTORY_FOLDER))];
  t.true(history.some((line) => line.what === 'event' && line.event.event === 'ready'));
  t.false(history.some((line) => line.what === 'event' && line.event.event === 'end'));
});
