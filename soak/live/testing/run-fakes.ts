/** Runs a soak over fake components in a temporary folder. No process is left after it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { type SoakDependencies, runSoak } from '../run.ts';
import type { SoakOptions } from '../soak-options.ts';
import type { FakePlan } from './fake-component.ts';
import { fakeDependencies, fakeOptions } from './fake-run.ts';

export type Ran = {
  readonly folder: string;
  readonly exitCode: number;
  readonly verdict: string;
  readonly reasons: string;
  readonly screen: string;
};

export async function run(
  t: ExecutionContext,
  plan: FakePlan,
  changes: { options?: Partial<SoakOptions>; dependencies?: Partial<SoakDependencies> } = {},
): Promise<Ran> {
  const said: string[] = [];
  const options = fakeOptions(temporaryFolder(t), changes.options);
  const dependencies = { ...fakeDependencies(plan, said), ...changes.dependencies };
  const { verdict, folder } = await runSoak(options, dependencies);
  for (const pid of pidsOf(join(folder, 'data'))) t.false(isAlive(pid), `pid ${pid} is left`);
  const reasons = verdict.reasons.join('\n');
  t.log(verdict.verdict, reasons);
  return { folder, exitCode: verdict.exitCode, verdict: verdict.verdict, reasons, screen: said.join('\n') };
}

function pidsOf(dataFolder: string): number[] {
  if (!existsSync(dataFolder)) return [];
  return readdirSync(dataFolder).map((name) => Number(readFileSync(join(dataFolder, name, 'pid'), 'utf8')));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export function runJson(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
}
