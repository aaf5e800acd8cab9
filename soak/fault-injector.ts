/**
 * Faults from their plan to their recovery. A fault is injected when its targets are ready, proven by their exit signal,
 * healed when all of them are ready again, and recovered at the first verified sum of an affected partition (of the
 * chunker itself when a chunker was killed) whose last chunk was intended after the fault.
 */

import type { ComponentProcess } from '../src/process/component-process.ts';
import type { ComponentCommand, RecoveredEvent } from '../src/process/component-protocol.ts';
import type { Fleet } from '../src/process/fleet.ts';
import { LatencyHistogram } from '../src/measure/histogram.ts';
import { FAULT_KINDS, type FaultKind, type PlannedFault } from './fault-schedule.ts';
import type { FaultTally } from './verdict.ts';

/** A row of faults.csv, times in nanoseconds of the clock. */
export type FaultRecord = {
  readonly id: number;
  readonly kind: FaultKind;
  readonly target: string;
  readonly plannedNs: number;
  readonly injectedNs: number;
  readonly provenNs: number | null;
  readonly healedNs: number | null;
  readonly recoveredNs: number | null;
  readonly evidence: string;
};

/** What the injector needs of a process. */
export type FaultTarget = {
  readonly name: string;
  readonly partitions: readonly number[];
  readonly pid: number | null;
  readonly ready: boolean;
  kill(): void;
  send(command: ComponentCommand): void;
};

export type FaultTargets = {
  named(name: string): FaultTarget;
  readonly chunkers: readonly FaultTarget[];
};

/** Answers of other chunkers are waited for this long after the first one, then the earliest counts. */
const ANSWERS_NS = 1e9;
/** A fault is not injected while so many have not recovered. */
export const OPEN_FAULTS_MAX: number = 64;

type OpenFault = {
  readonly plan: PlannedFault;
  readonly plannedNs: number;
  readonly injectedNs: number;
  readonly watch: ComponentCommand;
  /** Chunkers that were asked, or are to be when they are ready, and have not answered. */
  readonly waitingFor: Set<string>;
  /** Pids at the injection, by name. */
  readonly pids: ReadonlyMap<string, number | null>;
  /** Names of the targets whose exit has not been seen. */
  readonly alive: Set<string>;
  /** Pids after the restart. */
  readonly restarted: Map<string, number | null>;
  provenNs: number | null;
  healedNs: number | null;
  recoveredNs: number | null;
  settleNs: number | null;
};

export class FaultInjector {
  readonly #targets: FaultTargets;
  readonly #onSettled: (record: FaultRecord) => void;
  readonly #open: Map<number, OpenFault> = new Map();
  readonly tallies: Map<FaultKind, FaultTally> = new Map();
  /** Injection to recovery, by kind, of the settled faults. */
  readonly recovery: Map<FaultKind, LatencyHistogram> = new Map(
    FAULT_KINDS.map((kind) => [kind, new LatencyHistogram()]),
  );

  constructor(options: { readonly targets: FaultTargets; readonly onSettled: (record: FaultRecord) => void }) {
    this.#targets = options.targets;
    this.#onSettled = options.onSettled;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get injectedCount(): number {
    return [...this.tallies.values()].reduce((total, tally) => total + tally.injected, 0);
  }

  /** Whether `inject` may be called for it now. */
  canInject(plan: PlannedFault): boolean {
    return this.#open.size < OPEN_FAULTS_MAX && plan.targets.every((name) => this.#targets.named(name).ready);
  }

  inject(plan: PlannedFault, times: { readonly plannedNs: number; readonly nowNs: number }): void {
    const targets = plan.targets.map((name) => this.#targets.named(name));
    const ofChunker = plan.kind === 'kill-chunker';
    const partitions = targets.flatMap((target) => target.partitions);
    const chunkers = this.#targets.chunkers;
    const fault: OpenFault = {
      plan,
      plannedNs: times.plannedNs,
      injectedNs: times.nowNs,
      watch: {
        command: 'watch',
        fault: plan.id,
        sinceNs: times.nowNs,
        partitions: partitions.length === 0 ? null : partitions,
      },
      waitingFor: new Set(ofChunker ? plan.targets : chunkers.map(({ name }) => name)),
      pids: new Map(targets.map(({ name, pid }) => [name, pid])),
      alive: new Set(plan.targets),
      restarted: new Map(targets.map(({ name }) => [name, null])),
      provenNs: null,
      healedNs: null,
      recoveredNs: null,
      settleNs: null,
    };
    this.#open.set(plan.id, fault);
    this.#tally(plan.kind).injected += 1;
    for (const target of targets) target.kill();
    if (!ofChunker) for (const chunker of chunkers) if (chunker.ready) chunker.send(fault.watch);
  }

  #tally(kind: FaultKind): FaultTally {
    const tally = this.tallies.get(kind) ?? { injected: 0, proven: 0, recovered: 0 };
    this.tallies.set(kind, tally);
    return tally;
  }

