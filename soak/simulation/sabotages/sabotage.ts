/** The shape of one sabotage of the harness. */

import type { EngineName } from '../../../src/journal/promises.ts';
import type { Decorations } from '../decorations.ts';
import type { Plan } from '../plan.ts';

export type Sabotage = {
  /** In kebab-case, unique. */
  readonly name: string;
  /** The engine below it; absent: the embedded one. */
  readonly engine?: EngineName;
  /** One sentence: what does not work. */
  readonly what: string;
  /** Matches the violation, the failure or the doubt that must be named. */
  readonly reason: RegExp;
  readonly decorations: () => Decorations;
  readonly adapt?: (plan: Plan) => Plan;
};
