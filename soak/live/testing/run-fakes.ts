/** Runs a soak over fake components in a temporary folder. No process is left after it. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
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

export type Changes = {
  readonly options?: Partial<SoakOptions>;
  readonly dependencies?: Partial<SoakDependencies>;
};

/** A run, and its processes that are alive after it. */
type RunInFolder = { readonly ran: Ran; readonly left: readonly number[] };

async function runIn(results: string, plan: FakePlan, changes: Changes): Promise<RunInFolder> {
  const said: string[] = [];
  const options = fakeOptions(results, changes.options);
  const dependencies = { ...fakeDependencies(plan, said), ...changes.dependencies };
  const { verdict, folder } = await runSoak(options, dependencies);
  const left = pidsOf(options.data ?? join(folder, 'data')).filter(isAlive);
  const reasons = verdict.reasons.join('\n');
  const ran = { folder, exitCode: verdict.exitCode, verdict: verdict.verdict, reasons, screen: said.join('\n') };
  return { ran, left };
}

function checked(t: ExecutionContext, { ran, left }: RunInFolder): Ran {
  t.deepEqual(left, [], 'processes are left');
  t.log(ran.verdict, ran.reasons);
  return ran;
}

export async function run(t: ExecutionContext, plan: FakePlan, changes: Changes = {}): Promise<Ran> {
  return checked(t, await runIn(temporaryFolder(t), plan, changes));
}

/** A run that several tests look at. The first test that asks for it makes it. No test may damage its folder. */
export function sharedRun(name: string, plan: FakePlan, changes: Changes = {}): (t: ExecutionContext) => Promise<Ran> {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-shared-'));
  let made: Promise<RunInFolder> | null = null;
  test.after.always(`the folder of ${name} is removed`, () => rmSync(results, { recursive: true, force: true }));
  return async (t) => checked(t, await (made ??= runIn(results, plan, changes)));
}

/** A test of a run in which a process does something wrong that is no violation. */
export function failsAndIsNamed(
  what: string,
  plan: FakePlan,
  expected: { readonly exitCode: number; readonly reason: RegExp },
): void {
  test(`${what} of a process fails the run and is named`, async (t) => {
    const { exitCode, verdict, reasons } = await run(t, plan);
    t.is(verdict, 'INCONCLUSIVE');
    t.is(exitCode, expected.exitCode);
    t.regex(reasons, expected.reason);
  });
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
