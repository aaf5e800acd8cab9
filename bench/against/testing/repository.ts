/** A separate repository stands for this one: its `prepare` makes a `stream-sum` that runs this build's. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { MAIN, temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { parseBenchOptions } from '../../options.ts';
import { type Interleaved, interleave } from '../interleave.ts';

/** Runs the build under test. */
export const CURRENT: string = `await import(${JSON.stringify(MAIN)});`;

/** A repository with one commit whose build is a `stream-sum` with this source. */
export function repositoryOf(t: ExecutionContext, source: string): string {
  const root = temporaryFolder(t);
  const prepare = 'mkdir -p dist/src/cli && cp source.js dist/src/cli/main.js';
  const description = { name: 'against', version: '1.0.0', type: 'module' };
  writeFileSync(join(root, 'package.json'), JSON.stringify({ ...description, scripts: { prepare } }));
  const lock = { ...description, lockfileVersion: 3, requires: true, packages: { '': description } };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
  writeFileSync(join(root, 'source.js'), source);
  const git = (...argv: string[]): void => void execFileSync('git', ['-C', root, ...argv], { stdio: 'ignore' });
  git('init');
  git('add', '.');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '-m', 'one');
  return root;
}

type Options = { readonly ref?: string; readonly results?: string; readonly signal?: AbortSignal };

export function run(
  sourceRoot: string,
  { ref = 'HEAD', results = tmpdir(), signal }: Options = {},
): Promise<Interleaved> {
  return interleave({
    ref,
    bench: parseBenchOptions({ suite: ['state'], smoke: true, rounds: 2, firstRound: 1, seed: 7, results }),
    mainPath: MAIN,
    sourceRoot,
    commandLine: ['bench'],
    progress: { update: () => undefined, say: () => undefined, done: () => undefined },
    signal: signal ?? new AbortController().signal,
  });
}

export function worktreesOf(root: string): string[] {
  const list = execFileSync('git', ['-C', root, 'worktree', 'list', '--porcelain'], { encoding: 'utf8' });
  return list.split('\n').filter((line) => line.startsWith('worktree '));
}
