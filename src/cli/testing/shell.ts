/**
 * Processes under limits that only a shell, or only root, can set. Tests that a machine does not allow are skipped by
 * name: `onLinux` and `asRoot` are ava's `test`, or its `test.skip`.
 */

import { execFile, execFileSync } from 'node:child_process';
import test, { type Implementation } from 'ava';
import { DEADLINE_MS } from './test-process.ts';

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOrSkip = (title: string, implementation: Implementation<[]>) => void;

/** For tests that need Linux. */
export const onLinux: RunOrSkip = process.platform === 'linux' ? test : test.skip;
/** For tests that need root: mounts in a separate namespace, other users. */
export const asRoot: RunOrSkip = isRoot() ? test : test.skip;
/** For tests that compile C code. */
export const withCompiler: RunOrSkip = succeeds('gcc', ['--version']) ? onLinux : test.skip;

/** Runs a script of sh, with `$1`, `$2` ... An `exec` of the last command lets its signal be seen. */
export function shell(
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return run('sh', ['-c', script, 'sh', ...args], env);
}

/** Runs a script of sh in a separate mount namespace: its mounts are gone when it ends. */
export function shellWithMounts(script: string, args: readonly string[] = []): Promise<Ended> {
  return run('unshare', ['-m', 'sh', '-c', script, 'sh', ...args], {});
}

function run(command: string, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE_MS, killSignal: 'SIGKILL', env: { ...process.env, ...env } } as const;
    const child = execFile(command, argv, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr });
    });
  });
}

function isRoot(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && succeeds('unshare', ['-m', 'true']);
}

function succeeds(command: string, argv: readonly string[]): boolean {
  try {
    execFileSync(command, argv, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
