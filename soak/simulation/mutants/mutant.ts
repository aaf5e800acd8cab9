/**
 * A planted bug: a decorator around a dependency of a component, or another function in the place of a production
 * function. It is put into a simulated system to see whether the checkers find it.
 */

import type { ViolationKind } from '../../../src/core/errors.ts';
import type { EngineName } from '../../../src/journal/promises.ts';
import type { Decorations } from '../decorations.ts';
import type { Plan } from '../plan.ts';

/** The place of the bug in the protocol. */
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
  | 'liveness'
  | 'departures'
  | 'engine';

export type Mutant = {
  /** The engine below it; absent: the embedded one. */
  readonly engine?: EngineName;
  /** In kebab-case, unique. */
  readonly name: string;
  readonly class: MutantClass;
  /** One sentence: what is wrong. */
  readonly bug: string;
  /**
   * The kinds by which a finder may call it, the best first. There is more than one only where the history allows more
   * than one reading.
   */
  readonly kinds: readonly ViolationKind[];
  /**
   * New decorations for one run. They call `tookEffect` of their subject when the system has really done what it must
   * not do, and not when they are installed.
   */
  readonly decorations: () => Decorations;
  /** Puts into a plan what the bug needs to show at all: a kind of fault, a small retention. */
  readonly adapt?: (plan: Plan) => Plan;
  /** The adapted plan ends its chunkers before its faults. Without the bug it shows too little to hold. */
  readonly isPlanInconclusive?: true;
};
