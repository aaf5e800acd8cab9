/**
 * Which process is killed when: a pure function of the seed and the options, made step by step, so that a run of weeks
 * holds one fault at a time.
 *
 * One fault falls at a random moment into each interval. A phase that is shorter than an interval still gets one fault.
 * Each four in a row hold every kind once, in random order.
 */

import { assert } from '../../../src/core/assert.ts';
import { Prng } from '../../../src/core/prng.ts';
import { FAULT_KINDS, type FaultKind } from '../../guarantee/fault-kinds.ts';

export type PlannedFault = {
  /** From 1. */
  readonly id: number;
  readonly kind: FaultKind;
  /** Names of processes. */
  readonly targets: readonly string[];
  /** Since the beginning of the faults phase. */
  readonly atMs: number;
};

/** The first word of this purpose's random stream: ASCII `faul`. */
const PURPOSE = 0x6661_756c;
/** A fault keeps away from both ends of its interval by this part of it, so that two never coincide. */
const MARGIN = 0.15;

/** The names of a component's processes: `summer-0`, `summer-1`, ... */
export function processNames(component: 'summer' | 'chunker', count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${component}-${index}`);
}

export function* faultSchedule(options: {
  readonly seed: number;
  readonly lengthMs: number;
  readonly intervalMs: number;
  readonly summers: number;
  readonly chunkers: number;
}): Generator<PlannedFault, void, undefined> {
  const { seed, lengthMs, summers, chunkers } = options;
  assert(options.intervalMs > 0 && lengthMs > 0, 'faults have an interval and a length');
  const intervalMs = Math.min(options.intervalMs, lengthMs);
  const prng = Prng.fromSeed(seed, PURPOSE);
  let kinds: FaultKind[] = [];
  for (let index = 0; (index + 1) * intervalMs <= lengthMs; index += 1) {
    if (kinds.length === 0) kinds = shuffled(FAULT_KINDS, prng);
    const kind = kinds.pop() ?? 'kill-broker';
    const place = MARGIN + (1 - 2 * MARGIN) * (prng.next32() / 2 ** 32);
    yield {
      id: index + 1,
      kind,
      targets: targetsOf(kind, { prng, summers, chunkers }),
      atMs: (index + place) * intervalMs,
    };
  }
}

function targetsOf(kind: FaultKind, from: { prng: Prng; summers: number; chunkers: number }): string[] {
  switch (kind) {
    case 'kill-broker':
      return ['broker'];
    case 'kill-summer':
      return [`summer-${from.prng.below(from.summers)}`];
    case 'kill-all-summers':
      return processNames('summer', from.summers);
    case 'kill-chunker':
      return [`chunker-${from.prng.below(from.chunkers)}`];
    default:
      return kind satisfies never;
  }
}

/** Fisher-Yates. */
function shuffled<T>(values: readonly T[], prng: Prng): T[] {
  const drawn: T[] = [];
  const left = [...values];
  while (left.length > 0) drawn.push(...left.splice(prng.below(left.length), 1));
  return drawn;
}
