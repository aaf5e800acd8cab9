// Two builds that are measured in the same rounds, and what is refused; `against.deep.test.ts` has builds that fail.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import { Prng } from '../../src/core/prng.ts';
import { readCsv } from '../../src/results/csv.ts';
import { orderOf } from './order.ts';
import { CURRENT, repositoryOf, run, worktreesOf } from './testing/repository.ts';

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

test('a run that was interrupted before it began leaves no worktree', async (t) => {
  const root = repositoryOf(t, CURRENT);
  await t.throwsAsync(run(root, { signal: AbortSignal.abort() }), { message: 'interrupted' });
  t.is(worktreesOf(root).length, 1);
});
