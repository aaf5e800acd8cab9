// A separate repository stands for this one: its `prepare` makes a `stream-sum` that runs this build's.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { assert } from '../../src/core/assert.ts';
import { Prng } from '../../src/core/prng.ts';
import { systemClock } from '../../src/core/clock.ts';
import { UsageError } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';
import { until } from '../../src/fleet/waiting.ts';
import { ChildError } from '../../src/worktree/must-run.ts';
import { parseBenchOptions } from '../options.ts';
import { type Interleaved, interleave } from './interleave.ts';
import { orderOf } from './order.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.js');
const CURRENT = `await import(${JSON.stringify(MAIN)});`;

/** A repository with one commit whose build is a `stream-sum` with this source. */
function repositoryOf(t: ExecutionContext, source: string): string {
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

function run(sourceRoot: string, { ref = 'HEAD', results = tmpdir(), signal }: Options = {}): Promise<Interleaved> {
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

function worktreesOf(root: string): string[] {
  const list = execFileSync('git', ['-C', root, 'worktree', 'list', '--porcelain'], { encoding: 'utf8' });
  return list.split('\n').filter((line) => line.startsWith('worktree '));
}

test('both builds are measured in the same rounds, and the two runs say that they are pairs', async (t) => {
  const root = repositoryOf(t, CURRENT);
  const results = temporaryFolder(t);
  const { oldFolder, newFolder } = await run(root, { results });
  t.deepEqual(
    readdirSync(results)
      .map((name) => join(results, name))
      .toSorted((a, b) => a.localeCompare(b)),
    [oldFolder, newFolder].toSorted((a, b) => a.localeCompare(b)),
  );
  const [before, after] = [oldFolder, newFolder].map((folder) =>
    JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')),
  );
  t.is(before.pairing, after.pairing);
  t.regex(before.pairing, /^[0-9a-f-]{36}$/);
  t.deepEqual(before.order, after.order);
  t.deepEqual(before.order.first.toSorted(), ['new', 'old']);
  t.deepEqual(orderOf(2, Prng.fromSeed(before.order.seed)), before.order.first);
  for (const { verdict, configuration } of [before, after]) {
    t.is(verdict, 'HOLDS');
    t.deepEqual(configuration, { suites: ['state'], only: [], scale: 'smoke' });
  }
  for (const folder of [oldFolder, newFolder]) {
    const rounds = readCsv(join(folder, 'samples.csv')).map(({ round }) => round);
    t.deepEqual([...new Set(rounds)], ['1', '2']);
    t.is(rounds.filter((round) => round === '1').length, rounds.length / 2);
    t.regex(readFileSync(join(folder, 'report.html'), 'utf8'), /<h2>All rows<\/h2>/);
  }
  t.is(worktreesOf(root).length, 1);
});

test('a commit that does not exist is refused in one line', async (t) => {
  const root = repositoryOf(t, CURRENT);
  await t.throwsAsync(run(root, { ref: 'v9' }), { instanceOf: UsageError, message: /--against v9: no commit/ });
});

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

test('a run that was interrupted before it began leaves no worktree', async (t) => {
  const root = repositoryOf(t, CURRENT);
  await t.throwsAsync(run(root, { signal: AbortSignal.abort() }), { message: 'interrupted' });
  t.is(worktreesOf(root).length, 1);
});

/** Resolves when the file exists. */
async function awaitFile(path: string): Promise<void> {
  const clock = systemClock;
  assert(await until(() => existsSync(path), { clock, timeoutMs: 60_000 }), `${path} was made`);
}
