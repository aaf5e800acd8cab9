/**
 * What may be put around the dependencies of a simulated component: how a bug is planted without a flag in production
 * code. Each member is optional; what is absent changes nothing.
 */

import type { prepareChunker } from '../../src/chunker/prepare-chunker.ts';
import type { PrepareChunkerOptions } from '../../src/chunker/prepare-chunker.ts';
import type { Prng } from '../../src/core/prng.ts';
import type { ServeOptions, serveBroker } from '../../src/journal/broker/serve.ts';
import type { PrepareSummerOptions, prepareSummer } from '../../src/summer/prepare-summer.ts';
import type { Dialer } from '../../src/transport/transport.ts';
import type { HistoryEvent } from '../checkers/history.ts';
import type { OwnedWrites } from './disk.ts';
import type { PlannedFault } from './plan.ts';

export type Component = 'broker' | 'chunker' | 'summer';

/** The process, and incarnation of it, whose dependencies are decorated. */
export type Subject = {
  readonly name: string;
  readonly component: Component;
  /** Counted from 1. */
  readonly incarnation: number;
  /** For what the decoration chooses at random: of this incarnation alone. */
  readonly prng: Prng;
  /** The decoration has done what it is for: the bug took effect in this run. */
  readonly tookEffect: () => void;
};

export interface Decorations {
  /** Around what a component is handed: journals, store, clock, link, callbacks. */
  broker?(options: ServeOptions, subject: Subject): ServeOptions;
  chunker?(options: PrepareChunkerOptions, subject: Subject): PrepareChunkerOptions;
  summer?(options: PrepareSummerOptions, subject: Subject): PrepareSummerOptions;
  /** Below the client of the journals. */
  dialer?(dialer: Dialer, subject: Subject): Dialer;
  /** Instead of the production functions. */
  readonly serveBroker?: typeof serveBroker;
  readonly prepareChunker?: typeof prepareChunker;
  readonly prepareSummer?: typeof prepareSummer;
  /** What is left on disk of a commit that was under way when its process died. Else it is all of it, or nothing. */
  crashedCommit?(writes: OwnedWrites, left: 'lost' | 'durable', subject: Subject): OwnedWrites;
  /** Sabotage of the harness: what the checkers are given of each event. */
  history?(event: HistoryEvent): readonly HistoryEvent[];
  /** Sabotage of the harness: whether a fault is injected at all. */
  injects?(fault: PlannedFault): boolean;
}
