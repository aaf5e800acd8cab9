/**
 * A planted bug: a decorator around a dependency of a component, or another function in a production function's place,
 * put into a simulated system to see whether the checkers find it.
 */

import type { ViolationKind } from '../../../src/core/errors.ts';
import type { Decorations } from '../decorations.ts';
import type { Plan } from '../plan.ts';

/** Where in the protocol the bug lies. */
export type MutantClass =
  | 'checkpoint'
  | 'outbox'
  | 'recovery'
  | 'takeover'
  | 'fencing'
  | 'folding'
  | 'integrity'
  | 'durability'
  | 'addressing'
  | 'retention'
  | 'sums'
  | 'generation'
  | 'producers'
  | 'verification'
  | 'sessions'
  | 'liveness';

export type Mutant = {
  /** In kebab-case, unique. */
  readonly name: string;
  readonly class: MutantClass;
  /** One sentence: what is wrong. */
  readonly bug: string;
  /**
   * What a finder may call it, the best name first. More than one only where the history allows more than one reading.
   */
  readonly kinds: readonly ViolationKind[];
  /**
   * New decorations for one run. They call `tookEffect` of their subject once the system has really done what it must
   * not: not when they are installed.
   */
  readonly decorations: () => Decorations;
  /** What the bug needs to show at all, put into a plan: a kind of fault, a small retention. */
  readonly adapt?: (plan: Plan) => Plan;
  /** The plan so adapted ends its chunkers before its faults: without the bug it shows too little to hold. */
  readonly isPlanInconclusive?: true;
};
