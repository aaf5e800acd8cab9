/**
 * One soak from its start to its verdict: owns the processes, leads them through the phases, injects the faults, and
 * records what happens while it happens.
 *
 * A violation or a failed process ends the run at once, gracefully for the others; the first interrupt goes on with the
 * drain, the second one ends everything. Whatever happens, no process is left and the folder says what was seen.
 */

import type { ComponentEvent, DrainedEvent } from '../../src/component/protocol.ts';
import { unreachable } from '../../src/core/assert.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import type { ComponentProcess } from '../../src/fleet/component-process.ts';
import { componentSpecs } from '../../src/fleet/component-specs.ts';
import type { ConductorOptions } from './conductor-options.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { FaultInjector } from './faults/injector.ts';
import { LiveFaults } from './faults/live-faults.ts';
import { AUDITOR_LINK } from './faults/relay/relayed-links.ts';
import { Fleet, READY_MS_MAX, STOP_MS_MAX } from '../../src/fleet/fleet.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { Meter } from '../../src/fleet/meter.ts';
import { untilDrained } from './drain.ts';
import { Interruption } from './interruption.ts';
import { LiveAudit } from './audit/live-audit.ts';
import { ownFailure } from './own-failure.ts';
import { auditDepthOf } from './audit-depth.ts';
import { planPhases } from './phases.ts';
import type { Phase } from '../guarantee/phase.ts';
import { type PhaseOutcome, SELF, Sampler } from './sampler.ts';
import type { ChunkerEnd, RecordedViolation, RunEvidence } from '../guarantee/verdict.ts';
import { violationLine } from '../guarantee/verdict.ts';
import { sleepUntil, until } from '../../src/fleet/waiting.ts';

/** A drain in which nothing has moved for the SLA and this is given up. */
const DRAIN_MARGIN_MS = 30_000;
/** Violations beyond these are counted, and written to violations.csv, but not held. */
const VIOLATIONS_HELD = 20;

/** What was seen of a run. */
export type RunOutcome = {
  readonly evidence: RunEvidence;
  readonly outcomes: ReadonlyMap<Phase, PhaseOutcome>;
  readonly injector: FaultInjector;
  readonly meter: Meter;
  /** How it was audited, in one line. */
  readonly audit: string;
};

export class Conductor {
  readonly #from: ConductorOptions;
  readonly #fleet: Fleet;
  readonly #meter: Meter = new Meter();
  readonly #faults: LiveFaults;
  readonly #sampler: Sampler;
  readonly #live: LiveAudit;
  readonly #interruption: Interruption;
  readonly #ended: AbortController = new AbortController();
  readonly #outcomes: Map<Phase, PhaseOutcome> = new Map();
  readonly #violations: RecordedViolation[] = [];
  #violationCount = 0;
  readonly #failures: Failure[] = [];
  readonly #crashes: Failure[] = [];
  readonly #unproven: string[] = [];
  readonly #drained: Map<string, DrainedEvent> = new Map();
  #draining = false;
  /** Until all processes were ready, in seconds: no part of the warm-up in which something could flow. */
  #startSeconds = Number.POSITIVE_INFINITY;
  /** An error of this very process, which ends the run. */
  #error: unknown = null;

