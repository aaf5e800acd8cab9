/**
 * This build against the build of another commit, interleaved. Each round runs both, in a random and balanced order, so
 * that whatever slows the machine for a while slows both. Each side has a run folder, whose run.json says that the two
 * are pairs.
 */

import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { Prng } from '../../src/core/prng.ts';
import { howEnded } from '../../src/fleet/child.ts';
import { runToEnd } from '../../src/fleet/run-to-end.ts';
import { mustRun } from '../../src/worktree/must-run.ts';
import { buildWorktree } from '../../src/worktree/worktree.ts';
import type { BenchOptions } from '../options.ts';
import type { Progress } from '../progress.ts';
import { orderOf, type Side as Name } from './order.ts';
import { Side } from './side.ts';

/** What a build must know to be interleaved. */
const FLAGS_NEEDED = ['--suite', '--rounds', '--first-round', '--seed', '--results'];
/** Rounds of both builds when --rounds does not say. */
export const AGAINST_ROUNDS: number = 10;
/** `crypto.randomInt` gives at most 48 bits. */
const ORDER_SEEDS = 2 ** 32;

export type InterleaveOptions = {
  readonly ref: string;
  readonly bench: BenchOptions;
  /** This build's `stream-sum`. */
  readonly mainPath: string;
  readonly sourceRoot: string;
  readonly commandLine: readonly string[];
  readonly progress: Progress;
  /** The seed for the order in each pair; drawn anew for each comparison unless it is given. */
  readonly orderSeed?: number;
  /** Ends everything early. Rounds that were measured until then stay. */
  readonly signal: AbortSignal;
};

/** The run folders of both builds. */
export type Interleaved = { readonly oldFolder: string; readonly newFolder: string };

export async function interleave(options: InterleaveOptions): Promise<Interleaved> {
  const { ref, sourceRoot, progress, signal } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'stream-sum-rounds-'));
  const logPath = join(scratch, 'log');
  try {
    progress.say(`bench: checking out and building ${ref}`);
    const worktree = await buildWorktree({
      sourceRoot,
      ref,
      flag: '--against',
      logPath,
      signal,
      check: (mainPath) => checkFlags(ref, mainPath),
    });
    try {
      progress.say(`bench: ${ref} is ${worktree.commit}`);
      return await runAll(options, { old: worktree.mainPath, new: options.mainPath }, logPath);
    } finally {
      progress.update('removing the worktree');
      await worktree.remove();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function checkFlags(ref: string, mainPath: string): Promise<void> {
  const end = await runToEnd({ argv: [process.execPath, mainPath, 'bench', '--help'], output: 'keep' });
  const { code, stdout: help, said } = end;
  if (code !== 0) throw new OperatingError('ERR_AGAINST', `the bench of ${ref} ${howEnded(end)}: ${said.trim()}`);
  const missing = FLAGS_NEEDED.filter((flag) => !help.includes(`${flag} `));
  if (missing.length === 0) return;
  throw new UsageError(`--against ${ref}: its bench is too old to be interleaved: it lacks ${missing.join(', ')}`);
}

async function runAll(
  options: InterleaveOptions,
  mains: Readonly<Record<Name, string>>,
  logPath: string,
): Promise<Interleaved> {
  const { bench, commandLine } = options;
  const { seed, firstRound } = bench;
  const rounds = bench.rounds ?? AGAINST_ROUNDS;
  const orderSeed = options.orderSeed ?? randomInt(ORDER_SEEDS);
  const firsts = orderOf(rounds, Prng.fromSeed(orderSeed));
  const order = { seed: orderSeed, first: firsts };
  const identity = { results: resolve(bench.results), seed, startedAt: new Date(), pairing: randomUUID() };
  const common = { ...identity, order, commandLine };
  const sides = { old: await Side.create(common), new: await Side.create(common) };
  for (const [index, first] of firsts.entries()) {
    const round = firstRound + index;
    for (const name of [first, first === 'old' ? 'new' : 'old'] as const) {
      options.progress.update(
        `round ${round - firstRound + 1} of ${rounds}: ${name === 'old' ? options.ref : 'this build'}`,
      );
      // Beside the results, so that stores are on the same disk as in any other run.
      const results = join(sides[name].folder, 'rounds');
      await mkdir(results);
      await sides[name].append(await runRound(options, { mainPath: mains[name], round, results, logPath }), round);
      await rm(results, { recursive: true });
    }
  }
  for (const side of [sides.old, sides.new]) await side.close();
  return { oldFolder: sides.old.folder, newFolder: sides.new.folder };
}

/** Runs one round of one build in a separate process. Returns its run folder. */
async function runRound(
  options: InterleaveOptions,
  of: { readonly mainPath: string; readonly round: number; readonly results: string; readonly logPath: string },
): Promise<string> {
  const { suites, only, scale, seed } = options.bench;
  const { results } = of;
  const identity = ['--rounds', '1', '--first-round', String(of.round), '--seed', String(seed), '--results', results];
  const argv = [
    process.execPath,
    of.mainPath,
    'bench',
    '--suite',
    ...suites,
    ...(only.length === 0 ? [] : ['--only', ...only]),
    ...(scale === 'default' ? [] : [`--${scale}`]),
    ...identity,
  ];
  await mustRun(`round ${of.round} of ${of.mainPath}`, {
    argv,
    cwd: results,
    logPath: of.logPath,
    signal: options.signal,
  });
  const [name, ...others] = await readdir(results);
  assert(name !== undefined && others.length === 0, 'a run makes one folder');
  return join(results, name);
}