  /** A target's exit showed the signal. */
  onKilled(name: string, exit: { readonly pid: number; readonly nowNs: number }): void {
    for (const fault of this.#open.values()) {
      if (fault.pids.get(name) !== exit.pid || !fault.alive.delete(name) || fault.alive.size > 0) continue;
      fault.provenNs = exit.nowNs;
      this.#tally(fault.plan.kind).proven += 1;
    }
  }

  /** A process is ready: a target has healed, or a chunker has to be asked again. */
  onReady(name: string, ready: { readonly pid: number; readonly nowNs: number }): void {
    for (const fault of this.#open.values()) {
      if (fault.restarted.get(name) === null && !fault.alive.has(name)) {
        fault.restarted.set(name, ready.pid);
        if ([...fault.restarted.values()].every((pid) => pid !== null)) fault.healedNs = ready.nowNs;
      }
      if (fault.waitingFor.has(name)) this.#targets.named(name).send(fault.watch);
    }
  }

  onRecovered(name: string, event: RecoveredEvent, nowNs: number): void {
    const fault = this.#open.get(event.fault);
    if (fault === undefined || event.intendedNs < fault.injectedNs) return;
    fault.waitingFor.delete(name);
    fault.recoveredNs = Math.min(event.verifiedNs, fault.recoveredNs ?? event.verifiedNs);
    fault.settleNs ??= nowNs + ANSWERS_NS;
  }

  /** Settles the faults whose answers have been waited for; all that are open when `atEnd`. */
  settle(nowNs: number, atEnd: boolean = false): void {
    for (const [id, fault] of this.#open) {
      const answered = fault.settleNs !== null && (nowNs >= fault.settleNs || fault.waitingFor.size === 0);
      if (!atEnd && !(answered && fault.healedNs !== null)) continue;
      this.#open.delete(id);
      if (fault.recoveredNs !== null) {
        this.#tally(fault.plan.kind).recovered += 1;
        this.recovery.get(fault.plan.kind)?.record(fault.recoveredNs - fault.injectedNs);
      }
      this.#onSettled(recordOf(fault));
    }
  }

  openRecords(): FaultRecord[] {
    return [...this.#open.values()].map(recordOf);
  }

  /** Whether every fault so far has healed and recovered. */
  isRecovered(): boolean {
    return [...this.#open.values()].every((fault) => fault.healedNs !== null && fault.recoveredNs !== null);
  }
}

/** A process of the fleet, as what faults are injected into. */
export function faultTargetOf(process: ComponentProcess, fleet: Fleet): FaultTarget {
  return {
    name: process.name,
    partitions: process.spec.partitions,
    get pid() {
      return process.pid;
    },
    get ready() {
      return process.state === 'ready';
    },
    kill: () => fleet.kill(process),
    send: (command) => process.send(command),
  };
}

function recordOf(fault: OpenFault): FaultRecord {
  const { plan, plannedNs, injectedNs, provenNs, healedNs, recoveredNs } = fault;
  return {
    id: plan.id,
    kind: plan.kind,
    target: plan.targets.join(' '),
    plannedNs,
    injectedNs,
    provenNs,
    healedNs,
    recoveredNs,
    evidence: evidenceOf(fault),
  };
}

function evidenceOf({ pids, alive, restarted }: OpenFault): string {
  const killed = [...pids].filter(([name]) => !alive.has(name)).map(([, pid]) => pid);
  const back = [...restarted.values()].filter((pid) => pid !== null);
  const parts = killed.length === 0 ? ['no exit seen'] : [`exit signal SIGKILL of ${pidText(killed)}`];
  if (back.length > 0) parts.push(`ready again as ${pidText(back)}`);
  return parts.join(', ');
}

function pidText(pids: readonly (number | null)[]): string {
  return `${pids.length === 1 ? 'pid' : 'pids'} ${pids.join(' ')}`;
}
