/**
 * Interleaved rounds. Each round runs every task once, in an order that is shuffled anew, so that whatever slows the
 * machine for a while slows all tasks alike. Rounds that do not count run first, until the tasks are steady.
 */

import { Prng } from '../../src/core/prng.ts';
import { assert } from '../../src/core/assert.ts';
import { interruptedError } from '../../src/core/errors.ts';
import type { Outcome, Task, Turn } from './task.ts';

/** A task is steady when its last figures lie close together: the greatest exceeds the least by at most this share. */
export const STEADY_ROUNDS = 3;
export const STEADY_SPREAD = 0.05;

export type RoundsOptions = {
  readonly rounds: number;
  /** The number of the first round, from 1. */
  readonly firstRound: number;
  /** The most rounds that run first and do not count. */
  readonly warmUpRoundsMax: number;
  readonly turn: Turn;
  readonly seed: number;
};

export type RoundsListener = {
  /** After the abort no turn begins: ERR_INTERRUPTED. */
  readonly signal: AbortSignal;
  /** Before each turn; `round` is null during the warm-up. */
  onTurn(task: Task, at: { readonly round: number | null; readonly done: number; readonly total: number }): void;
  onOutcome(task: Task, round: number, outcome: Outcome): void;
  /**
   * The warm-up has ended although these tasks were not steady. Not called when all were steady, or without a warm-up.
   */
  onUnsteady(tasks: readonly Task[], warmUpRounds: number): void;
};

/** Runs all rounds, then checks the results of every task. Throws the ViolationError of the first wrong result. */
export async function runRounds(tasks: readonly Task[], plan: RoundsOptions, listener: RoundsListener): Promise<void> {
  await warmUp(tasks, plan, listener);
  const { rounds, firstRound, turn, seed } = plan;
  for (let round = firstRound; round < firstRound + rounds; round += 1) {
    for (const [done, task] of shuffled(tasks, Prng.fromSeed(seed, round)).entries()) {
      begin(listener, task, { round, done, total: tasks.length });
      listener.onOutcome(task, round, await task.measure(turn));
    }
  }
  for (const task of tasks) await task.check();
}

function begin(listener: RoundsListener, task: Task, at: Parameters<RoundsListener['onTurn']>[1]): void {
  if (listener.signal.aborted) throw interruptedError();
  listener.onTurn(task, at);
}

async function warmUp(tasks: readonly Task[], plan: RoundsOptions, listener: RoundsListener): Promise<void> {
  const { warmUpRoundsMax, turn, seed } = plan;
  const figures = new Map<Task, number[]>(tasks.filter(({ warmsUp }) => warmsUp).map((task) => [task, []]));
  for (let round = 1; round <= warmUpRoundsMax && figures.size > 0; round += 1) {
    const waiting = [...figures.keys()];
    for (const [done, task] of shuffled(waiting, Prng.fromSeed(seed, WARM_UP, round)).entries()) {
      begin(listener, task, { round: null, done, total: waiting.length });
      const known = figures.get(task) ?? [];
      known.push((await task.measure(turn)).measurements[0].value ?? Number.NaN);
      if (isSteady(known)) figures.delete(task);
    }
  }
  if (warmUpRoundsMax > 0 && figures.size > 0) listener.onUnsteady([...figures.keys()], warmUpRoundsMax);
}

const WARM_UP = 0x7761726d;

/** Whether the last of these figures, in the order in which they were measured, lie close together. */
export function isSteady(figures: readonly number[]): boolean {
  const last = figures.slice(-STEADY_ROUNDS);
  return last.length === STEADY_ROUNDS && Math.max(...last) <= Math.min(...last) * (1 + STEADY_SPREAD);
}

/** A fresh array in a random order (Fisher and Yates). */
export function shuffled<T>(values: readonly T[], prng: Prng): T[] {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const [at] = order.splice(prng.below(last + 1), 1);
    assert(at !== undefined, 'the index is within the rest');
    order.push(at);
  }
  return order;
}
