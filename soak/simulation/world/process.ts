/**
 * A simulated process over its incarnations: its disk outlives them, and its keeper restarts it. It ends as a real
 * component does: with one error and one exit code.
 */

import { type Log, attempt } from '../../../src/core/log.ts';
import { Prng } from '../../../src/core/prng.ts';
import { ProcessEnd, type ProcessEndOptions } from '../../../src/component/process-end.ts';
import type { Component, Decorations, Subject, Watched } from '../decorations.ts';
import type { Observer } from '../observer.ts';
import type { Counters } from './counters.ts';
import { Disk, type OwnedWrites, SimulatedStore } from './disk.ts';
import { Incarnation, type IncarnationEnd } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { failingLog, simulatedLog } from './log.ts';
import type { SimulatedCluster } from '../cluster/cluster.ts';
import type { Links, Network } from './network.ts';
import type { Death } from '../death.ts';
import type { Plan } from '../plan.ts';
import type { HistoryLog } from '../../guarantee/history-log.ts';

/** What all simulated processes share. */
export type Surroundings = {
  readonly plan: Plan;
  readonly kernel: Kernel;
  readonly network: Network;
  /** In the place of the broker and its network, where the plan has one. */
  readonly cluster: SimulatedCluster | null;
  /** Of the clients, to the broker or to the cluster. */
  readonly links: Links;
  readonly history: HistoryLog;
  readonly observer: Observer;
  readonly counters: Counters;
  readonly decorations: Decorations;
  /** The number of the machine's boot, which all processes share. */
  readonly boot: () => number;
  /** The disk of a process, by its path. */
  readonly diskAt: (path: string) => Disk;
  /** A decoration took effect. */
  readonly tookEffect: () => void;
  readonly onReady: (process: SimulatedProcess) => void;
  readonly onEnd: (process: SimulatedProcess, end: IncarnationEnd) => void;
};

/** What a running component can be asked. */
export type Handle = {
  /** SIGTERM. */
  stop(): Promise<void>;
  drain?(): void;
};

/** The composition of one component over simulated dependencies. */
export type Run = (process: SimulatedProcess, incarnation: Incarnation, store: SimulatedStore) => Promise<Handle>;

/** The longest time until a process knows that its commit is durable. */
const KNOWN_NS = 1e6;
const PROCESS = 0x70726f63;
const COMMIT = 0x636f6d6d;
const LOG = 0x6c6f6720;
const SILENT: Log = { info: () => {}, warn: () => {}, fatal: () => {} };
const DECORATION = 0x6465636f;

export class SimulatedProcess {
  readonly name: string;
  readonly component: Component;
  readonly surroundings: Surroundings;
  readonly #run: Run;
  readonly #seed: number;
  readonly #onDurable: (disk: Disk, writes: OwnedWrites) => void;
  #disk: Disk;
  starts = 0;
  /** How many lives this chunker has begun by plan. */
  lives = 1;
  isReady = false;
  isDrained = false;
  /** A commit failed, as planned: the process must exit with 1. */
  hasFailedCommit = false;
  /** How the process is to die, once that is decided. */
  death: Death | null = null;
  slowDiskNs = 0;
  /** For a running summer: its shards that have a newer owner. */
  readonly lostShards: Set<number> = new Set();
  /** Called once, when a chunker's decision to send its end records is durable. */
  whenEnding: (() => void) | null = null;
  incarnation: Incarnation | null = null;
  /** The log of the running incarnation. */
  log: Log = SILENT;
  #end: Pick<ProcessEnd, 'fail'> | null = null;
  #failure: unknown = null;
  store: SimulatedStore | null = null;
  #handle: Handle | null = null;
  #wantsStop = false;
  #wantsDrain = false;

  constructor(options: {
    readonly name: string;
    readonly component: Component;
    readonly surroundings: Surroundings;
    readonly run: Run;
    readonly onDurable: (disk: Disk, writes: OwnedWrites) => void;
  }) {
    this.name = options.name;
    this.component = options.component;
    this.surroundings = options.surroundings;
    this.#run = options.run;
    this.#seed = options.surroundings.plan.seed;
    const { decorations } = options.surroundings;
    this.#onDurable = (disk, writes) => {
      decorations.durable?.(this.#watched(disk), writes);
      options.onDurable(disk, writes);
    };
    this.#disk = new Disk(`/simulated/${this.name}`, this.#onDurable);
  }

  get disk(): Disk {
    return this.#disk;
  }

  /** From its next start on, the process works in an empty folder. */
  moveTo(path: string): void {
    this.#disk = new Disk(path, this.#onDurable);
  }

  get isUp(): boolean {
    return this.incarnation !== null;
  }

  get wantsStop(): boolean {
    return this.#wantsStop;
  }

  /** Random numbers for one purpose, used by this incarnation alone. */
  prng(...purpose: readonly number[]): Prng {
    return Prng.fromSeed(this.#seed, PROCESS, ...Buffer.from(this.name), this.starts, ...purpose);
  }

  /** The subject that decorations get. */
  subject(): Subject {
    const { incarnation } = this;
    const isOver = (): boolean => incarnation?.isOver !== false;
    return {
      name: this.name,
      component: this.component,
      incarnation: this.starts,
      prng: this.prng(DECORATION),
      isOver,
      tookEffect: () => {
        if (!isOver()) this.surroundings.tookEffect();
      },
    };
  }

  #watched(disk: Disk): Watched {
    const { name, component } = this;
    return { name, component, path: disk.path, disk, tookEffect: this.surroundings.tookEffect };
  }

