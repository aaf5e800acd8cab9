/**
 * Once a second, and at the end of each phase, asks all processes for their progress, and turns what arrived since then
 * into a row of intervals.csv and a status for the display. It also keeps what each phase did as a whole.
 */

import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import type { LatencySummary } from '../../src/measure/histogram.ts';
import { diskBytesOf, type ProcessUsage } from '../../src/fleet/process-usage.ts';
import type { Fleet } from '../../src/fleet/fleet.ts';
import { type Meter, type Totals, totalsBetween } from '../../src/fleet/meter.ts';
import { UsageMeter } from '../../src/fleet/usage-meter.ts';
import type { LiveDecorations } from './decorations.ts';
import type { Phase } from '../guarantee/phase.ts';
import type { SoakFiles } from './soak-files.ts';
import type { SoakMetrics } from './metrics/soak-metrics.ts';
import type { ResourceWatch } from './resources/resource-watch.ts';

/**
 * Processes report once a second. The counts of a shorter time may belong to a longer time, because a process that was
 * down or busy reports late. So no rate is shown for less.
 */
export const RATE_SECONDS_MIN: number = 1;

/** The time between two writings of the resources' slopes. They are also written at the end of each phase. */
const RESOURCES_MS = 600_000;

/** The name of this process among the others. */
export const SELF: string = 'soak';

