/** What a benchmark run can be asked for: the flags as typed, checked, and what follows from the scale. Pure. */

import { UsageError } from '../src/core/errors.ts';
import type { RoundsPlan } from './harness/rounds.ts';
import type { Scale } from './harness/task.ts';

export const SUITES = ['hash', 'state', 'codec', 'store', 'transport', 'pipeline'] as const;
export type SuiteName = (typeof SUITES)[number];

export type BenchOptions = {
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

/** What is run when no suite is named. */
const DEFAULT_SUITES: Readonly<Record<Scale, readonly SuiteName[]>> = {
  smoke: SUITES,
  quick: ['hash', 'pipeline'],
  default: ['hash', 'pipeline'],
  full: SUITES,
};

export function parseBenchOptions(flags: BenchFlags): BenchOptions {
  const scales = (['smoke', 'quick', 'full'] as const).filter((scale) => flags[scale] === true);
  if (scales.length > 1) throw new UsageError(`--${scales.join(' and --')} exclude each other`);
  const scale = scales[0] ?? 'default';
  const suites = flags.suite?.flatMap((text) => (text === 'all' ? SUITES : [suiteOf(text)]));
  return {
    suites: suites === undefined ? DEFAULT_SUITES[scale] : SUITES.filter((suite) => suites.includes(suite)),
    only: flags.only ?? [],
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

const ROUNDS: Readonly<Record<Scale, { readonly micro: number; readonly pipeline: number }>> = {
  smoke: { micro: 1, pipeline: 1 },
  quick: { micro: 10, pipeline: 1 },
  default: { micro: 10, pipeline: 3 },
  full: { micro: 21, pipeline: 6 },
};
const TURNS: Readonly<Record<Scale, Pick<RoundsPlan, 'turn' | 'warmUpRoundsMax'>>> = {
  smoke: { turn: { milliseconds: 0, callsMin: 1 }, warmUpRoundsMax: 0 },
  quick: { turn: { milliseconds: 5, callsMin: 1 }, warmUpRoundsMax: 8 },
  default: { turn: { milliseconds: 20, callsMin: 2 }, warmUpRoundsMax: 6 },
  full: { turn: { milliseconds: 100, callsMin: 3 }, warmUpRoundsMax: 8 },
};

export function roundsPlan(options: BenchOptions, suite: SuiteName): RoundsPlan {
  const { scale, rounds, firstRound, seed } = options;
  const usual = ROUNDS[scale][suite === 'pipeline' ? 'pipeline' : 'micro'];
  return { ...TURNS[scale], rounds: rounds ?? usual, firstRound, seed };
}
