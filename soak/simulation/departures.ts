/**
 * Chunkers that leave: some die for good and are retired, some are away until their pin in the sums journal expires.
 * Both are drawn from a generator of their own, so that a plan that gets neither stays as it is without them.
 */

import { Prng } from '../../src/core/prng.ts';
import type { Death } from './death.ts';

const DEPARTURES = 0x64657061;
/** Longer than any absence in a plan. */
export const NEVER_EXPIRES_MS = 600_000;
/** Of ten plans, so many retire a chunker, and of five plans one has a pin that expires. */
const RETIRING_OF_TEN = 3;
const EXPIRING_OF_FIVE = 1;
/** The faults begin at least so long before everything heals, so that whoever joins still publishes under faults. */
const REST_MS = 10_000;

/** What a chunker that leaves is a target of. */
export type Leaving =
  | {
      /**
       * The producer is ended by `stream-sum retire` while its chunker is dead for good, stopped or running. When that
       * chunker is gone, another one with an empty folder takes its place.
       */
      readonly kind: 'retire';
      readonly target: string;
      readonly old: 'dead' | 'paused' | 'running';
      /** Of a chunker that dies; `downMs`: until the command is run. */
      readonly death: Death;
      /** How long a stopped chunker stays so. */
      readonly wakeMs: number;
      /** How often the command is run. */
      readonly runs: number;
      /** In which of its calls into the world the first run dies, if it does. */
      readonly dies: number | null;
    }
  | {
      /** The chunker is dead, stopped or cut off for longer than its pin in the sums journal waits. */
      readonly kind: 'absence';
      readonly target: string;
      readonly how: 'dead' | 'paused' | 'cut';
      readonly durationMs: number;
    };

export type Departure = { readonly id: number; readonly atMs: number } & Leaving;
type Draft<L extends Leaving = Leaving> = L extends Leaving ? L & { readonly atMs: number } : never;

export type Departures = { readonly faults: readonly Draft[]; readonly pinAbsenceMs: number };

/** What decides when a chunker is there. */
type Presence = {
  readonly startMs: number;
  readonly drainMs: number | null;
  readonly fileCount: number | null;
};

type Times = { readonly warmUpMs: number; readonly faultsMs: number };

/** `of`: what names the plan. */
export function departuresOf(of: readonly number[], chunkers: readonly Presence[], times: Times): Departures {
  const prng = Prng.fromSeed(DEPARTURES, ...of);
  const isRetiring = prng.below(10) < RETIRING_OF_TEN;
  const isExpiring = prng.below(5) < EXPIRING_OF_FIVE;
  const pinAbsenceMs = isExpiring ? prng.between(6_000, 15_000) : NEVER_EXPIRES_MS;
  const faults: Draft[] = [];
  if (isRetiring) {
    for (let count = prng.between(1, 2); count > 0; count -= 1) {
      const atMs = timeOf(prng, times, REST_MS);
      faults.push(retirement(prng, targetAt(prng, chunkers, atMs), atMs));
    }
  }
  if (isExpiring) {
    const durationMs = pinAbsenceMs + prng.between(2_000, 8_000);
    const atMs = timeOf(prng, times, durationMs + REST_MS);
    const how = pick(prng, ['dead', 'paused', 'cut'] as const);
    faults.push({ kind: 'absence', target: targetAt(prng, chunkers, atMs), how, atMs, durationMs });
  }
  return { faults, pinAbsenceMs };
}

export function isDeparture<F extends { readonly kind: string }>(
  planned: F,
): planned is Extract<F, { kind: Leaving['kind'] }> {
  return planned.kind === 'retire' || planned.kind === 'absence';
}

export function retirement(prng: Prng, target: string, atMs: number): Extract<Draft, { kind: 'retire' }> {
  return {
    kind: 'retire',
    target,
    atMs,
    old: pick(prng, ['dead', 'dead', 'paused', 'running'] as const),
    death: death(prng),
    wakeMs: 100 + prng.below(3_000),
    runs: prng.between(1, 2),
    dies: prng.below(3) === 0 ? prng.between(2, 20) : null,
  };
}

/** The first time after which so much is left until everything heals. */
function timeOf(prng: Prng, { warmUpMs, faultsMs }: Times, leftMs: number): number {
  return warmUpMs + prng.below(Math.max(1, faultsMs - leftMs));
}

/** A chunker that has begun by then, and has not been told to end. */
function targetAt(prng: Prng, chunkers: readonly Presence[], atMs: number): string {
  const there = chunkers.flatMap(({ startMs, drainMs, fileCount }, index) =>
    startMs < atMs && fileCount === null && (drainMs === null || atMs < drainMs) ? [index] : [],
  );
  return `chunker-${pick(prng, there.length === 0 ? [0] : there)}`;
}

function death(prng: Prng): Death {
  return {
    atCall: pick(prng, [0, prng.between(1, 60)]),
    commit: pick(prng, ['lost', 'durable'] as const),
    // Until somebody has seen that it is dead.
    downMs: 50 + prng.below(2_000),
  };
}

function pick<T>(prng: Prng, choices: readonly T[]): T {
  const choice = choices[prng.below(choices.length)];
  if (choice === undefined) throw new Error('a choice has something to choose from');
  return choice;
}
