/** A violation of the guarantee, whoever has found it: a component, an audit or a checker. */

import type { ViolationKind, ViolationWitness } from '../../src/core/errors.ts';

export type Violation = {
  /** The finder: a process, or a checker by its name. */
  readonly process: string;
  /** `unnamed`: a component has exited as for a violation without saying which. */
  readonly kind: ViolationKind | 'unnamed';
  readonly detail: string;
} & ViolationWitness;

/** A violation that a checker has found. */
export type Finding = Violation & {
  /** Time of the event that showed it; for a finding at the end, the time of the last event. */
  readonly atNs: number;
};

export function violationLine(violation: Violation): string {
  const { process, kind, journal, offset, file, index, detail } = violation;
  if (kind === 'unnamed') return `${process}: ${detail}`;
  const witness = Object.entries({ journal, offset, file, index })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`);
  return `${process}: ${kind}${witness.join('')}: ${detail}`;
}