  start(): void {
    const { kernel, history, decorations } = this.surroundings;
    this.starts += 1;
    this.#wantsStop = false;
    this.hasFailedCommit = false;
    this.death = null;
    this.lostShards.clear();
    const incarnation: Incarnation = new Incarnation({
      name: this.name,
      number: this.starts,
      kernel,
      onError: (error) => this.fail(incarnation, error),
      onEnd: (end) => this.#ended(end),
    });
    // Nothing of the process runs yet that could signal this.
    decorations.diskAtStart?.(this.disk, { ...this.subject(), tookEffect: this.surroundings.tookEffect });
    const store = new SimulatedStore({ disk: this.disk, incarnation, kernel, timing: this.#timing() });
    this.incarnation = incarnation;
    this.store = store;
    this.#makeEnd(incarnation);
    history.record({ event: 'started', process: this.name });
    kernel.after(0, () => incarnation.enter(() => this.#compose(incarnation, store)), {
      kind: 'start',
      process: this.name,
    });
  }

  /** Ends the incarnation as the runtime of a component does, by the same code. */
  fail(incarnation: Incarnation, error: unknown): void {
    if (incarnation.isOver || incarnation !== this.incarnation) return;
    this.#failure = error;
    // The process is already ending when its end throws.
    attempt(() => this.#end?.fail(error));
  }

  #makeEnd(incarnation: Incarnation): void {
    const { plan, counters, decorations } = this.surroundings;
    const raw = failingLog(plan.logFailsPart, this.prng(LOG));
    this.log = decorations.log?.(raw, this.subject()) ?? simulatedLog(raw, counters);
    const options: ProcessEndOptions = {
      say: (event) => {
        if (event.event !== 'violation') return;
        const { event: _, ...violation } = event;
        this.surroundings.history.record({ event: 'violation', process: this.name, ...violation });
      },
      log: this.log,
      exit: (exitCode) => incarnation.exit(exitCode, this.#failure),
    };
    this.#end = decorations.end?.(options, this.subject()) ?? new ProcessEnd(options);
  }

  /** Asks the process to stop gracefully, once. */
  stop(): void {
    if (this.#wantsStop) return;
    this.#wantsStop = true;
    const { incarnation } = this;
    const stop = (): void => incarnation?.enter(() => this.#stop(incarnation));
    this.#signal('SIGTERM', stop);
  }

  /** Asks this and every later incarnation to drain. */
  drain(): void {
    this.#wantsDrain = true;
    const { incarnation } = this;
    this.#signal('drain', () => incarnation?.enter(() => this.#handle?.drain?.()));
  }

  #signal(what: string, call: () => void): void {
    const { kernel } = this.surroundings;
    const { reason } = kernel;
    const by = reason.kind === 'fault' ? `${what} by ${reason.what}` : what;
    kernel.because({ kind: 'signal', process: this.name, what: by }, kernel.from, call);
  }

  /** The chunker has drained, and begins another life in the same store. */
  beginAgain(): void {
    this.isDrained = false;
    this.#wantsDrain = false;
    this.lives += 1;
  }

  #compose(incarnation: Incarnation, store: SimulatedStore): void {
    this.#run(this, incarnation, store).then(
      (handle) => this.#isServing(incarnation, handle),
      (error: unknown) => this.fail(incarnation, error),
    );
  }

  #isServing(incarnation: Incarnation, handle: Handle): void {
    if (incarnation.isOver) return;
    this.#handle = handle;
    this.isReady = true;
    this.surroundings.history.record({ event: 'ready', process: this.name });
    if (this.#wantsDrain) handle.drain?.();
    this.surroundings.onReady(this);
  }

  #stop(incarnation: Incarnation): void {
    if (this.#handle === null) return incarnation.exit(0);
    this.#handle.stop().then(
      () => incarnation.exit(0),
      (error: unknown) => this.fail(incarnation, error),
    );
  }

  #ended(end: IncarnationEnd): void {
    const { network, cluster, history, counters, decorations, onEnd } = this.surroundings;
    const { incarnation, store } = this;
    if (incarnation === null || store === null) return;
    const remains = this.death?.commit ?? 'lost';
    // Its end is what takes effect.
    const subject = { ...this.subject(), tookEffect: this.surroundings.tookEffect };
    const commit = store.crash((writes) => {
      const rest = remains === 'durable' ? writes : [];
      return decorations.crashedCommit?.(writes, remains, subject) ?? rest;
    });
    if (end.exitCode === null) {
      const isDurable = commit === 'unknown' || remains === 'durable';
      if (commit !== 'none') {
        const what = isDurable ? 'killed in a commit that was durable' : 'killed in a commit that was not durable';
        counters.count(what);
        if (this.component === 'broker') counters.count('broker killed with appends under way');
      }
      if (!this.isReady) counters.count('killed before it was ready');
    }
    this.incarnation = null;
    this.store = null;
    this.#handle = null;
    decorations.ended?.(this.#watched(this.disk));
    history.record({ event: 'ended', process: this.name, exitCode: end.exitCode });
    if (this.component === 'broker') network.brokerGone();
    else (cluster?.network ?? network).clientGone(incarnation);
    onEnd(this, end);
    this.isReady = false;
  }

  #timing(): ConstructorParameters<typeof SimulatedStore>[0]['timing'] {
    const { commitUs, commitJitterUs } = this.surroundings.plan;
    const prng = this.prng(COMMIT);
    return {
      prng,
      next: () => ({
        durableNs: (commitUs + prng.below(commitJitterUs + 1)) * 1e3 + this.slowDiskNs,
        knownNs: prng.below(4) === 0 ? prng.below(KNOWN_NS) : 0,
      }),
    };
  }
}
