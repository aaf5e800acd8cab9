/**
 * One schedule from its plan to its outcome: warm-up, faults, heal, drain, audit, on a virtual clock. Everything
 * depends on the plan alone, so the same plan gives the same history, byte for byte.
 */

import { asRecord, assert } from '../../src/core/assert.ts';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { PROMISES } from '../../src/journal/promises.ts';
import type { Checker, Findings, HistoryEvent } from '../guarantee/history.ts';
import type { Finding } from '../guarantee/violation.ts';
import { makeCheckers } from '../guarantee/checkers/index.ts';
import { violationsOf } from '../guarantee/verdict.ts';
import { Observer } from './observer.ts';
import { Counters, type Moment } from './world/counters.ts';
import type { Decorations } from './decorations.ts';
import { Faults } from './faults.ts';
import { ClusterNetwork } from './cluster/cluster-network.ts';
import { CLUSTER_PREFIX, SimulatedCluster } from './cluster/cluster.ts';
import { Kernel } from './world/kernel.ts';
import { Network } from './world/network.ts';
import { leastFaults } from './certain-faults.ts';
import { PinWatch } from './pin-watch.ts';
import type { Plan } from './plan.ts';
import { brokenPromises, promisesOf } from './promises.ts';
import type { Surroundings } from './world/process.ts';
import { HistoryDigest } from '../guarantee/history-digest.ts';
import { type Cause, HistoryLog, type LogListener } from '../guarantee/history-log.ts';
import { Keeper, failureOf } from './keeper.ts';
import { causeOf } from './world/reason.ts';

/** Not 0, because 0 means that a time is unknown. */
const START_NS = 1e12;
const POLL_MS = 20;
/** The end of faults may be hard to reach. No schedule takes longer than its phases plus this. */
const HEAL_MS_MAX = 60_000;
/** As long as the audit of real processes waits for the summers. */
const CATCH_UP_MS_MAX = 15_000;

export type SimulateOptions = {
  /** Checkers that run instead of all of them. */
  readonly checkers?: readonly Checker[];
  readonly decorations?: Decorations;
  /** Is shown every event as it happens, with its cause. */
  readonly listener?: LogListener;
  /** Ends with the first violation: later events would only show that there is one. */
  readonly stopsAtFirst?: boolean;
};

export type Outcome = {
  readonly plan: Plan;
  /** The digest of the history: 64 hexadecimal digits. */
  readonly digest: string;
  readonly historyEvents: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly violations: readonly Finding[];
  /** One line for each process that ended in a way that nobody had planned. */
  readonly failures: readonly string[];
  /** In the same order, the stacks of their errors; `null`: there was none. */
  readonly stacks: readonly (string | null)[];
  /** Why this schedule proves nothing; one line each. */
  readonly inconclusive: readonly string[];
  readonly moments: Readonly<Record<Moment, number>>;
  /** Whether the decorations took effect, and when they first did. */
  readonly tookEffect: boolean;
  readonly effect: Effect | null;
  readonly faults: number;
  /** Records of the chunk journals. */
  readonly records: number;
};

/** A decoration has done its part. */
export type Effect = { readonly atNs: number; readonly cause: Cause };

/** The outcome in one word. A smaller plan must have the same one. */
export function kindOf({
  violations,
  failures,
  inconclusive,
}: Outcome): Finding['kind'] | 'failed' | 'inconclusive' | null {
  const [first] = violations;
  if (first !== undefined) return first.kind;
  if (failures.length > 0) return 'failed';
  return inconclusive.length > 0 ? 'inconclusive' : null;
}

export async function simulate(plan: Plan, options: SimulateOptions = {}): Promise<Outcome> {
  const schedule = new Schedule(plan, options);
  await schedule.run();
  return schedule.outcome();
}

type Phase = 'warm-up' | 'faults' | 'heal' | 'drain' | 'stop' | 'over';

