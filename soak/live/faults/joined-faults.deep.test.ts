/** Drawn schedules of faults that join others, each twice: as drawn, and as its faults.csv repeats it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { SoakFiles } from '../soak-files.ts';
import { atOnceOf, parseFaultPlan } from './fault-plan.ts';
import type { FaultOutcome } from './open-fault.ts';
import { mayOverlap } from './overlap-rule.ts';
import type { PlannedFault } from './planned-fault.ts';
import { faultSchedule } from './schedule.ts';
import { type Outcome, SLA_MS, course } from './testing/course.ts';

function textOf({ kind, target, atMs }: FaultOutcome): string {
  return `${kind} of ${target} at ${atMs}`;
}

/** Faults by kind and targets, each with those that were open together with it. */
function overlapsOf(outcomes: readonly FaultOutcome[]): string[] {
  return outcomes.map((outcome) => {
    const others = outcome.overlaps.map((id) => outcomes.find((other) => other.id === id));
    const names = others.map((other) => (other === undefined ? 'nobody' : textOf(other)));
    return `${textOf(outcome)} with ${names.join(', ')}`;
  });
}

test('no forbidden pair is ever open together, and a plan from faults.csv has the same faults together', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 4 }), async (seed, faultsAtOnce) => {
      const shape = { isFollowed: true, families: ['kill', 'pause'] as const, slaMs: SLA_MS, summers: 2, chunkers: 2 };
      const planned = [...faultSchedule({ ...shape, seed, faultsAtOnce, intervalMs: 3_000, lengthMs: 42_000 })];
      const first = await course(planned);
      t.is(first.why, null);
      t.is(first.outcomes.length, planned.length);
      for (const one of first.outcomes) {
        const hit = { kind: one.kind, targets: one.target.split(' ') };
        for (const other of first.outcomes) {
          if (one.id >= other.id) continue;
          // Then only the order in which both were seen decides, and faults.csv does not have it.
          if (one.healedNs === other.provenNs || other.healedNs === one.provenNs) continue;
          const isOpen = (one.healedNs ?? 0) > (other.provenNs ?? 0) && (other.healedNs ?? 0) > (one.provenNs ?? 0);
          const place = `seed ${seed}, ${one.id} and ${other.id}`;
          if (isOpen) t.true(mayOverlap(hit, { kind: other.kind, targets: other.target.split(' ') }), place);
          t.is(one.overlaps.includes(other.id), isOpen, place);
          t.is(other.overlaps.includes(one.id), isOpen, place);
        }
      }
      const again = parsed(first);
      t.is(atOnceOf(again), atOnceOf(planned));
      const second = await course(again);
      t.deepEqual(overlapsOf(second.outcomes), overlapsOf(first.outcomes), `seed ${seed}`);
      if (atOnceOf(planned) > 1)
        t.true(
          first.outcomes.some(({ overlaps }) => overlaps.length > 0),
          `seed ${seed}`,
        );
    }),
    { numRuns: 20 },
  );
});

/** The plan from the faults.csv of a run, whose rows come as faults settle. */
function parsed({ outcomes, startNs }: Outcome): PlannedFault[] {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-joined-'));
  const file = new SoakFiles(folder, { startNs, processes: [] });
  for (const outcome of outcomes.toSorted((one, other) => (one.healedNs ?? 0) - (other.healedNs ?? 0)))
    file.faultSettled(outcome);
  file.close();
  const plan = parseFaultPlan(readFileSync(join(folder, 'faults.csv')), 'x');
  rmSync(folder, { recursive: true });
  return plan;
}
