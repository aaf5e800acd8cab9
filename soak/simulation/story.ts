/** What is told of a schedule that failed: what led to its first violation, and a smaller schedule that fails as it does. */

import type { Finding } from '../guarantee/violation.ts';
import type { Decorations } from './decorations.ts';
import type { Plan } from './plan.ts';
import { shrink } from './shrink.ts';
import { type Outcome, kindOf, simulate } from './simulate.ts';
import { Witness } from '../guarantee/witness.ts';

/** Tries of a smaller plan: a fixed number, so that a machine's speed changes nothing. */
const TRIES_MAX = 300;

type Schedule = {
  readonly seed: number;
  readonly plan: Plan;
  /** Made anew for each run; without them the system is as it is. */
  readonly decorations?: () => Decorations;
};

/** What happened around the first violation, by running the schedule once more. Nothing where there is none. */
export async function witnessLines(of: Schedule & { readonly violations: readonly Finding[] }): Promise<string[]> {
  const [violation] = of.violations;
  if (violation === undefined) return [];
  const witness = new Witness(violation);
  await simulate(of.plan, { checkers: [witness], ...decorated(of) });
  return [`what led to the first violation of seed ${of.seed}:`, ...witness.lines.map((line) => `  ${line}`)];
}

/** `kind`: how it failed, as `kindOf` says. */
export async function shrunkLines(of: Schedule & { readonly kind: ReturnType<typeof kindOf> }): Promise<string[]> {
  const { seed, plan: whole, kind } = of;
  const run = (plan: Plan): Promise<Outcome> => simulate(plan, { ...decorated(of) });
  const fails = async (plan: Plan): Promise<boolean> => kindOf(await run(plan)) === kind;
  const { plan, tries } = await shrink({ plan: whole, fails, triesMax: TRIES_MAX });
  const { violations } = await run(plan);
  const { faults, partitions, chunkers } = plan;
  return [
    `seed ${seed} fails with ${faults.length} of ${whole.faults.length} faults as well (${tries} tries), ` +
      `${partitions} partitions and ${chunkers.length} chunkers:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    ...(await witnessLines({ ...of, plan, violations })),
  ];
}

function decorated({ decorations }: Schedule): { readonly decorations?: Decorations } {
  return decorations === undefined ? {} : { decorations: decorations() };
}
