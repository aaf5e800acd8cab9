/**
 * Another commit of this repository, built in a separate folder outside the repository. The folder is removed at the
 * end.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { gitText } from '../results/repository.ts';
import { mustRun } from './must-run.ts';

export type Worktree = {
  readonly commit: string;
  /** The build's `stream-sum`. */
  readonly mainPath: string;
  remove(): Promise<void>;
};

/** The full hash of a commit. Throws a UsageError that names the flag when `ref` names none. */
export async function commitOf(sourceRoot: string, ref: string, flag: string): Promise<string> {
  try {
    return await gitText(sourceRoot, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  } catch {
    throw new UsageError(`${flag} ${ref}: no commit of the repository at ${sourceRoot} has that name`);
  }
}

/** Checks a commit out and builds it. Throws, and leaves nothing, when that fails or `check` throws. */
export async function buildWorktree(options: {
  readonly sourceRoot: string;
  readonly ref: string;
  /** Who asks for it, in messages. */
  readonly flag: string;
  readonly logPath: string;
  readonly signal: AbortSignal;
  /** Whether that build can do what it is needed for. */
  readonly check?: (mainPath: string) => Promise<void>;
}): Promise<Worktree> {
  const { sourceRoot, ref, flag, logPath, signal, check } = options;
  const commit = await commitOf(sourceRoot, ref, flag);
  const folder = await mkdtemp(join(tmpdir(), 'stream-sum-worktree-'));
  const tree = join(folder, 'tree');
  const remove = async (): Promise<void> => {
    await gitText(sourceRoot, 'worktree', 'remove', '--force', tree).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
    await gitText(sourceRoot, 'worktree', 'prune');
  };
  const within = { logPath, signal };
  try {
    const add = ['git', 'worktree', 'add', '--detach', tree, commit];
    await mustRun(`git worktree add of ${ref}`, { argv: add, cwd: sourceRoot, ...within });
    // The build runs in its `prepare`, after the installation.
    const install = ['npm', 'ci', '--prefer-offline'];
    await mustRun(`npm ci of ${ref}`, { argv: install, cwd: tree, ...within });
    const mainPath = join(tree, 'dist/src/cli/main.js');
    await check?.(mainPath);
    return { commit, mainPath, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
