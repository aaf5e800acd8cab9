/**
 * Another commit of this repository, built in a separate folder outside the repository. The folder is removed at the
 * end.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { gitText } from '../../src/results/repository.ts';
import { mustRun } from './child.ts';

const run = promisify(execFile);
/** Flags that a build must know to be interleaved. */
const FLAGS_NEEDED = ['--suite', '--rounds', '--first-round', '--seed', '--results'];

export type Worktree = {
  readonly commit: string;
  /** The build's `stream-sum`. */
  readonly mainPath: string;
  remove(): Promise<void>;
};

/** The full hash of a commit. Throws a UsageError when `ref` does not name a commit. */
export async function commitOf(sourceRoot: string, ref: string): Promise<string> {
  try {
    return await gitText(sourceRoot, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  } catch {
    throw new UsageError(`--against ${ref}: no commit of the repository at ${sourceRoot} has that name`);
  }
}

/**
 * Checks a commit out and builds it. When that fails, or when its bench cannot be interleaved, throws and leaves
 * nothing behind.
 */
export async function buildWorktree(options: {
  readonly sourceRoot: string;
  readonly ref: string;
  readonly logPath: string;
  readonly signal: AbortSignal;
}): Promise<Worktree> {
  const { sourceRoot, ref, logPath, signal } = options;
  const commit = await commitOf(sourceRoot, ref);
  const folder = await mkdtemp(join(tmpdir(), 'stream-sum-against-'));
  const tree = join(folder, 'tree');
  const remove = async (): Promise<void> => {
    await gitText(sourceRoot, 'worktree', 'remove', '--force', tree).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
    await gitText(sourceRoot, 'worktree', 'prune');
  };
  const within = { logPath, signal };
  try {
    const add = ['worktree', 'add', '--detach', tree, commit];
    await mustRun(`git worktree add of ${ref}`, { command: 'git', argv: add, cwd: sourceRoot, ...within });
    // The build runs in its `prepare`, after the installation.
    const argv = ['ci', '--prefer-offline'];
    await mustRun(`npm ci of ${ref}`, { command: 'npm', argv, cwd: tree, ...within });
    const mainPath = join(tree, 'dist/src/cli/main.js');
    await checkFlags(ref, mainPath);
    return { commit, mainPath, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function checkFlags(ref: string, mainPath: string): Promise<void> {
  let help = '';
  try {
    help = (await run(process.execPath, [mainPath, 'bench', '--help'])).stdout;
  } catch (cause) {
    throw new OperatingError('ERR_AGAINST', `${ref} has no bench that runs: ${String(cause)}`, { cause });
  }
  const missing = FLAGS_NEEDED.filter((flag) => !help.includes(`${flag} `));
  if (missing.length === 0) return;
  throw new UsageError(`--against ${ref}: its bench cannot be interleaved, it is too old for ${missing.join(', ')}`);
}