class Schedule {
  readonly #plan: Plan;
  readonly #checkers: readonly Checker[];
  readonly #kernel: Kernel;
  readonly #counters = new Counters();
  readonly #history: HistoryLog;
  readonly #digest = new HistoryDigest();
  readonly #observer: Observer;
  readonly #keeper: Keeper;
  readonly #faults: Faults;
  readonly #cluster: SimulatedCluster | null;
  readonly #flow = new Flow();
  readonly #inconclusive: string[] = [];
  readonly #stopsAtFirst: boolean;
  #phase: Phase = 'warm-up';
  #boot = 1;
  #effect: Effect | null = null;
  #isCutShort = false;

  constructor(plan: Plan, options: SimulateOptions) {
    const { decorations = {}, stopsAtFirst = false, listener } = options;
    const engine = plan.cluster === undefined ? 'embedded' : 'gazette';
    const { checkers = makeCheckers(decorations.promises ?? PROMISES[engine]) } = options;
    this.#plan = plan;
    this.#stopsAtFirst = stopsAtFirst;
    this.#checkers = [this.#flow, ...checkers];
    const kernel = new Kernel(START_NS, (error) => this.#stray(error));
    const nowNs = (): number => kernel.nowNs;
    const counters = this.#counters;
    const cause = (): Cause => causeOf(kernel.reason, kernel.from);
    const digest: LogListener = (entry) => {
      kernel.from = entry.n;
      this.#digest.add(entry);
    };
    // Without a listener there is no cost for causes.
    const causeNow = listener === undefined ? (): undefined => undefined : cause;
    const history = new HistoryLog({
      nowNs,
      checkers: this.#checkers,
      filter: (event) => decorations.history?.(event) ?? [event],
      listeners: listener === undefined ? [digest] : [digest, listener],
      causeNow,
    });
    const tookEffect = (): void => {
      this.#effect ??= { atNs: kernel.nowNs, cause: cause() };
    };
    const observer = new Observer({
      partitions: plan.partitions,
      pins: new PinWatch({ partitions: plan.partitions, pinAbsenceMs: plan.pinAbsenceMs, nowNs }),
      history,
      counters,
      nowNs,
      causeNow,
      onJudged: (state) => decorations.judged?.({ ...state, tookEffect }),
    });
    const link = { kernel, seed: plan.seed, counters, delayNs: plan.delayUs * 1e3, jitterNs: plan.jitterUs * 1e3 };
    const network = new Network(link);
    const cluster = plan.cluster === undefined ? null : clusterOf(plan, { link, observer, decorations, tookEffect });
    const surroundings: Surroundings = {
      plan,
      kernel,
      network,
      cluster,
      links: cluster?.network ?? network,
      history,
      observer,
      counters,
      decorations,
      boot: () => this.#boot,
      diskAt: (path) => this.#keeper.diskAt(path),
      tookEffect,
      onReady: (process) => this.#keeper.ready(process),
      onEnd: (process, end) => this.#keeper.ended(process, end),
    };
    this.#kernel = kernel;
    this.#history = history;
    this.#observer = observer;
    this.#cluster = cluster;
    this.#keeper = new Keeper(surroundings, () => this.#cutShort());
    this.#faults = new Faults(surroundings, this.#keeper, () => {
      this.#boot += 1;
    });
  }

  async run(): Promise<void> {
    const { seed, slaMs, partitions, warmUpMs, faultsMs } = this.#plan;
    this.#history.record({
      event: 'run',
      seed,
      slaMs,
      partitions,
      processes: [this.#keeper.broker, ...this.#keeper.chunkers].flatMap((process) => process?.name ?? []),
      faults: leastFaults(this.#plan),
      tells: ['completed', 'claim', 'trimmed'],
    });
    this.#enter('warm-up');
    this.#keeper.startAll();
    this.#faults.schedule();
    this.#at(warmUpMs, () => this.#enter('faults'));
    this.#at(warmUpMs + faultsMs, () => this.#heal());
    await this.#kernel.run(() => this.#isOver());
    // A history that was cut short is not whole, so nothing can be missing from it.
    if (!this.#isCutShort) this.#history.end();
  }

  #isOver(): boolean {
    if (this.#stopsAtFirst && this.#checkers.some(({ hasFound }) => hasFound === true)) {
      this.#isCutShort = true;
      this.#phase = 'over';
    }
    return this.#phase === 'over';
  }

  outcome(): Outcome {
    const findings = this.#history.finish();
    const moments = this.#counters.all();
    const unreached = brokenPromises(promisesOf(this.#plan), moments).map(
      (moment) => `the plan promised a moment that was not reached: ${moment}`,
    );
    return {
      plan: this.#plan,
      digest: this.#digest.hex,
      historyEvents: this.#history.events,
      events: this.#kernel.events,
      virtualMs: (this.#kernel.nowNs - START_NS) / 1e6,
      violations: violationsOf(findings),
      failures: this.#keeper.failures.map(({ line }) => line),
      stacks: this.#keeper.failures.map(({ stack }) => stack),
      // A schedule that was cut short proves only what cut it short.
      inconclusive: this.#isCutShort
        ? []
        : [...this.#inconclusive, ...unreached, ...findings.flatMap((found) => found.inconclusive)],
      moments,
      tookEffect: this.#effect !== null,
      effect: this.#effect,
      faults: this.#flow.faults,
      records: this.#flow.records,
    };
  }

  #enter(phase: 'warm-up' | 'faults' | 'heal' | 'drain'): void {
    if (this.#phase === 'over') return;
    this.#phase = phase;
    this.#history.record({ event: 'phase', phase });
  }

  #heal(): void {
    this.#enter('heal');
    this.#faults.heal();
    this.#keeper.heal();
    const { healMs } = this.#plan;
    this.#until(
      () => {
        for (const slot of this.#keeper.slots) this.#keeper.ensureOwners(slot);
        return this.#keeper.isWhole;
      },
      { limitMs: HEAL_MS_MAX, otherwise: 'not every process was up again after everything had healed' },
      () => this.#at(healMs, () => this.#drain()),
    );
  }

  #drain(): void {
    if (this.#phase === 'over') return;
    this.#enter('drain');
    for (const chunker of this.#keeper.chunkers) chunker.drain();
    const { drainMs } = this.#plan;
    this.#until(
      () => this.#keeper.areDrained,
      { limitMs: drainMs, otherwise: `not every chunker had drained ${drainMs / 1e3} s after everything had healed` },
      () => this.#catchUp(),
    );
  }

  /**
   * A summer may still have the end records before it, or be down by a fault of the drain. If it does not reach the
   * head, the state checker judges that.
   */
  #catchUp(): void {
    this.#until(
      () => this.#observer.areFolded((path) => this.#keeper.processAt(path)),
      { limitMs: CATCH_UP_MS_MAX, otherwise: 'not every journal was folded to its head after the drain' },
      () => this.#stop(),
    );
  }

  /** Processes that have not drained by now are stopped too. Their journals and stores are judged as they are. */
  #stop(): void {
    this.#phase = 'stop';
    this.#keeper.stopAll();
    const isDown = (): boolean => [...this.#keeper.summers, ...this.#keeper.chunkers].every(({ isUp }) => !isUp);
    this.#until(isDown, { limitMs: HEAL_MS_MAX, otherwise: 'not every process stopped when it was asked to' }, () =>
      this.#audit(),
    );
  }

  #audit(): void {
    this.#history.record({ event: 'phase', phase: 'audit' });
    this.#observer.finish((path) => this.#keeper.processAt(path));
    this.#keeper.broker?.stop();
    this.#cluster?.stop();
    const over = (): void => {
      this.#phase = 'over';
    };
    const isDown = (): boolean => this.#keeper.broker?.isUp !== true;
    this.#until(isDown, { limitMs: HEAL_MS_MAX, otherwise: 'the broker did not stop when it was asked to' }, over);
  }

  /** After a violation or a failure the rest is not worth simulating. The summers' commits may say why it happened. */
  #cutShort(): void {
    if (this.#phase === 'over') return;
    this.#isCutShort = true;
    this.#phase = 'over';
    for (const { summers, partitions } of this.#keeper.slots) {
      for (const { name, disk } of summers) this.#observer.restart(name, disk, partitions);
    }
  }

  /** Goes on when `isSo()`, or after `limitMs` with a reason to doubt. */
  #until(isSo: () => boolean, bound: { limitMs: number; otherwise: string }, then: () => void): void {
    const endNs = this.#kernel.nowNs + bound.limitMs * 1e6;
    const poll = (): void => {
      if (this.#phase === 'over') return;
      if (isSo()) return then();
      if (this.#kernel.nowNs <= endNs) return this.#at(POLL_MS, poll);
      this.#inconclusive.push(bound.otherwise);
      then();
    };
    poll();
  }

  #at(delayMs: number, call: () => void): void {
    this.#kernel.after(delayMs * 1e6, call);
  }

  /** An error was thrown in a microtask: a process would have ended with exit 1. */
  #stray(error: unknown): void {
    this.#keeper.failures.push(failureOf('thrown with nobody to catch it', error));
    this.#cutShort();
  }
}

