/**
 * A measured pipeline of real processes. It is started, warmed up, watched over windows of time, killed now and then,
 * and drained at the end, when every sum must have been verified. A failure is thrown by whatever is awaited then.
 */

import { rm } from 'node:fs/promises';
import { type Clock, delay } from '../../src/core/clock.ts';
import { OperatingError, ViolationError, interruptedError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { ComponentProcess, Launch } from '../../src/fleet/component-process.ts';
import type { ComponentEvent, RecoveredEvent } from '../../src/component/protocol.ts';
import type { ClusterAsked, StartedCluster } from '../harness/engine.ts';
import { componentSpecs, type PipelineOptions } from '../../src/fleet/component-specs.ts';
import { chooseEndpoint, type Endpoint } from '../../src/fleet/broker-address.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { Meter, type Totals, totalsBetween } from '../../src/fleet/meter.ts';
import { UsageMeter } from '../../src/fleet/usage-meter.ts';
import { until } from '../../src/fleet/waiting.ts';
import { type FlowWindow, flowWindow, type Mark } from './flow-window.ts';
import { generationChunks, isSteady, type Look, type Steadiness, steadinessOf } from './steadiness.ts';

/** The time between two looks at what the processes use. */
const LOOK_MS = 250;
/** A saturated process may be busy for a while before it answers. */
const ANSWER_MS_MAX = 10_000;
const RECOVERY_MS_MAX = 60_000;
const DRAIN_MS_MAX = 180_000;

export type PipelineAt = {
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly launch: Launch;
  readonly clock: Clock;
  /** Starts the cluster of this pipeline; null: it has the embedded broker. */
  readonly startCluster: ((asked: Omit<ClusterAsked, 'shape'>) => Promise<StartedCluster>) | null;
  /** Ends the pipeline. Whatever is awaited then throws ERR_INTERRUPTED. */
  readonly signal: AbortSignal;
};

export class Pipeline {
  readonly #clock: Clock;
  readonly #fleet: Fleet;
  /** Where the broker listens, and where there is none, the cluster. */
  readonly #journals: JournalsPlace;
  readonly #folder: string;
  readonly #meter: Meter = new Meter();
  readonly #usage: UsageMeter = new UsageMeter();
  readonly #halt: AbortController = new AbortController();
  #onAbandoned: () => void = () => undefined;
  #error: Error | null = null;
  #scheduleLag: LatencyHistogram = new LatencyHistogram();
  readonly #rssBytes: Map<string, number> = new Map();
  readonly #eventLoopLagNs: Map<string, number> = new Map();
  #brokerDiskBytes: number | null;
  readonly #looks: Look[] = [];
  readonly #generationChunks: number;
  #faults = 0;
  readonly #recovered: Map<number, RecoveredEvent> = new Map();

  private constructor(options: PipelineOptions, at: PipelineAt & { readonly journals: JournalsPlace }) {
    this.#clock = at.clock;
    this.#generationChunks = generationChunks(options);
    this.#journals = at.journals;
    this.#brokerDiskBytes = at.journals.cluster === null ? 0 : null;
    this.#folder = at.dataFolder;
    this.#fleet = new Fleet({
      specs: componentSpecs(options, {
        dataFolder: at.dataFolder,
        endpoint: at.journals.endpoint?.address ?? '',
        cluster: at.journals.cluster,
      }),
      launch: at.launch,
      logsFolder: at.logsFolder,
      clock: at.clock,
      listener: {
        onEvent: (process, event) => this.#onEvent(process, event),
        onPlannedEnd: () => undefined,
        onFailure: (failure) => this.#fail(errorOf(failure)),
      },
    });
  }

  /** Resolves when all processes are ready. The data folder is made here, and removed at the end. */
  static async start(options: PipelineOptions, at: PipelineAt): Promise<Pipeline> {
    makeFoldersSync(at.dataFolder);
    // A member may end before there is a pipeline that could fail.
    const early: string[] = [];
    let onEnded = (line: string): void => void early.push(line);
    const journals = await openJournals(options, at, (line) => onEnded(line));
    const pipeline = new Pipeline(options, { ...at, journals });
    onEnded = (line) => pipeline.#fail(new OperatingError('ERR_BENCH_PROCESS', line));
    for (const line of early) onEnded(line);
    const onAbort = (): void => pipeline.#fail(interruptedError());
    at.signal.addEventListener('abort', onAbort);
    if (at.signal.aborted) onAbort();
    pipeline.#onAbandoned = () => at.signal.removeEventListener('abort', onAbort);
    try {
      await pipeline.#fleet.start(pipeline.#halt.signal);
      pipeline.#check();
      return pipeline;
    } catch (error) {
      await pipeline.abandon();
      throw error;
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#halt.abort();
  }

  #check(): void {
    if (this.#error !== null) throw this.#error;
  }

  #onEvent(process: ComponentProcess, event: ComponentEvent): void {
    switch (event.event) {
      case 'ready': {
        const forgotten = this.#meter.onReady(process.name, event);
        if (forgotten !== null) this.#fail(new ViolationError('state-behind', forgotten.detail));
        return;
      }
      case 'progress': {
        this.#meter.onProgress(process.name, event);
        const lagNs = Math.max(this.#eventLoopLagNs.get(process.name) ?? 0, event.eventLoopLagNsMax ?? 0);
        this.#eventLoopLagNs.set(process.name, lagNs);
        if (event.component === 'broker') this.#brokerDiskBytes = event.diskBytes;
        if (event.component === 'chunker' && typeof event.scheduleLag === 'string') {
          this.#scheduleLag.add(LatencyHistogram.decode(event.scheduleLag));
        }
        return;
      }
      case 'recovered':
        this.#recovered.set(event.fault, event);
        return;
      case 'violation':
        return this.#fail(new ViolationError(event.kind, `${process.name}: ${event.detail}`, event));
      case 'drained':
        this.#meter.onDrained(process.name, event);
        if (event.verifiedTotal !== event.filesCompletedTotal) {
          const { filesCompletedTotal, verifiedTotal } = event;
          const detail = `${process.name} completed ${filesCompletedTotal} files and verified ${verifiedTotal}`;
          this.#fail(new ViolationError('lost', detail));
        }
        return;
      case 'ending':
      case 'stopped':
        return;
      default:
        return event satisfies never;
    }
  }

  /** Waits until it is steady and the journal reuses its pages; or until `msMax` have passed. */
  async warmUp(options: { readonly msMin: number; readonly msMax: number }): Promise<Steadiness> {
    const beginNs = this.#clock.nowNs();
    for (;;) {
      await this.#fleet.refresh();
      const steadiness = this.#lookAtFlow();
      const elapsedMs = (this.#clock.nowNs() - beginNs) / 1e6;
      const isOver = isSteady(steadiness) && steadiness.reusesPages !== false && elapsedMs >= options.msMin;
      if (isOver || elapsedMs >= options.msMax) return steadiness;
      await this.#sleep(Math.min(WARM_UP_LOOK_MS, options.msMax - elapsedMs));
    }
  }

  #lookAtFlow(): Steadiness {
    this.#looks.push({ totals: this.#meter.totals(), diskBytes: this.#brokerDiskBytes });
    return steadinessOf(this.#looks, this.#generationChunks);
  }

  /**
   * Lets the pipeline run for `ms`, or until a sum was verified, and returns what was done meanwhile. No flow at all is
   * an error.
   */
  async window(ms: number): Promise<FlowWindow> {
    await this.#refreshAll();
    const begin = this.#mark();
    this.#meter.phase.reset();
    this.#scheduleLag.reset();
    this.#rssBytes.clear();
    this.#eventLoopLagNs.clear();
    await this.#watch(begin.atNs + ms * 1e6);
    await this.#refreshAll();
    const lastNs = begin.atNs + Math.max(ms, FLOW_MS_MAX) * 1e6;
    while (!hasFlow(totalsBetween(begin.totals, this.#meter.totals()))) {
      if (this.#clock.nowNs() >= lastNs)
        throw new OperatingError('ERR_BENCH_PIPELINE', 'no sum was verified in a minute');
      await this.#watch(this.#clock.nowNs() + LOOK_MS * 1e6);
      await this.#refreshAll();
    }
    const end = this.#mark();
    const { sum, acknowledgement, censoredSums } = this.#meter.phase;
    const flow = { sum, acknowledgement, censoredSums, scheduleLag: this.#scheduleLag };
    const recorded = { ...flow, rssBytes: this.#rssBytes, eventLoopLagNs: this.#eventLoopLagNs };
    const processes = this.#processes.length;
    return flowWindow([begin, end], recorded, { processes, steadiness: this.#lookAtFlow() });
  }

  /** Counts that are not current belong to another window. */
  async #refreshAll(): Promise<void> {
    const isAnswered = await this.#fleet.refresh({ timeoutMs: ANSWER_MS_MAX, signal: this.#halt.signal });
    this.#check();
    if (!isAnswered) {
      throw new OperatingError(
        'ERR_BENCH_PIPELINE',
        `a process did not report its progress within ${ANSWER_MS_MAX / 1e3} s`,
      );
    }
  }

  /** Looks at what the processes use, until `endNs`. */
  async #watch(endNs: number): Promise<void> {
    for (;;) {
      const leftMs = (endNs - this.#clock.nowNs()) / 1e6;
      if (leftMs <= 0) return;
      await this.#sleep(Math.min(LOOK_MS, leftMs));
      this.#look();
    }
  }

  /** Reads what the processes use. */
  #look(): void {
    for (const [name, { rssBytes }] of this.#usage.read(this.#processes)) {
      if (rssBytes !== null) this.#rssBytes.set(name, Math.max(rssBytes, this.#rssBytes.get(name) ?? 0));
    }
  }

  /** Of the fleet and of the cluster. */
  get #processes(): readonly { readonly name: string; readonly pid: number | null }[] {
    return [...this.#fleet.processes, ...(this.#journals.cluster?.members ?? [])];
  }

  #mark(): Mark {
    this.#look();
    return {
      atNs: this.#clock.nowNs(),
      totals: this.#meter.totals(),
      batchesUnderWay: this.#meter.batchesUnderWay(),
      cpuSeconds: this.#usage.total('cpuSeconds'),
      writtenBytes: this.#usage.total('writtenBytes'),
      brokerDiskBytes: this.#brokerDiskBytes,
    };
  }

  /**
   * Kills a process by SIGKILL, and waits until it is ready again and a sum is verified whose file's end was intended
   * after the kill. Resolves to the seconds from the kill to that sum. `broker`: of a cluster, one of its brokers.
   */
  async killAndRecover(name: string): Promise<number> {
    const { cluster } = this.#journals;
    const process = cluster !== null && name === 'broker' ? null : this.#fleet.named(name);
    this.#faults += 1;
    const fault = this.#faults;
    const sinceNs = this.#clock.nowNs();
    for (const chunker of this.#fleet.of('chunker')) {
      chunker.send({ command: 'watch', fault, sinceNs, partitions: null });
    }
    const killed = process?.pid ?? null;
    if (process === null) await cluster?.killBroker();
    else this.#fleet.kill(process);
    // Until its end is seen, a killed process seems to be ready.
    const isBack = (): boolean => process === null || process.pid !== killed;
    const recovered = (): boolean => this.#recovered.has(fault) && isBack() && this.#fleet.isWhole();
    await this.#until(recovered, RECOVERY_MS_MAX, `no sum was verified after ${name} was killed`);
    return ((this.#recovered.get(fault)?.verifiedNs ?? Number.NaN) - sinceNs) / 1e9;
  }

  /** Drains and stops everything. Throws when a sum is missing, or a process does not end as it should. */
  async end(): Promise<void> {
    try {
      const chunkers = this.#fleet.of('chunker');
      for (const chunker of chunkers) {
        chunker.ask('drain');
        chunker.send({ command: 'drain' });
      }
      const ended = (): boolean => chunkers.every(({ state }) => state === 'down');
      await this.#until(ended, DRAIN_MS_MAX, 'the chunkers did not drain');
      for (const component of ['summer', 'broker'] as const) {
        const hung = await this.#fleet.stop(this.#fleet.of(component));
        if (hung.length > 0) throw new OperatingError('ERR_BENCH_PROCESS', `${hung.join(', ')} did not stop`);
      }
      this.#check();
    } finally {
      await this.abandon();
    }
  }

  /** Ends what still runs, and removes the data. */
  async abandon(): Promise<void> {
    this.#onAbandoned();
    await this.#fleet.abandon(true);
    await this.#journals.cluster?.stop();
    await this.#journals.endpoint?.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #sleep(ms: number): Promise<void> {
    await delay(this.#clock, ms, this.#halt.signal);
    this.#check();
  }

  async #until(condition: () => boolean, timeoutMs: number, otherwise: string): Promise<void> {
    const isMet = await until(condition, { clock: this.#clock, timeoutMs, signal: this.#halt.signal });
    this.#check();
    if (!isMet) throw new OperatingError('ERR_BENCH_PIPELINE', `${otherwise} within ${timeoutMs / 1e3} s`);
  }
}

type JournalsPlace =
  | { readonly endpoint: Endpoint; readonly cluster: null }
  | { readonly endpoint: null; readonly cluster: StartedCluster };

async function openJournals(
  options: PipelineOptions,
  { dataFolder, logsFolder, startCluster }: PipelineAt,
  onEnded: (line: string) => void,
): Promise<JournalsPlace> {
  if (startCluster === null) return { endpoint: await chooseEndpoint('ipc', dataFolder), cluster: null };
  makeFoldersSync(logsFolder);
  const { partitions, summers, chunkers } = options;
  const clients = [...namesOf('summer', summers), ...namesOf('chunker', chunkers)];
  return { endpoint: null, cluster: await startCluster({ partitions, dataFolder, logsFolder, clients, onEnded }) };
}

function namesOf(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${kind}-${at}`);
}

/** Without a verified sum for so long, a pipeline does not flow. */
const FLOW_MS_MAX = 60_000;

function hasFlow({ chunksPublished, sumsVerified }: Totals): boolean {
  return chunksPublished > 0 && sumsVerified > 0;
}

const WARM_UP_LOOK_MS = 500;

function errorOf({ process, what, lastLogLines }: Failure): OperatingError {
  return new OperatingError('ERR_BENCH_PROCESS', [`${process}: ${what}`, ...lastLogLines].join('; '));
}
