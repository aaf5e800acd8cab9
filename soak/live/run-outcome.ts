/** What a conductor has seen of a run when it is over. */

import type { Meter } from '../../src/fleet/meter.ts';
import type { FaultOverlaps } from '../guarantee/fault-overlaps.ts';
import type { FaultTallies } from '../guarantee/fault-tallies.ts';
import type { Findings } from '../guarantee/history.ts';
import type { Phase } from '../guarantee/phase.ts';
import type { FaultInjector } from './faults/injector.ts';
import type { MomentCoverage } from './faults/moments-hit.ts';
import type { PhaseOutcome } from './sampler.ts';

export type RunOutcome = {
  readonly findings: readonly Findings[];
  readonly violationCount: number;
  readonly tallies: FaultTallies;
  readonly overlaps: FaultOverlaps;
  readonly outcomes: ReadonlyMap<Phase, PhaseOutcome>;
  readonly injector: FaultInjector;
  /** Where faults have hit; null: nobody could know. */
  readonly moments: MomentCoverage | null;
  readonly meter: Meter;
  /** How it was audited, in one line. */
  readonly audit: string;
};
