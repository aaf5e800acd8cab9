/**
 * What may be put around the dependencies of a simulated component: how a bug is planted without a flag in production
 * code. Each member is optional; what is absent changes nothing.
 */

import type { prepareChunker } from '../../src/chunker/prepare-chunker.ts';
import type { PrepareChunkerOptions } from '../../src/chunker/prepare-chunker.ts';
import type { Log } from '../../src/core/log.ts';
import type { Prng } from '../../src/core/prng.ts';
import type { ServeOptions, serveBroker } from '../../src/journal/broker/serve.ts';
import type { ProcessEnd, ProcessEndOptions } from '../../src/component/process-end.ts';
import type { PrepareSummerOptions, prepareSummer } from '../../src/summer/prepare-summer.ts';
import type { Dialer } from '../../src/transport/transport.ts';
import type { HistoryFilter } from '../guarantee/history.ts';
import type { StoreReader } from '../../src/store/store.ts';
import type { Disk, OwnedWrites } from './world/disk.ts';
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
  /** Whether it has ended: what is left of it in memory runs on, and what that is told nobody was told. */
  readonly isOver: () => boolean;
  /**
   * The decoration has done what it is for: the bug took effect in this run. What is left of a dead process has no say.
   */
  readonly tookEffect: () => void;
};

/** A process, as those see it who watch what it leaves on its disk. */
export type Watched = {
  readonly name: string;
  readonly component: Component;
  readonly path: string;
  readonly disk: StoreReader;
  readonly tookEffect: () => void;
};

/** A shard's durable state, which is about to be judged: what the process continues from, or has ended with. */
export type JudgedState = {
  readonly shard: number;
  readonly path: string;
  readonly disk: StoreReader;
  /** Sums of the shard that are durable in the sums journal. */
  readonly published: number;
  /** End of its chunk journal, durably. */
  readonly head: number;
  readonly tookEffect: () => void;
};

export interface Decorations {
  /** Around what a component is handed: journals, store, clock, link, callbacks. */
  broker?(options: ServeOptions, subject: Subject): ServeOptions;
  chunker?(options: PrepareChunkerOptions, subject: Subject): PrepareChunkerOptions;
  summer?(options: PrepareSummerOptions, subject: Subject): PrepareSummerOptions;
  /** Below the client of the journals. */
  dialer?(dialer: Dialer, subject: Subject): Dialer;
  /** Instead of the wrapper that keeps what a log throws from whoever logs. */
  log?(raw: Log, subject: Subject): Log;
  /** Instead of the one place that ends a process. */
  end?(options: ProcessEndOptions, subject: Subject): Pick<ProcessEnd, 'fail'>;
  /** Instead of the production functions. */
  readonly serveBroker?: typeof serveBroker;
  readonly prepareChunker?: typeof prepareChunker;
  readonly prepareSummer?: typeof prepareSummer;
  /** What is on a process's disk when it starts, which may be made another by `restore`. */
  diskAtStart?(disk: Disk, subject: Subject): void;
  /** What is left on disk of a commit that was under way when its process died. Else it is all of it, or nothing. */
  crashedCommit?(writes: OwnedWrites, left: 'lost' | 'durable', subject: Subject): OwnedWrites;
  /**
   * Where a bug does its harm, before a checker can see it: a commit has become durable, a process has ended, a shard's
   * state is about to be judged. They change nothing, and say that a bug took effect.
   */
  durable?(watched: Watched, writes: OwnedWrites): void;
  ended?(watched: Watched): void;
  judged?(state: JudgedState): void;
  /** Sabotage of the harness: what the checkers are given of each event. */
  readonly history?: HistoryFilter;
  /** Sabotage of the harness: whether a fault is injected at all. */
  injects?(fault: PlannedFault): boolean;
}
