// The suites with smoke parameters: every task runs, every result is checked, every row is there.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT, exitCodeOf, InvariantError, ViolationError } from '../src/core/errors.ts';
import { contenderTask } from './hash/chunk-tasks.ts';
import { nodeCryptoOfChunks } from './hash/contenders.ts';
import { ChunkSet } from './hash/chunk-set.ts';
import { run, smokeOf, suiteIsComplete } from './testing/suite-runs.ts';

// `run.deep.test.ts` has the suite with the most rows.
const ROWS = { state: 4 + 2, codec: 3 * 3 + 1 + 2 + 2, store: 8, transport: 2 * 4 };

for (const [suite, rows] of Object.entries(ROWS)) {
  test(`the ${suite} suite runs, its results are right, and its rows are complete`, (t) =>
    suiteIsComplete(t, suite, rows));
}

test('a contender that computes another digest is found', async (t) => {
  const chunkSet = new ChunkSet({ files: 20, chunkBytes: 32, batchChunks: 50, batches: 2 }, 1);
  const contender = nodeCryptoOfChunks(chunkSet);
  const task = contenderTask('planted', chunkSet, {
    ...contender,
    digests: (files) => contender.digests(files).map((digest) => new Uint8Array(digest).toReversed()),
  });
  await task.measure({ milliseconds: 0, callsMin: 3 });
  await t.throwsAsync(async () => task.check(), { instanceOf: ViolationError, message: /another digest of file/ });
});

test('the files that are checked are those that were given data', async (t) => {
  // Two chunks for 1,000 files: hardly any file that is chosen at random has one.
  const chunkSet = new ChunkSet({ files: 1000, chunkBytes: 32, batchChunks: 2, batches: 1 }, 1);
  const asked: number[] = [];
  const contender = nodeCryptoOfChunks(chunkSet);
  const digests = (files: readonly number[]): Uint8Array[] => {
    asked.push(...files);
    return contender.digests(files);
  };
  const idle = contenderTask('planted', chunkSet, { ...contender, digests, run: () => undefined });
  await idle.measure({ milliseconds: 0, callsMin: 1 });
  await t.throwsAsync(async () => idle.check(), { instanceOf: ViolationError, message: /another digest of file/ });
  t.deepEqual(
    asked,
    [...(chunkSet.batches[0]?.files ?? [])].toSorted((a, b) => a - b),
  );
});

test('a contender that was given nothing is not called right', async (t) => {
  const chunkSet = new ChunkSet({ files: 20, chunkBytes: 32, batchChunks: 50, batches: 2 }, 1);
  const task = contenderTask('planted', chunkSet, { ...nodeCryptoOfChunks(chunkSet), chunks: 0 });
  await task.measure({ milliseconds: 0, callsMin: 1 });
  await t.throwsAsync(async () => task.check(), { instanceOf: InvariantError });
});

test('a suite that has none of the benchmarks that were asked for is not prepared', async (t) => {
  const options = { ...smokeOf(t, 'codec', ['operation']), suites: ['codec', 'store'] as const };
  const said: string[] = [];
  const progress = { update: (text: string) => said.push(text), say: () => undefined, done: () => undefined };
  await run(options, { progress });
  t.true(said.includes('codec: preparing'));
  t.false(said.includes('store: preparing'));
});

test('what decides the rows of a pipeline is written down with a run of one', async (t) => {
  for (const [suite, isKnown] of [
    ['pipeline', true],
    ['codec', false],
  ] as const) {
    const options = smokeOf(t, suite);
    // It ends before the first turn.
    await t.throwsAsync(run(options, { signal: AbortSignal.abort() }), { code: 'ERR_INTERRUPTED' });
    const [folder = ''] = readdirSync(options.results);
    const { configuration } = JSON.parse(readFileSync(join(options.results, folder, 'run.json'), 'utf8'));
    t.is(configuration.workload !== undefined, isKnown);
    if (!isKnown) continue;
    t.is(configuration.workload.throughput[65_536].batchBytes, 2 * 1024 * 1024);
    t.deepEqual(Object.keys(configuration.workload.throughput), ['32', '1024', '65536']);
    t.is(configuration.workload.durations.window, 300);
  }
});

test('what fails after a Ctrl-C is an interrupt, and what fails without one is none', async (t) => {
  for (const [isInterrupted, exitCode, reasons] of [
    [true, EXIT.inconclusive, /^interrupted\nthen failed: /],
    [false, EXIT.internal, /^(?!interrupted)/],
  ] as const) {
    const options = smokeOf(t, 'transport');
    const interrupt = new AbortController();
    const folderOf = (): string => join(options.results, readdirSync(options.results)[0] ?? '');
    // The suite finds a file in the place of its folder.
    const spoil = (): void => {
      if (isInterrupted) interrupt.abort();
      rmSync(join(folderOf(), 'data'), { recursive: true });
      writeFileSync(join(folderOf(), 'data'), '');
    };
    const update = (text: string): void => {
      if (text === 'transport: preparing') spoil();
    };
    const progress = { update, say: () => undefined, done: () => undefined };
    const error = await t.throwsAsync(run(options, { signal: interrupt.signal, progress }));
    t.is(exitCodeOf(error), exitCode);
    const described = JSON.parse(readFileSync(join(folderOf(), 'run.json'), 'utf8'));
    t.is(described.exitCode, exitCode);
    t.is(described.verdict, 'INCONCLUSIVE');
    t.regex(described.reasons.join('\n'), reasons);
  }
});