/** What was done between two moments. */
export type Window = {
  readonly seconds: number;
  readonly counts: Totals;
  /** CPU seconds by process, over its restarts. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
};

/** What a phase did, and its latencies. */
export type PhaseOutcome = {
  readonly phase: Phase;
  readonly window: Window;
  readonly sum: LatencySummary;
  readonly acknowledgement: LatencySummary;
  /** Sums without a sample, which the percentiles take into account. */
  readonly censoredSums: number;
};

/** What the display shows of the flow. */
export type Status = {
  readonly phase: Phase;
  readonly elapsedMs: number;
  /** Null while less than a reporting period has passed. */
  readonly chunksPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  readonly filesOpen: number;
  readonly sumsVerified: number;
  readonly sumsOutstanding: number;
  readonly latencyP50Ns: number | null;
  readonly latencyP99Ns: number | null;
  readonly scheduleLagNs: number;
};

type Mark = { readonly atNs: number; readonly totals: Totals; readonly cpu: ReadonlyMap<string, number> };

export class Sampler {
  readonly #fleet: Fleet;
  readonly #meter: Meter;
  readonly #files: SoakFiles;
  readonly #clock: Clock;
  readonly #dataFolder: string;
  readonly #startNs: number;
  readonly #violationCount: () => number;
  readonly #decorations: LiveDecorations;
  readonly #resources: ResourceWatch | null;
  readonly #metrics: SoakMetrics | null;
  readonly #usage: UsageMeter = new UsageMeter();
  #phase: Phase = 'warm-up';
  #phaseMark: Mark;
  #last: Mark;
  /** The begin of the window of the shown rates. */
  #rateMark: Mark;
  #rates: { readonly chunksPerSecond: number | null; readonly bytesPerSecond: number | null } = {
    chunksPerSecond: null,
    bytesPerSecond: null,
  };
  #lastViolations = 0;
  #resourcesNs: number;
  /** The sampling under way, or the last one. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly fleet: Fleet;
    readonly meter: Meter;
    readonly files: SoakFiles;
    readonly clock: Clock;
    readonly dataFolder: string;
    readonly startNs: number;
    readonly violationCount: () => number;
    readonly decorations?: LiveDecorations;
    /** Is shown what each process uses; absent: nobody is. */
    readonly resources?: ResourceWatch;
    /** Is shown each second; absent: nobody asks for metrics. */
    readonly metrics?: SoakMetrics | null;
  }) {
    this.#metrics = options.metrics ?? null;
    this.#resources = options.resources ?? null;
    this.#decorations = options.decorations ?? {};
    this.#fleet = options.fleet;
    this.#meter = options.meter;
    this.#files = options.files;
    this.#clock = options.clock;
    this.#dataFolder = options.dataFolder;
    this.#startNs = options.startNs;
    this.#violationCount = options.violationCount;
    this.#last = this.#mark();
    this.#phaseMark = this.#last;
    this.#rateMark = this.#last;
    this.#resourcesNs = this.#last.atNs;
  }

  #mark(): Mark {
    const totals = this.#meter.totals();
    return {
      atNs: this.#clock.nowNs(),
      totals: this.#decorations.totals?.(totals) ?? totals,
      cpu: this.#usage.total('cpuSeconds'),
    };
  }

  /** One row, and the status after it. Samplings never overlap. */
  sample(): Promise<Status> {
    return this.#enqueue(async () => {
      await this.#fleet.refresh();
      return this.#sampleNow(true);
    });
  }

  /** Ends the phase with its last row, and begins another phase (the same one at the end of the run). */
  enter(phase: Phase): Promise<PhaseOutcome> {
    return this.#enqueue(async () => {
      await this.#fleet.refresh();
      this.#sampleNow(false);
      this.#files.phaseEnded(this.#phase, this.#meter.phase);
      this.#recordResources();
      const { sum, acknowledgement, censoredSums } = this.#meter.phase;
      const outcome: PhaseOutcome = {
        phase: this.#phase,
        window: windowBetween(this.#phaseMark, this.#last),
        sum: sum.summary(censoredSums),
        acknowledgement: acknowledgement.summary(),
        censoredSums,
      };
      this.#meter.phase.reset();
      this.#phaseMark = this.#last;
      this.#phase = phase;
      return outcome;
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #sampleNow(phaseGoesOn: boolean): Status {
    const usage = this.#readUsage();
    const previous = this.#last;
    this.#last = this.#mark();
    const window = windowBetween(previous, this.#last);
    const latency = this.#meter.interval.sum.summary();
    const violations = this.#violationCount();
    const elapsedMs = (this.#last.atNs - this.#startNs) / 1e6;
    const diskBytes = diskBytesOf(this.#dataFolder);
    const { totals } = this.#last;
    this.#metrics?.sample({
      phase: this.#phase,
      elapsedMs,
      totals,
      latency: this.#meter.interval.sum,
      usage,
      diskBytes,
    });
    this.#files.interval({
      endNs: this.#last.atNs,
      phase: this.#phase,
      counts: window.counts,
      latency,
      usage,
      diskBytes,
      violations: violations - this.#lastViolations,
    });
    this.#lastViolations = violations;
    this.#meter.interval.reset();
    if (phaseGoesOn) this.#files.phaseSoFar(this.#phase, this.#meter.phase);
    if (this.#last.atNs - this.#resourcesNs >= RESOURCES_MS * 1e6) this.#recordResources();
    return {
      phase: this.#phase,
      elapsedMs,
      ...this.#ratesNow(),
      filesOpen: totals.filesOpen,
      sumsVerified: totals.sumsVerified,
      sumsOutstanding: totals.sumsOutstanding,
      latencyP50Ns: latency.p50Ns,
      latencyP99Ns: latency.p99Ns,
      scheduleLagNs: this.#meter.scheduleLagNs(),
    };
  }

  #recordResources(): void {
    this.#resourcesNs = this.#last.atNs;
    if (this.#resources !== null) this.#files.resources(this.#resources.rows());
  }

  /** Rates over at least a reporting period. Until it has passed, the previous rates. */
  #ratesNow(): { readonly chunksPerSecond: number | null; readonly bytesPerSecond: number | null } {
    const { seconds, counts } = windowBetween(this.#rateMark, this.#last);
    if (seconds < RATE_SECONDS_MIN) return this.#rates;
    this.#rateMark = this.#last;
    this.#rates = {
      chunksPerSecond: counts.chunksPublished / seconds,
      bytesPerSecond: counts.bytesPublished / seconds,
    };
    return this.#rates;
  }

  #readUsage(): Map<string, ProcessUsage> {
    const processes = [...this.#fleet.processes, { name: SELF, pid: process.pid }];
    const usages = this.#usage.read(processes);
    const readings = processes.flatMap(({ name, pid }) => {
      const usage = usages.get(name);
      if (usage === undefined || pid === null) return [];
      return [{ name, pid, usage, diskBytes: name === SELF ? null : diskBytesOf(join(this.#dataFolder, name)) }];
    });
    this.#resources?.sample(this.#phase, this.#clock.nowNs(), readings);
    return usages;
  }
}

/** Counts are differences; gauges are the values at the end. */
function windowBetween(begin: Mark, end: Mark): Window {
  const cpuSeconds = new Map([...end.cpu].map(([name, value]) => [name, value - (begin.cpu.get(name) ?? 0)]));
  return {
    // Two marks at one nanosecond would make a rate infinite.
    seconds: Math.max(1, end.atNs - begin.atNs) / 1e9,
    cpuSeconds,
    counts: totalsBetween(begin.totals, end.totals),
  };
}
