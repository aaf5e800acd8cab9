// Interleaved rounds: in each, every contender has its turn, in an order that is shuffled anew, so that whatever slows the
// machine for a while slows all of them. Ratios of medians within one run are what counts.

import { Prng } from '../../src/core/prng.ts';
import type { Contender } from './contenders.ts';

/** Nanoseconds a chunk, one for each round. */
export type Timings = ReadonlyMap<string, readonly number[]>;

export interface RoundsPlan {
  readonly rounds: number;
  /** Rounds before that are not counted. */
  readonly warmUpRounds: number;
  /** Runs of each contender in its turn, so that a turn takes some milliseconds. */
  readonly repetitions: number;
  readonly seed: number;
}

/** Runs all contenders. */
export function runRounds(contenders: readonly Contender[], plan: RoundsPlan): Timings {
  const prng = Prng.fromSeed(plan.seed);
  const timings = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -plan.warmUpRounds; round < plan.rounds; round++) {
    for (const contender of shuffled(contenders, prng)) {
      const nanoseconds = turn(contender, plan.repetitions) / (contender.chunks * plan.repetitions);
      if (round >= 0) timings.get(contender.name)?.push(nanoseconds);
    }
  }
  return timings;
}

function turn(contender: Contender, repetitions: number): number {
  let nanoseconds = 0n;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    contender.prepare();
    const start = process.hrtime.bigint();
    contender.run();
    nanoseconds += process.hrtime.bigint() - start;
  }
  return Number(nanoseconds);
}

function shuffled<T>(values: readonly T[], prng: Prng): T[] {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last--) {
    const [at] = order.splice(prng.below(last + 1), 1);
    if (at !== undefined) order.push(at);
  }
  return order;
}

/** The middle value; of an even number, the upper of the two. NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Throws unless all contenders that give digests give the same ones. */
export function checkDigests(contenders: readonly Contender[]): void {
  const [first, ...others] = contenders.flatMap((contender) => {
    const digests = contender.digests();
    return digests === null ? [] : [{ name: contender.name, digests }];
  });
  for (const other of others) {
    if (first === undefined || !other.digests.equals(first.digests)) {
      throw new Error(`${other.name} computed other digests than ${first?.name}`);
    }
  }
}