  constructor(from: ConductorOptions) {
    this.#from = from;
    const { clock, record, options, dataFolder, endpoint, startNs, decorations = {} } = from;
    this.#interruption = new Interruption({ clock, display: from.display });
    const { links } = from;
    const connectOf = links === null ? {} : { connectOf: (name: string) => links.endpointOf(name) };
    const specs = componentSpecs(options, { dataFolder, endpoint, ...connectOf });
    this.#live = new LiveAudit({
      ...from,
      endpoint: links?.endpointOf(AUDITOR_LINK) ?? endpoint,
      specs,
      listeners: [(entry) => from.flightRecorder.add(entry)],
      signal: this.#interruption.halted,
      onViolation: (violation) => this.#onViolation(violation),
      onError: (error) => this.#fail(error),
    });
    this.#fleet = new Fleet({
      specs,
      launch: from.launch,
      logsFolder: from.logsFolder,
      clock,
      listener: {
        onEvent: (process, event) =>
          this.#guard(() => {
            for (const heard of decorations.heard?.(process.name, event) ?? [event]) this.#onEvent(process, heard);
          }),
        onPlannedEnd: ({ name }, { pid, code, signal }) => {
          if (decorations.exits?.(name) === false) return;
          this.#injector.onExit({ name, pid, code, signal, nowNs: clock.nowNs() });
        },
        onCrashed: (crash) => {
          this.#crashes.push(crash);
          from.display.say(`${crash.process}: ${crash.what}`);
        },
        onFailure: (failure) => this.onFailure(failure),
        ...this.#live.listener,
      },
    });
    this.#faults = new LiveFaults({
      ...from,
      options: { ...options, isFollowed: auditDepthOf(options).depth === 'follow' },
      fleet: this.#fleet,
      onSettled: (fault) => record.faultSettled(fault),
      decorations,
    });
    this.#sampler = new Sampler({
      fleet: this.#fleet,
      meter: this.#meter,
      decorations,
      record,
      clock,
      dataFolder,
      startNs,
      violationCount: () => this.#violationCount,
    });
  }

  get #injector(): FaultInjector {
    return this.#faults.injector;
  }

  /** The user wants to end: first with a drain and a verdict, then at once. */
  interrupt(signal: InterruptSignal): void {
    this.#interruption.interrupt(signal);
  }

  /**
   * Runs all of it. An error that this process itself ran into is a failure of the run, beside what was found until
   * then.
   */
  async run(): Promise<RunOutcome> {
    const ticking = this.#tick().catch((error: unknown) => this.#fail(error));
    const watching = this.#faults.watch(this.#ended.signal).catch((error: unknown) => this.#fail(error));
    try {
      await this.#lead();
    } catch (error) {
      this.#fail(error);
    }
    this.#injector.healAll(this.#from.clock.nowNs());
    const hung = await this.#fleet.abandon(this.#interruption.kind === 'at once' || this.#error !== null);
    for (const name of hung) this.#unproven.push(`${name} did not end by itself and was killed`);
    this.#ended.abort();
    this.#interruption.close();
    this.#live.finish();
    await ticking;
    await watching;
    if (this.#error !== null) this.#failures.push(ownFailure(this.#error));
    for (const { name } of this.#fleet.of('chunker')) {
      if (!this.#drained.has(name)) this.#meter.censorUnfinished(name);
    }
    await this.#enter(this.#sampler.phase);
    if (!this.#interruption.halted.aborted) this.#unproven.push(...this.#injector.unrecovered());
    this.#injector.settle(this.#from.clock.nowNs(), true);
    return {
      evidence: this.#evidence(),
      outcomes: this.#outcomes,
      injector: this.#injector,
      meter: this.#meter,
      audit: this.#live.description,
    };
  }

  #fail(error: unknown): void {
    if (error instanceof ViolationError) {
      const { kind, message: detail, witness } = error;
      return this.#onViolation({ process: SELF, kind, detail, ...witness });
    }
    this.#error ??= error;
    this.#interruption.halt();
  }

  /** Events arrive outside of `run`: what they throw is kept for it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #lead(): Promise<void> {
    const { clock, options, startNs } = this.#from;
    if (!(await this.#fleet.start(this.#interruption.halted))) return this.#interruption.halt();
    this.#startSeconds = (clock.nowNs() - startNs) / 1e9;
    for (const { phase, durationMs } of planPhases(options)) {
      if (this.#interruption.early.aborted) break;
      if (phase !== this.#sampler.phase) await this.#enter(phase);
      const endNs = clock.nowNs() + durationMs * 1e6;
      if (phase === 'faults') {
        const unproven = await this.#faults.inject(durationMs, this.#interruption.early);
        if (unproven !== null) this.#unproven.push(unproven);
      }
      await sleepUntil(clock, endNs, this.#interruption.early);
    }
    if (this.#injector.injectedCount > 0) await this.#heal();
    if (!this.#interruption.halted.aborted) await this.#drain();
    if (!this.#interruption.halted.aborted) await this.#audit();
    if (!this.#interruption.halted.aborted) await this.#stop();
  }

  async #enter(phase: Phase): Promise<void> {
    const outcome = await this.#sampler.enter(phase);
    this.#outcomes.set(outcome.phase, outcome);
    if (outcome.phase !== phase) this.#live.onPhase(phase);
  }

  /** Everything is up, and sums whose last chunk came after each fault are verified. */
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
      this.#unproven.push(`${chunker.name} did not drain: ${why}`);
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
    const producers = this.#fleet.of('chunker').flatMap(({ name: process }) => {
      const drained = this.#drained.get(process);
      const producer = this.#meter.producerOf(process);
      if (drained === undefined || producer === null) return [];
      const { verifiedTotal, filesCompletedTotal } = drained;
      return [{ process, producer, verifiedTotal, filesCompletedTotal }];
    });
    try {
      const found = await audit({ endpoint, dataFolder, options, producers, signal: this.#interruption.halted });
      for (const violation of found) this.#onViolation(violation);
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      this.#unproven.push(`the audit could not be made: ${error.message}`);
    }
  }

  /** The summers first: they report to the broker as they end. */
  async #stop(): Promise<void> {
    for (const component of ['summer', 'broker'] as const) {
      for (const name of await this.#fleet.stop(this.#fleet.of(component))) {
        this.#unproven.push(`${name} did not stop within ${STOP_MS_MAX / 1e3} s of SIGTERM and was killed`);
      }
      if (component === 'summer') await this.#live.readToEnd();
    }
  }

  async #tick(): Promise<void> {
    const { clock, display, options, record, startNs } = this.#from;
    for (let second = 1; !this.#ended.signal.aborted; second += 1) {
      // After a pause of this process the seconds that passed are one interval.
      second = Math.max(second, Math.ceil((clock.nowNs() - startNs) / 1e9));
      await sleepUntil(clock, startNs + second * 1e9, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const status = await this.#sampler.sample();
      this.#injector.settle(clock.nowNs());
      record.openFaults(this.#injector.openRecords());
      this.#fleet.checkAlive();
      display.update({
        ...status,
        durationMs: options.durationMs,
        offered: options.rate,
        faults: this.#injector.injectedCount,
        violations: this.#violationCount,
      });
    }
  }

  #onEvent(process: ComponentProcess, event: ComponentEvent): void {
    const nowNs = this.#from.clock.nowNs();
    this.#live.onEvent(process.name, event);
    this.#injector.onHeard(process.name, nowNs);
    switch (event.event) {
      case 'ready': {
        const forgotten = this.#meter.onReady(process.name, event);
        if (forgotten !== null) this.#onViolation({ ...forgotten, kind: 'state-behind' });
        this.#injector.onReady({ name: process.name, pid: event.pid, nowNs });
        if (this.#draining && process.spec.component === 'chunker') this.#askToDrain(process);
        return;
      }
      case 'progress':
        return this.#meter.onProgress(process.name, event);
      case 'recovered':
        return this.#injector.onRecovered(process.name, event, nowNs);
      case 'violation': {
        const { event: _, ...violation } = event;
        return this.#onViolation({ process: process.name, ...violation });
      }
      case 'drained':
        this.#drained.set(process.name, event);
        return this.#meter.onDrained(process.name, event);
      case 'ending':
      case 'stopped':
        return;
      default:
        unreachable(event);
    }
  }

  #onViolation(violation: RecordedViolation): void {
    this.#violationCount += 1;
    if (this.#violations.length < VIOLATIONS_HELD) {
      this.#violations.push(violation);
      this.#from.display.say(`violation: ${violationLine(violation)}`);
    }
    this.#from.record.violation(violation, this.#from.clock.nowNs());
    this.#interruption.halt();
  }

  /** A process of the run has failed. */
  onFailure(failure: Failure): void {
    this.#failures.push(failure);
    this.#interruption.halt();
  }

  #evidence(): RunEvidence {
    const phases = [...this.#outcomes.values()].map(({ phase, window }) => ({
      phase,
      seconds: window.seconds - (phase === 'warm-up' ? this.#startSeconds : 0),
      chunksPublished: window.counts.chunksPublished,
      sumsVerified: window.counts.sumsVerified,
    }));
    return {
      violations: this.#violations,
      violationCount: this.#violationCount,
      failures: this.#failures,
      crashes: this.#crashes,
      interrupted: this.#interruption.kind,
      phases: phases.filter(({ phase }) => phase !== 'drain' && phase !== 'audit'),
      sumsVerified: this.#meter.totals().sumsVerified,
      sumsSampled: [...this.#outcomes.values()].reduce((sums, { window }) => sums + window.counts.sumsVerified, 0),
      faultsAsked: this.#from.faults,
      faults: this.#injector.tallies,
      chunkers: this.#fleet.of('chunker').map(
        ({ name }): ChunkerEnd => ({
          process: name,
          drained: this.#drained.get(name) ?? null,
          sumsOutstanding: this.#meter.sumsOutstandingOf(name),
        }),
      ),
      unproven: [...this.#unproven, ...this.#live.unproven],
    };
  }
}
