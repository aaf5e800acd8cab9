/**
 * One soak from its start to its end. The conductor owns the processes, leads them through the phases, injects the
 * faults, and writes everything into the log as it happens. The checkers of that log decide what the run has shown.
 *
 * A violation or a failed process ends the run at once, gracefully for the other processes. The first interrupt
 * continues with the drain; the second one ends everything. Whatever happens, no process is left, and the folder says
 * what was seen.
 */

import type { ComponentEvent } from '../../src/component/protocol.ts';
import { unreachable } from '../../src/core/assert.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import type { ComponentProcess } from '../../src/fleet/component-process.ts';
import { componentSpecs } from '../../src/fleet/component-specs.ts';
import type { ConductorOptions } from './conductor-options.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import { seenReady } from './faults/actions/action.ts';
import type { LabListener } from './faults/cluster/lab.ts';
import type { FaultInjector } from './faults/injector.ts';
import { LiveFaults } from './faults/live-faults.ts';
import { SumGaps } from './faults/sum-gaps.ts';
import { AUDITOR_LINK } from './faults/relay/relayed-links.ts';
import { Fleet, type FleetListener, READY_MS_MAX, STOP_MS_MAX } from '../../src/fleet/fleet.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { Meter } from '../../src/fleet/meter.ts';
import { untilDrained } from './drain.ts';
import { Interruption } from './interruption.ts';
import { LiveAudit } from './audit/live-audit.ts';
import { ownFailure } from './own-failure.ts';
import { auditDepthOf } from './audit-depth.ts';
import { timedPhases } from './phases.ts';
import { FaultOverlaps } from '../guarantee/fault-overlaps.ts';
import { FaultTallies } from '../guarantee/fault-tallies.ts';
import type { HistoryLog } from '../guarantee/history-log.ts';
import type { Phase } from '../guarantee/phase.ts';
import type { RunOutcome } from './run-outcome.ts';
import { ViolationReader, meterReader } from './log-readers.ts';
import { ExperimentReader } from './experiment.ts';
import { type PhaseOutcome, SELF, Sampler } from './sampler.ts';
import { beginLog } from './soak-log.ts';
import { sleepUntil, until } from '../../src/fleet/waiting.ts';

/** A drain in which nothing has moved for the SLA plus this time is given up. */
const DRAIN_MARGIN_MS = 30_000;

export class Conductor {
  readonly #from: ConductorOptions;
  readonly #fleet: Fleet;
  readonly #meter: Meter = new Meter();
  readonly #faults: LiveFaults;
  readonly #sampler: Sampler;
  readonly #live: LiveAudit;
  readonly #interruption: Interruption;
  readonly #history: HistoryLog;
  readonly #tallies: FaultTallies = new FaultTallies();
  readonly #overlaps: FaultOverlaps = new FaultOverlaps();
  readonly #violations: ViolationReader;
  readonly #experiment: ExperimentReader;
  /** Faults that had not healed or recovered when the processes were told to stop; null before that. */
  #unrecovered: readonly string[] | null = null;
  readonly #ended: AbortController = new AbortController();
  readonly #outcomes: Map<Phase, PhaseOutcome> = new Map();
  #draining = false;
  /** An error of this process, which ends the run. */
  #error: unknown = null;

