/**
 * Decorations of the parts of a soak's own harness. The harness is sabotaged by them, without a flag in it. Each member
 * is optional; an absent member changes nothing.
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
  /** Whether a signal of the injector that ends a process reaches this process. */
  kills?(process: string): boolean;
  /** Whether a signal that stops this process reaches it, and the signal that continues it. */
  pauses?(process: string): boolean;
  resumes?(process: string): boolean;
  /** The state in the kernel that a probe is told. */
  states?(process: string, state: string | null): string | null;
  /** The contents of the process's page of moments, as they are read. */
  moments?(process: string, seen: SeenMoments | null): SeenMoments | null;
  /** The relay of the links, as partitions know it. */
  relay?(relay: Relay): Relay;
  /** Whether a successor of this summer is started. */
  takeovers?(process: string): boolean;
  /** Whether another build takes the place of this process when it is exchanged. */
  exchanges?(process: string): boolean;
  /** Whether a producer was seen to end in every journal. `run` ends it and looks. */
  retires?(producer: string, run: () => Promise<boolean>): Promise<boolean>;
  /** The faults of the schedule. */
  schedule?(faults: Iterable<PlannedFault>): Iterable<PlannedFault>;
  /** What the conductor hears when a process says something. */
  heard?(process: string, event: ComponentEvent): readonly ComponentEvent[];
  /** Whether the conductor hears that a process was killed. */
  exits?(process: string): boolean;
  /** The totals that the meters give the sampler. */
  totals?(totals: Totals): Totals;
  /** The journals that the auditor reads. */
  journals?(journals: Journals): Journals;
  checkpoints?(read: ReadCheckpoints): ReadCheckpoints;
  /** The checks after the drain. */
  audit?(audit: Audit): Audit;
}
