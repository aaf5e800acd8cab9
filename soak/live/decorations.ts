/**
 * What may be put around the parts of a soak's own harness: how it is sabotaged without a flag in it. Each member is
 * optional; what is absent changes nothing.
 */

import type { Journals } from '../../src/journal/journals.ts';
import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { SeenMoments } from '../../src/moments/page-layout.ts';
import type { Totals } from '../../src/fleet/meter.ts';
import type { Audit } from './audit/end-audit.ts';
import type { ReadCheckpoints } from './audit/auditor.ts';
import type { PlannedFault } from './faults/planned-fault.ts';
import type { Relay } from './faults/relay/relay-process.ts';
import type { HistoryFilter } from '../guarantee/history.ts';

export interface LiveDecorations {
  readonly history?: HistoryFilter;
  /** Whether the injector's signal that ends it reaches this process. */
  kills?(process: string): boolean;
  /** Whether the one that stops it does, and the one that continues it. */
  pauses?(process: string): boolean;
  resumes?(process: string): boolean;
  /** What a probe is told of the process's state in the kernel. */
  states?(process: string, state: string | null): string | null;
  /** What is read of the process's page of moments. */
  moments?(process: string, seen: SeenMoments | null): SeenMoments | null;
  /** The relay of the links, as partitions know it. */
  relay?(relay: Relay): Relay;
  /** Whether a successor of this summer is started. */
  takeovers?(process: string): boolean;
  /** Whether another build comes in the place of this process when it is exchanged. */
  exchanges?(process: string): boolean;
  /** Whether it was seen that a producer has ended in every journal; `run` ends it, and looks. */
  retires?(producer: string, run: () => Promise<boolean>): Promise<boolean>;
  /** The faults of the schedule. */
  schedule?(faults: Iterable<PlannedFault>): Iterable<PlannedFault>;
  /** What the conductor hears of what a process says. */
  heard?(process: string, event: ComponentEvent): readonly ComponentEvent[];
  /** Whether the conductor hears that a process was killed. */
  exits?(process: string): boolean;
  /** What the sampler is told by the meters. */
  totals?(totals: Totals): Totals;
  /** What the auditor reads. */
  journals?(journals: Journals): Journals;
  checkpoints?(read: ReadCheckpoints): ReadCheckpoints;
  /** The checks after the drain. */
  audit?(audit: Audit): Audit;
}