  constructor(from: ConductorOptions) {
    this.#from = from;
    const { clock, files, options, dataFolder, endpoint, startNs, decorations = {} } = from;
    const { links } = from;
    const connectOf = links === null ? {} : { connectOf: (name: string) => links.endpointOf(name) };
    const specs = componentSpecs(options, { dataFolder, endpoint, cluster: from.engine, ...connectOf });
    const gaps = new SumGaps(from.flightRecorder.reader);
    this.#interruption = new Interruption({
      clock,
      display: from.display,
      onInterrupted: (how) => this.#history.record({ event: 'interrupted', how }),
    });
    this.#interruption.halted.addEventListener('abort', () => this.#history.record({ event: 'halted' }));
    this.#violations = new ViolationReader({ ...from, onViolation: () => this.#interruption.halt() });
    this.#experiment = new ExperimentReader({ startNs, options, display: from.display });
    this.#history = beginLog({
      ...from,
      specs,
      reader: from.flightRecorder.reader,
      listeners: [
        (entry) => from.flightRecorder.add(entry),
        (entry) => from.wholeRecorder?.add(entry),
        meterReader(this.#meter),
        ({ event }) => this.#tallies.add(event),
        ({ event }) => this.#overlaps.add(event),
        this.#violations.listen,
        this.#experiment.listen,
        (entry) => gaps.hear(entry),
        (entry) => from.resources.hear(entry),
        (entry) => from.metrics?.hear(entry),
      ],
    });
    this.#live = new LiveAudit({
      ...from,
      endpoint: links?.endpointOf(AUDITOR_LINK) ?? endpoint,
      specs,
      signal: this.#interruption.halted,
      record: (happening) => this.#history.record(happening),
      onError: (error) => this.#fail(error),
    });
    const { launch, older, logsFolder, pages } = from;
    const firstLaunch = older ?? launch;
    const environmentOf = (name: string): Readonly<Record<string, string>> => pages?.environmentOf(name) ?? {};
    const listener = this.#ears();
    this.#fleet = new Fleet({ specs, launch, firstLaunch, logsFolder, clock, listener, environmentOf });
    this.#faults = new LiveFaults({
      ...from,
      options: { ...options, isFollowed: auditDepthOf(options).depth === 'follow' },
      fleet: this.#fleet,
      lab: from.engine?.lab ?? null,
      repeatedRecords: () => from.flightRecorder.reader.repeatedRecords,
      builds: older === null ? null : { older, newer: launch },
      record: (happening) => this.#history.record(happening),
      producerOf: (name) => this.#meter.producerOf(name),
      onRetired: (name, producer) => this.#live.onRetired(name, producer),
      onUnfinished: (what) => this.#doubt(what),
      gaps,
      onSettled: (fault) => files.faultSettled(fault),
      decorations,
    });
    this.#sampler = new Sampler({
      fleet: this.#fleet,
      meter: this.#meter,
      decorations,
      files,
      resources: from.resources,
      metrics: from.metrics,
      clock,
      dataFolder,
      startNs,
      violationCount: () => this.#violations.count,
    });
  }

  get #injector(): FaultInjector {
    return this.#faults.injector;
  }

  /** What the conductor hears from the fleet. */
  #ears(): FleetListener {
    const { clock, decorations = {} } = this.#from;
    return {
      onEvent: (process, event) =>
        this.#guard(() => {
          for (const heard of decorations.heard?.(process.name, event) ?? [event]) this.#onEvent(process, heard);
        }),
      onExit: ({ name: process }, { code, signal }) =>
        this.#history.record({ event: 'ended', process, exitCode: signal === null ? code : null }),
      onPlannedEnd: ({ name }, { pid, code, signal }) => {
        if (decorations.exits?.(name) === false) return;
        this.#injector.onExit({ name, pid, code, signal, nowNs: clock.nowNs() });
      },
      onCrashed: (crash) => this.#history.record({ event: 'crashed', ...crash }),
      onFailure: (failure) => this.onFailure(failure),
      ...this.#live.listener,
    };
  }

  /** What the conductor hears from the members of its cluster. */
  #membersEars(): LabListener {
    const { clock } = this.#from;
    return {
      onExit: (exit) => this.#guard(() => this.#injector.onExit({ ...exit, nowNs: clock.nowNs() })),
      onReady: (member) => this.#guard(() => this.#injector.onReady({ ...member, nowNs: clock.nowNs() })),
      onAnswer: (name) => this.#guard(() => this.#injector.onHeard(name, clock.nowNs())),
    };
  }

  /** The user wants to end: the first time with a drain and a verdict, the second time at once. */
  interrupt(signal: InterruptSignal): void {
    this.#interruption.interrupt(signal);
  }

  /** Runs the whole soak. An error of this process is a failure of the run, beside what was found until then. */
  async run(): Promise<RunOutcome> {
    this.#from.engine?.lab?.watch(this.#membersEars());
    const ticking = this.#tick().catch((error: unknown) => this.#fail(error));
    const watching = this.#faults.watch(this.#ended.signal).catch((error: unknown) => this.#fail(error));
    try {
      await this.#lead();
    } catch (error) {
      this.#fail(error);
    }
    this.#injector.healAll(this.#from.clock.nowNs());
    const hung = await this.#fleet.abandon(this.#interruption.kind === 'at once' || this.#error !== null);
    for (const process of hung) this.#doubt(`${process} did not end by itself and was killed`, process);
    this.#ended.abort();
    this.#interruption.close();
    this.#live.close();
    await ticking;
    await watching;
    if (this.#error !== null) this.#history.record({ event: 'failed', ...ownFailure(this.#error) });
    for (const { name } of this.#fleet.of('chunker')) {
      if (this.#meter.drainedOf(name) === null) this.#meter.censorUnfinished(name);
    }
    await this.#enter(this.#sampler.phase);
    if (!this.#interruption.halted.aborted)
      for (const reason of this.#unrecovered ?? this.#injector.unrecovered()) this.#doubt(reason);
    this.#injector.settle(this.#from.clock.nowNs(), true);
    for (const doubt of this.#faults.pageDoubts) this.#doubt(doubt);
    for (const leak of this.#from.resources.leaks()) this.#history.record({ event: 'violation', ...leak });
    this.#history.end();
    return {
      findings: this.#history.finish(),
      violationCount: this.#violations.count,
      tallies: this.#tallies,
      overlaps: this.#overlaps,
      outcomes: this.#outcomes,
      injector: this.#injector,
      moments: this.#from.pages === null ? null : this.#faults.moments.coverage,
      meter: this.#meter,
      audit: this.#live.description,
    };
  }

  /** Something that should have been shown was not. `process`: the process that had to be killed. */
  #doubt(reason: string, process?: string): void {
    this.#history.record({ event: 'doubt', reason, ...(process === undefined ? {} : { process }) });
  }

  /** A process of the run has failed. */
  onFailure(failure: Failure): void {
    this.#history.record({ event: 'failed', ...failure });
    this.#interruption.halt();
  }

  #fail(error: unknown): void {
    if (error instanceof ViolationError) {
      const { kind, message: detail, witness } = error;
      this.#history.record({ event: 'violation', process: SELF, kind, detail, ...witness });
      return;
    }
    this.#error ??= error;
    this.#interruption.halt();
  }

  /** Events arrive outside of `run`, so their errors are kept for it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #lead(): Promise<void> {
    const { clock, options } = this.#from;
    if (!(await this.#fleet.start(this.#interruption.halted))) return this.#interruption.halt();
    this.#history.record({ event: 'up' });
    for (const { phase, durationMs } of timedPhases(options)) {
      if (this.#interruption.early.aborted) break;
      if (phase !== this.#sampler.phase) await this.#enter(phase);
      const endNs = clock.nowNs() + durationMs * 1e6;
      if (phase === 'faults') await this.#injectFaults(durationMs);
      await sleepUntil(clock, endNs, this.#interruption.early);
    }
    if (this.#injector.injectedCount > 0) await this.#heal();
    if (!this.#interruption.halted.aborted) await this.#drain();
    if (!this.#interruption.halted.aborted) await this.#audit();
    // Stopping continues stopped processes. A fault that heals only then was never seen to heal.
    this.#unrecovered = this.#injector.unrecovered();
    if (!this.#interruption.halted.aborted) await this.#stop();
  }

  async #enter(phase: Phase): Promise<void> {
    const outcome = await this.#sampler.enter(phase);
    this.#outcomes.set(outcome.phase, outcome);
    const { seconds, counts } = outcome.window;
    const { chunksPublished, sumsVerified } = counts;
    this.#history.record({ event: 'flowed', phase: outcome.phase, seconds, chunksPublished, sumsVerified });
    if (outcome.phase !== phase) this.#history.record({ event: 'phase', phase });
  }

  async #injectFaults(lengthMs: number): Promise<void> {
    const unproven = await this.#faults.inject(lengthMs, this.#interruption.early);
    if (unproven !== null) this.#doubt(unproven);
    // A fault that found no target was also due.
    const count = this.#injector.injectedCount + (unproven === null ? 0 : 1);
    this.#history.record({ event: 'faults-due', count });
  }

  /** Waits until everything is up, and until sums are verified whose last chunk came after each fault. */
  async #heal(): Promise<void> {
    const { clock, options } = this.#from;
    if (this.#sampler.phase !== 'heal') await this.#enter('heal');
    const healed = (): boolean => this.#fleet.isWhole() && this.#injector.isRecovered();
    const timeoutMs = this.#from.patienceMs ?? READY_MS_MAX + options.slaMs;
    await until(healed, { clock, timeoutMs, signal: this.#interruption.halted });
  }

  async #drain(): Promise<void> {
    const { clock, options, drainMsMax } = this.#from;
    await this.#enter('drain');
    this.#draining = true;
    const chunkers = this.#fleet.of('chunker');
    this.#live.beforeDrain(chunkers.map(({ name }) => name));
    for (const chunker of chunkers) this.#askToDrain(chunker);
    const signal = this.#interruption.halted;
    const why = await untilDrained({
      isOver: () => chunkers.every(({ state }) => state === 'down'),
      progress: () => {
        const { chunksPublished, chunksFolded, sumsVerified } = this.#meter.totals();
        return chunksPublished + chunksFolded + sumsVerified + chunkers.filter(({ state }) => state === 'down').length;
      },
      clock,
      stallMs: this.#from.patienceMs ?? options.slaMs + DRAIN_MARGIN_MS,
      drainMsMax,
      signal,
    });
    if (why === null || signal.aborted) return;
    for (const chunker of chunkers.filter(({ state }) => state !== 'down')) {
      this.#doubt(`${chunker.name} did not drain: ${why}`);
    }
  }

  #askToDrain(chunker: ComponentProcess): void {
    chunker.ask('drain');
    chunker.send({ command: 'drain' });
  }

  async #audit(): Promise<void> {
    const { endpoint, dataFolder, options, decorations } = this.#from;
    const audit = this.#from.audit && (decorations?.audit?.(this.#from.audit) ?? this.#from.audit);
    if (audit === null || auditDepthOf(options).depth === 'none') return;
    await this.#enter('audit');
    try {
      const signal = this.#interruption.halted;
      const found = await audit({ endpoint, dataFolder, options, ...this.#live.audited, signal });
      for (const violation of found) this.#history.record({ event: 'violation', ...violation });
      this.#history.record({ event: 'audited' });
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      this.#history.record({ event: 'audited', error: error.message });
    }
  }

  /** The summers stop first, because they report to the broker as they end. */
  async #stop(): Promise<void> {
    for (const component of ['summer', 'broker'] as const) {
      for (const name of await this.#fleet.stop(this.#fleet.of(component))) {
        this.#doubt(`${name} did not stop within ${STOP_MS_MAX / 1e3} s of SIGTERM and was killed`, name);
      }
      if (component === 'summer') await this.#live.readToEnd();
    }
  }

  async #tick(): Promise<void> {
    const { clock, display, files, startNs } = this.#from;
    for (let second = 1; !this.#ended.signal.aborted; second += 1) {
      // After a pause of this process the seconds that passed are one interval.
      second = Math.max(second, Math.ceil((clock.nowNs() - startNs) / 1e9));
      await sleepUntil(clock, startNs + second * 1e9, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const status = await this.#sampler.sample();
      this.#injector.settle(clock.nowNs());
      files.openFaults(this.#injector.openOutcomes());
      this.#fleet.checkAlive();
      display.update({
        ...status,
        ...this.#experiment.status(clock.nowNs()),
        violations: this.#violations.count,
      });
    }
  }

  #onEvent(process: ComponentProcess, event: ComponentEvent): void {
    const { name } = process;
    const nowNs = this.#from.clock.nowNs();
    this.#history.record({ event: 'said', process: name, said: event });
    this.#live.onEvent(name, event);
    this.#injector.onHeard(name, nowNs);
    switch (event.event) {
      case 'ready':
        this.#injector.onReady(seenReady(name, event, nowNs));
        if (this.#draining && process.spec.component === 'chunker') this.#askToDrain(process);
        return;
      case 'recovered':
        return this.#injector.onRecovered(name, event, nowNs);
      case 'violation':
        this.#history.record({ process: name, ...event });
        return;
      case 'progress':
        return this.#faults.onProgress(name, process.pid, event);
      case 'drained':
      case 'ending':
      case 'stopped':
        return;
      default:
        unreachable(event);
    }
  }
}
