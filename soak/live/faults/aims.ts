/** At which moment a fault is to hit its first target: as its plan has it, or as the run chooses. */

import type { Component } from '../../../src/component/protocol.ts';
import type { Moment } from '../../../src/moments/moment.ts';
import type { SeenMoments } from '../../../src/moments/page-layout.ts';
import type { FaultTarget } from './actions/target.ts';
import type { Aims } from './fault-phase.ts';
import { freezes } from './frozen-moments.ts';
import { isIn } from './moments-hit.ts';
import type { PlannedFault } from './planned-fault.ts';

export function aimsOf(from: {
  /** The process that has this name in a plan. */
  readonly named: (name: string) => Pick<FaultTarget, 'pid' | 'moments'>;
  /** What the run chooses for a process of this component. */
  readonly choose: (component: Component) => Moment;
  /** The faults are those of an earlier run: a fault that has no aim had none. */
  readonly isRepeated: boolean;
}): Aims {
  /** Of the running process. An older build writes no page, so there the page of its predecessor is left. */
  const ofFirst = ({ targets: [name = ''] }: PlannedFault): SeenMoments | null => {
    const target = from.named(name);
    const seen = target.moments();
    return seen !== null && seen.pid === target.pid ? seen : null;
  };
  return {
    aimOf: (fault) => {
      const seen = freezes(fault.kind) ? ofFirst(fault) : null;
      // Nobody could see whether it is there.
      if (seen === null) return null;
      return fault.aim ?? (from.isRepeated ? null : from.choose(seen.component));
    },
    isThere: (fault, aim) => {
      const seen = ofFirst(fault);
      return seen !== null && isIn(seen, aim);
    },
  };
}
