import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { readCommit, withoutGitVariables } from './repository.ts';

function git(folder: string, ...argv: readonly string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  const env = withoutGitVariables(process.env);
  return execFileSync('git', ['-C', folder, ...identity, ...argv], { encoding: 'utf8', env }).trim();
}

/** A repository with one commit of one file; its commit. */
function makeRepository(folder: string): string {
  writeFileSync(join(folder, 'file'), 'one');
  git(folder, 'init', '--quiet');
  git(folder, 'add', '.');
  git(folder, 'commit', '--quiet', '-m', 'one');
  return git(folder, 'rev-parse', 'HEAD');
}

test('outside of a repository there is no commit', async (t) => {
  t.deepEqual(await readCommit(temporaryFolder(t)), { commit: null, dirty: null });
});

test('a folder inside of a repository has no commit of its own', async (t) => {
  makeRepository(temporaryFolder(t));
  const folder = temporaryFolder(t);
  makeRepository(folder);
  t.deepEqual(await readCommit(join(folder, '.git')), { commit: null, dirty: null });
});

test.serial('inside of a hook of another repository the commit is still that of this one', async (t) => {
  const [ours, other] = [temporaryFolder(t), temporaryFolder(t)];
  const commit = makeRepository(ours);
  makeRepository(other);
  writeFileSync(join(other, 'file'), 'changed');
  const variables = { GIT_DIR: join(other, '.git'), GIT_WORK_TREE: other, GIT_INDEX_FILE: join(other, '.git/index') };
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
  Object.assign(process.env, variables);
  t.deepEqual(await readCommit(ours), { commit, dirty: false });
  writeFileSync(join(ours, 'file'), 'changed');
  t.deepEqual(await readCommit(ours), { commit, dirty: true });
  t.deepEqual(await readCommit(temporaryFolder(t)), { commit: null, dirty: null });
});
