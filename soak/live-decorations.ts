/**
 * What may be put around the parts of a soak's own harness: how it is sabotaged without a flag in it. Each member is optional;
 * what is absent changes nothing. `history` is that of the simulation.
 */

import type { Journals } from '../src/journal/journals.ts';
import type { ComponentEvent } from '../src/process/component-protocol.ts';
import type { Totals } from '../src/process/meter.ts';
import type { Audit } from './audit.ts';
import type { ReadCheckpoints } from './auditor.ts';
import type { PlannedFault } from './fault-schedule.ts';
import type { Decorations } from './simulation/decorations.ts';

export interface LiveDecorations extends Pick<Decorations, 'history'> {
  /** Whether the injector's signal reaches this process. */
  kills?(process: string): boolean;
  /** The faults of the schedule. */
  schedule?(faults: Iterable<PlannedFault>): Iterable<PlannedFault>;
  /** What the supervisor hears of what a process says. */
  heard?(process: string, event: ComponentEvent): readonly ComponentEvent[];
  /** Whether the supervisor hears that a process was killed. */
  exits?(process: string): boolean;
  /** What the sampler is told by the meters. */
  totals?(totals: Totals): Totals;
  /** What the auditor reads. */
  journals?(journals: Journals): Journals;
  checkpoints?(read: ReadCheckpoints): ReadCheckpoints;
  /** The checks after the drain. */
  audit?(audit: Audit): Audit;
}
