/** Changes plans so that chunkers leave: they are retired, or their pins expire. Pure functions of the plan. */

import { Prng } from '../../../src/core/prng.ts';
import { retirement } from '../departures.ts';
import type { Plan, PlannedFault } from '../plan.ts';

const ADAPT = 0x64657061;
const RETIREMENTS = 6;
const PIN_ABSENCE_MS = 6_000;
/** Long enough for the pin to expire, and for some sums to be trimmed after that. */
const ABSENCE_MS = 10_000;
const HOWS = ['dead', 'paused', 'cut'] as const;

/** Chunkers are often retired. Most of them still run then, and are stopped or have something under way. */
export function withRetirements(plan: Plan): Plan {
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const faults = Array.from({ length: RETIREMENTS }, (_, at): PlannedFault => {
    const old = at % 3 === 0 ? 'dead' : at % 3 === 1 ? 'paused' : 'running';
    const atMs = Math.floor(plan.warmUpMs + ((at + 0.5) * plan.faultsMs) / (RETIREMENTS + 1));
    return { id: 0, ...retirement(prng, 'chunker-0', atMs), old };
  });
  return withMore(plan, faults);
}

/** Pins expire soon. The first chunker is away for so long, twice, while another one is there. */
export function withExpiringPins(plan: Plan): Plan {
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const [first] = plan.chunkers;
  if (first === undefined) return plan;
  const there = { ...first, startMs: 0, fileCount: null, drainMs: null, lives: 1 };
  const chunkers = plan.chunkers.length > 1 ? plan.chunkers : [first, there];
  const faults = [0.1, 0.5].map(
    (part): PlannedFault => ({
      id: 0,
      atMs: Math.floor(plan.warmUpMs + part * plan.faultsMs),
      kind: 'absence',
      target: 'chunker-0',
      how: HOWS[prng.below(HOWS.length)] ?? 'dead',
      durationMs: ABSENCE_MS,
    }),
  );
  return withMore({ ...plan, chunkers, pinAbsenceMs: PIN_ABSENCE_MS }, faults);
}

/** Faults in the order of their times, numbered in that order. */
function withMore(plan: Plan, more: readonly PlannedFault[]): Plan {
  const faults = [...plan.faults, ...more].toSorted((a, b) => a.atMs - b.atMs);
  return { ...plan, faults: faults.map((fault, id) => ({ ...fault, id })) };
}
