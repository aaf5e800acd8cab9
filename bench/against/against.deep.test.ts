// Builds that fail, are too old or are interrupted.

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { assert } from '../../src/core/assert.ts';
import { systemClock } from '../../src/core/clock.ts';
import { UsageError } from '../../src/core/errors.ts';
import { until } from '../../src/fleet/waiting.ts';
import { ChildError } from '../../src/worktree/must-run.ts';
import { CURRENT, repositoryOf, run, worktreesOf } from './testing/repository.ts';

test('a commit whose bench is too old is refused, naming what it lacks, and its worktree is removed', async (t) => {
  const root = repositoryOf(t, `console.log('--suite <name> --seed <n> --results <folder>');`);
  const error = await t.throwsAsync(run(root), { instanceOf: UsageError });
  t.regex(error.message, /it lacks --rounds, --first-round$/);
  t.is(worktreesOf(root).length, 1);
});

test('a build that violates a guarantee ends the comparison, and its exit code is known', async (t) => {
  const flags = '--suite <x> --rounds <n> --first-round <n> --seed <n> --results <folder>';
  const violated = `console.log('stream-sum: violation=mismatched planted'); process.exit(10);`;
  const source = `if (process.argv.includes('--help')) console.log('${flags}'); else { ${violated} }`;
  const error = await t.throwsAsync(run(repositoryOf(t, source), { results: temporaryFolder(t) }));
  t.true(error instanceof ChildError && error.exitCode === 10);
  t.regex(error?.message ?? '', /violation=mismatched planted/);
});

test('a commit that cannot be built is an error with its last lines, and its worktree is removed', async (t) => {
  const root = repositoryOf(t, CURRENT);
  writeFileSync(
    join(root, 'package.json'),
    '{ "name": "against", "scripts": { "prepare": "echo planted && exit 3" } }',
  );
  execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-am', 'two']);
  await t.throwsAsync(run(root), { message: /npm ci of HEAD failed: exited with 3;.*planted/ });
  t.is(worktreesOf(root).length, 1);
});

test('an interrupt ends what is being built, even if it does not want to end, and leaves no worktree', async (t) => {
  const root = repositoryOf(t, CURRENT);
  const started = join(root, 'started');
  const prepare = `trap '' TERM; echo > ${started}; sleep 600; sleep 600`;
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'against', scripts: { prepare } }));
  execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-am', 'two']);
  const interrupted = new AbortController();
  const running = run(root, { signal: interrupted.signal });
  await t.throwsAsync(Promise.all([running, awaitFile(started).then(() => interrupted.abort())]), {
    message: 'interrupted',
  });
  t.is(worktreesOf(root).length, 1);
});

/** Resolves when the file exists. */
async function awaitFile(path: string): Promise<void> {
  const clock = systemClock;
  assert(await until(() => existsSync(path), { clock, timeoutMs: 60_000 }), `${path} was made`);
}
