/** A soak over fake components as a process of its own, which a test interrupts or kills. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../src/core/clock.ts';
import { until } from '../../../src/fleet/waiting.ts';

const SOAK = fileURLToPath(new URL('./fake-soak.js', import.meta.url));
/** Far beyond what anything takes. */
export const DEADLINE_MS: number = 300_000;

export type Soak = { readonly child: ChildProcess; readonly folder: string; readonly lines: string[] };

/** Of a run of which the warm-up is short, and the rest far longer than the wait for a line and a signal. */
const DURATION_MS = 10_000;

/** Resolves when the soak shows a line that matches. */
export async function startSoak(t: ExecutionContext, shown: RegExp): Promise<Soak> {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-death-'));
  const child = spawn(process.execPath, [SOAK, results, String(DURATION_MS)], { stdio: ['ignore', 'pipe', 'inherit'] });
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

export function componentPids(folder: string): number[] {
  const data = join(folder, 'data');
  const pids = readdirSync(data)
    .map((name) => join(data, name, 'pid'))
    .filter((path) => existsSync(path));
  return pids.map((path) => Number(readFileSync(path, 'utf8')));
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has waited for is not alive.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
