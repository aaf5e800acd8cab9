/** The lines about a schedule that did not hold: why, and a smaller schedule that fails in the same way. */

import type { Decorations } from './decorations.ts';
import type { Plan } from './plan.ts';
import { shrink } from './shrink.ts';
import { whyOf } from '../guarantee/story/telling.ts';
import { tellSeed } from './seed-telling.ts';
import { type Outcome, kindOf, simulate } from './simulate.ts';

/** Tries of smaller plans: a fixed number, so that the machine's speed changes nothing. */
const TRIES_MAX = 300;

type Schedule = {
  readonly seed: number;
  readonly plan: Plan;
  /** Made anew for each run; absent: the system is not decorated. */
  readonly decorations?: () => Decorations;
};

/** What led to the first violation, failure or doubt. Runs the schedule once more. */
export async function whyLines(of: Schedule): Promise<string[]> {
  return whyOf(await tellSeed({ plan: of.plan, ...decorated(of) }));
}

/** `kind`: how it failed, by `kindOf`. */
export async function shrunkLines(of: Schedule & { readonly kind: ReturnType<typeof kindOf> }): Promise<string[]> {
  const { seed, plan: whole, kind } = of;
  const run = (plan: Plan): Promise<Outcome> => simulate(plan, { ...decorated(of) });
  const fails = async (plan: Plan): Promise<boolean> => kindOf(await run(plan)) === kind;
  const { plan, tries } = await shrink({ plan: whole, fails, triesMax: TRIES_MAX });
  const { faults, partitions, chunkers } = plan;
  return [
    `seed ${seed} fails with ${faults.length} of ${whole.faults.length} faults as well (${tries} tries), ` +
      `${partitions} partitions and ${chunkers.length} chunkers:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    ...(await whyLines({ ...of, plan })),
  ];
}

function decorated({ decorations }: Schedule): { readonly decorations?: Decorations } {
  return decorations === undefined ? {} : { decorations: decorations() };
}
