/** What a benchmark run can be asked for: the flags as typed, checked, and what follows from the scale. Pure. */

import { UsageError } from '../src/core/errors.ts';
import { leastSignFlipP } from './compare/statistics-sign-flip.ts';
import { CONFIDENCE } from '../src/measure/statistics.ts';
import type { ClusterEngine } from './harness/engine.ts';
import type { RoundsOptions } from './harness/rounds.ts';
import { SCALES, type SuiteName, SUITES } from './harness/scales.ts';
import type { Scale } from './harness/task.ts';

/**
 * The benchmarks of every suite except the pipeline, whose benchmarks depend on the scale. Tests compare the names with
 * the tasks of the suites.
 */
const BENCHMARKS: Readonly<Record<Exclude<SuiteName, 'pipeline'>, readonly string[]>> = {
  hash: ['sliced-chunks', 'record-batches', 'operation', 'allocations', 'backend'],
  state: ['states', 'pages', 'operation'],
  codec: ['generate', 'batch-seal', 'batch-open', 'chunks-parse', 'sums-encode', 'sums-decode', 'operation'],
  store: ['durable-commit'],
  transport: ['batches', 'round-trip'],
};

/** The names of a suite's benchmarks, known before anything is made for it. */
export function benchmarksOf(suite: SuiteName, scale: Scale, engine: BenchEngine = 'embedded'): readonly string[] {
  if (suite !== 'pipeline') return BENCHMARKS[suite];
  if (engine !== 'embedded') return ['throughput', 'latency', 'recovery'];
  const { recoveryOf, growth } = SCALES[scale].pipeline;
  const atSome = [...(recoveryOf.length === 0 ? [] : ['recovery']), ...(growth.length === 0 ? [] : ['growth'])];
  return ['throughput', 'latency', ...atSome, 'ceiling'];
}

/** Which journals the pipelines have. */
export type BenchEngine = 'embedded' | ClusterEngine['name'];

export type BenchOptions = {
  readonly engine: BenchEngine;
  /** The folder of the cluster's programs; null: they are looked for. */
  readonly bin: string | null;
  readonly suites: readonly SuiteName[];
  /** Names of benchmarks; empty: all of the suites. */
  readonly only: readonly string[];
  readonly scale: Scale;
  /** Null: as many as the scale says. */
  readonly rounds: number | null;
  readonly firstRound: number;
  readonly seed: number;
  readonly results: string;
};

/** Flags as commander hands them over. */
export type BenchFlags = {
  readonly engine?: BenchEngine;
  readonly bin?: string;
  readonly suite?: readonly string[];
  readonly only?: readonly string[];
  readonly smoke?: true;
  readonly quick?: true;
  readonly full?: true;
  readonly rounds?: number;
  readonly firstRound: number;
  readonly seed: number;
  readonly results: string;
};

export function parseBenchOptions(flags: BenchFlags): BenchOptions {
  const scales = (['smoke', 'quick', 'full'] as const).filter((scale) => flags[scale] === true);
  if (scales.length > 1) throw new UsageError(`--${scales.join(' and --')} exclude each other`);
  const scale = scales[0] ?? 'default';
  const engine = flags.engine ?? 'embedded';
  if (flags.bin !== undefined && engine === 'embedded') throw new UsageError('--bin needs --engine gazette');
  const named = flags.suite?.flatMap((text) => (text === 'all' ? SUITES : [suiteOf(text)]));
  const usual = engine === 'embedded' ? SCALES[scale].suites : (['pipeline'] as const);
  const suites = named === undefined ? usual : SUITES.filter((suite) => named.includes(suite));
  const other = suites.find((suite) => suite !== 'pipeline');
  if (engine !== 'embedded' && other !== undefined) {
    throw new UsageError(`--engine ${engine}: suite ${other} has no journals; only the suite pipeline runs on it`);
  }
  const only = flags.only ?? [];
  for (const name of only) checkBenchmark(name, suites, { scale, engine });
  return {
    engine,
    bin: flags.bin ?? null,
    suites,
    only,
    scale,
    rounds: flags.rounds ?? null,
    firstRound: flags.firstRound,
    seed: flags.seed,
    results: flags.results,
  };
}

function suiteOf(text: string): SuiteName {
  const suite = SUITES.find((name) => name === text);
  if (suite === undefined) throw new UsageError(`--suite ${text}: expected all or one of ${SUITES.join(', ')}`);
  return suite;
}

/** Throws for a name that no suite has: nothing would be measured. */
function checkBenchmark(
  name: string,
  suites: readonly SuiteName[],
  { scale, engine }: Pick<BenchOptions, 'scale' | 'engine'>,
): void {
  const known = [...new Set(suites.flatMap((suite) => benchmarksOf(suite, scale, engine)))];
  if (known.includes(name)) return;
  const where = `${suites.length === 1 ? 'suite' : 'suites'} ${suites.join(', ')}`;
  const scaled = engine !== 'embedded' ? ` with --engine ${engine}` : scale === 'default' ? '' : ` with --${scale}`;
  throw new UsageError(`--only ${name}: no such benchmark in ${where}${scaled}; expected one of ${known.join(', ')}`);
}

/** The least interleaved rounds by which a comparison can tell change from chance. */
export const AGAINST_ROUNDS_MIN: number = leastRounds();

function leastRounds(): number {
  let rounds = 1;
  while (leastSignFlipP(rounds) > 1 - CONFIDENCE) rounds += 1;
  return rounds;
}

/** Throws a UsageError when so few rounds of two builds cannot prove anything. */
export function checkAgainst({ rounds }: Pick<BenchOptions, 'rounds'>): void {
  if (rounds === null || rounds >= AGAINST_ROUNDS_MIN) return;
  throw new UsageError(
    `--rounds ${rounds}: --against needs ${AGAINST_ROUNDS_MIN} rounds or more to tell change from chance`,
  );
}

export function roundsOptions(options: BenchOptions, suite: SuiteName): RoundsOptions {
  const { scale, rounds, firstRound, seed } = options;
  const { turns, rounds: usual } = SCALES[scale];
  const roundsOfScale = usual[suite === 'pipeline' ? 'pipeline' : 'micro'];
  return { ...turns, rounds: rounds ?? roundsOfScale, firstRound, seed };
}
