import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { readCsv } from '../../src/results/csv.ts';
import { HISTORY_FOLDER, readHistory } from '../guarantee/recorded-history.ts';
import { until } from '../../src/fleet/waiting.ts';

const SOAK = fileURLToPath(new URL('./testing/fake-soak.js', import.meta.url));
const DEADLINE_MS = 300_000;

type Soak = { readonly child: ChildProcess; readonly folder: string; readonly lines: string[] };

/** Resolves when the soak shows a line that matches. */
async function startSoak(t: ExecutionContext, shown: RegExp, durationMs = 60_000): Promise<Soak> {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-death-'));
  const child = spawn(process.execPath, [SOAK, results, String(durationMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(results, { recursive: true, force: true });
  });
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('stdout is a pipe');
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const found = (): boolean => lines.some((line) => shown.test(line));
  t.true(await until(found, { clock: systemClock, timeoutMs: DEADLINE_MS }), lines.join('\n'));
  return { child, folder: join(results, readdirSync(results)[0] ?? ''), lines };
}

function componentPids(folder: string): number[] {
  const data = join(folder, 'data');
  const pids = readdirSync(data)
    .map((name) => join(data, name, 'pid'))
    .filter((path) => existsSync(path));
  return pids.map((path) => Number(readFileSync(path, 'utf8')));
}

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has waited for is not alive.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function runJson(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
}

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
