/**
 * Decorations of the dependencies of a simulated component. Bugs are planted by them, without a flag in production
 * code. Each member is optional; an absent member changes nothing.
 */

import type { prepareChunker } from '../../src/chunker/prepare-chunker.ts';
import type { PrepareChunkerOptions } from '../../src/chunker/prepare-chunker.ts';
import type { Log } from '../../src/core/log.ts';
import type { Prng } from '../../src/core/prng.ts';
import type { GazetteJournals, GazetteOptions } from '../../src/journal/gazette/gazette-journals.ts';
import type { RpcCalls } from '../../src/journal/gazette/rpc.ts';
import type { Journals } from '../../src/journal/journals.ts';
import type { EnginePromises } from '../../src/journal/promises.ts';
import type { ServeOptions, serveBroker } from '../../src/journal/broker/serve.ts';
import type { ProcessEnd, ProcessEndOptions } from '../../src/component/process-end.ts';
import type { PrepareSummerOptions, prepareSummer } from '../../src/summer/prepare-summer.ts';
import type { Dialer } from '../../src/transport/transport.ts';
import type { HistoryFilter } from '../guarantee/history.ts';
import type { StoreReader } from '../../src/store/store.ts';
import type { Disk, OwnedWrites } from './world/disk.ts';
import type { SimulatedCluster } from './cluster/cluster.ts';
import type { PlannedFault } from './plan.ts';

export type Component = 'broker' | 'chunker' | 'summer';

/** The incarnation of a process whose dependencies are decorated. */
export type Subject = {
  readonly name: string;
  readonly component: Component;
  /** Counted from 1. */
  readonly incarnation: number;
  /** For random choices of the decoration; used by this incarnation alone. */
  readonly prng: Prng;
  /**
   * Whether the incarnation has ended. What is left of it in memory runs on, but nobody is told anything through it.
   */
  readonly isOver: () => boolean;
  /** The decoration has done its part: the bug took effect in this run. Remains of a dead process have no say. */
  readonly tookEffect: () => void;
};

/** A process, as the observers of its disk see it. */
export type Watched = {
  readonly name: string;
  readonly component: Component;
  readonly path: string;
  readonly disk: StoreReader;
  readonly tookEffect: () => void;
};

/** A shard's durable state that is about to be judged, because the process continues from it, or has ended with it. */
export type JudgedState = {
  readonly shard: number;
  readonly path: string;
  readonly disk: StoreReader;
  /** How many sums of the shard are durable in the sums journal. */
  readonly published: number;
  /** The durable end of its chunk journal. */
  readonly head: number;
  readonly tookEffect: () => void;
};

/** A batch that is committed on a cluster. Journals are numbered: those of chunks first, then the sums journal. */
export type Committed = {
  readonly journal: number;
  readonly begin: number;
  readonly bytes: Buffer;
  readonly tookEffect: () => void;
};

/** The engine of a process on a cluster, and what it was made of. */
export type GazetteParts = {
  readonly journals: GazetteJournals;
  readonly rpc: RpcCalls;
  readonly options: GazetteOptions;
  readonly cluster: SimulatedCluster;
};

export interface Decorations {
  /** Decorates what a component is handed: journals, store, clock, link, callbacks. */
  broker?(options: ServeOptions, subject: Subject): ServeOptions;
  chunker?(options: PrepareChunkerOptions, subject: Subject): PrepareChunkerOptions;
  summer?(options: PrepareSummerOptions, subject: Subject): PrepareSummerOptions;
  /** Below the client of the journals. */
  dialer?(dialer: Dialer, subject: Subject): Dialer;
  /** Of a process on a cluster: below its engine, and the engine itself. */
  rpc?(calls: RpcCalls, subject: Subject, cluster: SimulatedCluster): RpcCalls;
  gazette?(parts: GazetteParts, subject: Subject): Journals;
  /** Replaces the wrapper that keeps errors of the log from its callers. */
  log?(raw: Log, subject: Subject): Log;
  /** Replaces the one place that ends a process. */
  end?(options: ProcessEndOptions, subject: Subject): Pick<ProcessEnd, 'fail'>;
  /** Replaces the production functions. */
  readonly serveBroker?: typeof serveBroker;
  readonly prepareChunker?: typeof prepareChunker;
  readonly prepareSummer?: typeof prepareSummer;
  /** The content of a process's disk when it starts, which `restore` may replace. */
  diskAtStart?(disk: Disk, subject: Subject): void;
  /**
   * What is left on disk of a commit that was under way when its process died. Without it: all of the commit, or
   * nothing.
   */
  crashedCommit?(writes: OwnedWrites, left: 'lost' | 'durable', subject: Subject): OwnedWrites;
  /**
   * Where a bug does its harm, before a checker can see it: a commit has become durable, a process has ended, a shard's
   * state is about to be judged. These functions change nothing, and signal that a bug took effect.
   */
  durable?(watched: Watched, writes: OwnedWrites): void;
  ended?(watched: Watched): void;
  judged?(state: JudgedState): void;
  /** A batch of a journal on a cluster is committed; changes nothing. */
  committed?(batch: Committed): void;
  /** What the checkers believe that the engine promises. */
  readonly promises?: EnginePromises;
  /** Sabotage of the harness: what the checkers get of each event. */
  readonly history?: HistoryFilter;
  /** Sabotage of the harness: whether a fault is injected at all. */
  injects?(fault: PlannedFault): boolean;
}
