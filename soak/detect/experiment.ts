/**
 * One schedule of `detect`: with a planted bug, with a sabotaged harness, or clean. Plain data that passes between
 * threads.
 */

import type { EngineName } from '../../src/journal/promises.ts';
import { mutantNamed } from '../simulation/mutants/index.ts';
import { sabotageNamed } from '../simulation/sabotages/sabotages.ts';
import { type Finding, violationLine } from '../guarantee/violation.ts';
import type { Decorations } from '../simulation/decorations.ts';
import { planFor } from '../simulation/plan-for.ts';
import type { Plan } from '../simulation/plan.ts';
import { type Outcome, kindOf, simulate } from '../simulation/simulate.ts';

/** `name`: of the mutant or the sabotage. For a clean schedule, the mutant whose plan it has, or nothing. */
export type Experiment = {
  readonly of: 'mutant' | 'sabotage' | 'clean';
  readonly name: string;
  readonly seed: number;
  /** Of a clean schedule that has no name; absent: the embedded engine. */
  readonly engine?: EngineName;
};

export type ExperimentResult = Experiment & {
  /** The bug has signalled that it took effect. */
  readonly tookEffect: boolean;
  /** The first violation; `null`: none was found. */
  readonly violation: Finding | null;
  /** Nothing was wrong, and nothing was doubted. */
  readonly holds: boolean;
  /** Violations, failed processes and doubts; one line each. */
  readonly reasons: readonly string[];
  /** Virtual time from the beginning until the first violation, or until the end. */
  readonly virtualS: number;
  /** The same in real time of this thread. */
  readonly realS: number;
};

export async function runExperiment(experiment: Experiment): Promise<ExperimentResult> {
  const { plan, decorations } = planted(experiment);
  const startedMs = performance.now();
  const outcome = await simulate(plan, { decorations, stopsAtFirst: true });
  return {
    ...experiment,
    tookEffect: outcome.tookEffect,
    violation: outcome.violations[0] ?? null,
    holds: kindOf(outcome) === null,
    reasons: reasonsOf(outcome),
    virtualS: outcome.virtualMs / 1e3,
    realS: (performance.now() - startedMs) / 1e3,
  };
}

/** The plan of an experiment, and the decorations of its components. */
export function planted({ of, name, seed, engine }: Experiment): { plan: Plan; decorations: Decorations } {
  if (name === '') return { plan: planFor({ seed, engine }), decorations: {} };
  const bug = of === 'sabotage' ? sabotageNamed(name) : mutantNamed(name);
  const plan = planFor({ seed, engine: bug.engine });
  return { plan: bug.adapt?.(plan) ?? plan, decorations: of === 'clean' ? {} : bug.decorations() };
}

function reasonsOf({ violations, failures, inconclusive }: Outcome): string[] {
  const found = violations.map(({ kind, ...finding }) =>
    kind === 'unnamed' ? `${finding.process}: ${finding.detail}` : violationLine({ ...finding, kind }),
  );
  return [...found, ...failures, ...inconclusive];
}