/** The cluster of a plan, whose observer is told what is committed. */
function clusterOf(
  plan: Plan,
  options: {
    readonly link: ConstructorParameters<typeof ClusterNetwork>[0];
    readonly observer: Observer;
    readonly decorations: Decorations;
    readonly tookEffect: () => void;
  },
): SimulatedCluster {
  const { link, observer, decorations, tookEffect } = options;
  assert(plan.cluster !== undefined, 'the plan has a cluster');
  const cluster = new SimulatedCluster({
    ...link,
    plan: plan.cluster,
    partitions: plan.partitions,
    network: new ClusterNetwork(link),
    onCommitted: (journal, { begin, bytes }) => {
      decorations.committed?.({ journal, begin, bytes, tookEffect });
      observer.batchDurable(journal, begin, bytes);
    },
    onEtcd: (key, value) => {
      const shard = shardOfKey(key);
      const row = shard === null || value === null ? null : asRecord(JSON.parse(value.toString()));
      if (shard === null || typeof row?.['epoch'] !== 'number') return;
      const confirmed = typeof row['confirmed'] === 'string' ? row['confirmed'] : null;
      observer.shardDurable(shard, { epoch: row['epoch'], confirmed });
    },
    onTrimmed: (journal, begin, count) => observer.clusterTrimmed(journal, begin, count),
  });
  observer.cluster = {
    headOf: (journal) => cluster.journals[journal]?.end ?? 0,
    nextOf: (journal, producer) => cluster.journals[journal]?.nextOf(producer) ?? 0,
    hasPin: (producer) => cluster.hasPin(producer) && !cluster.absences.isLong(producer),
  };
  return cluster;
}

const SHARD_KEYS = `/${CLUSTER_PREFIX}shards/`;

function shardOfKey(key: string): number | null {
  return key.startsWith(SHARD_KEYS) ? Number(key.slice(SHARD_KEYS.length)) : null;
}

/** Counts what flowed, and how many faults were injected. */
class Flow implements Checker {
  readonly name = 'flow';
  faults = 0;
  records = 0;

  observe(event: HistoryEvent): void {
    if (event.event === 'fault') this.faults += 1;
    if (event.event === 'batch' && event.journal !== SUMS_JOURNAL) this.records += countOf(event.bytes);
  }

  finish(): Findings {
    return { violations: [], violationCount: 0, inconclusive: [] };
  }
}

/** Records of a batch. */
function countOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(12, true);
}
