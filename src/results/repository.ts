/**
 * The git repository that a program runs from. Git is asked about this repository, whatever the caller's environment
 * says.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * An environment in which git finds only the repository of the folder that it is told. Git sets GIT_DIR, GIT_INDEX_FILE
 * and others for its hooks, and these variables would win over `-C`.
 */
export function withoutGitVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GIT_')));
}

/** What git prints in the repository at `root`, without surrounding blanks. Rejects when git fails or is missing. */
export async function gitText(root: string, ...argv: readonly string[]): Promise<string> {
  // Reading a status must not take the lock of the index.
  const env = { ...withoutGitVariables(process.env), GIT_OPTIONAL_LOCKS: '0' };
  const { stdout } = await promisify(execFile)('git', ['-C', root, ...argv], { timeout: 10_000, env });
  return stdout.trim();
}

/** The commit of the git repository whose top is `root`, and whether tracked files differ from it. */
export async function readCommit(root: string): Promise<{ commit: string | null; dirty: boolean | null }> {
  try {
    if ((await gitText(root, 'rev-parse', '--show-cdup')) !== '') return { commit: null, dirty: null };
    const commit = await gitText(root, 'rev-parse', 'HEAD');
    return { commit, dirty: (await gitText(root, 'status', '--porcelain', '--untracked-files=no')) !== '' };
  } catch {
    return { commit: null, dirty: null };
  }
}
