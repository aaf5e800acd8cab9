/**
 * Faults from their plan to their recovery. A fault is injected when its targets are ready, proven by their exit signal,
 * and healed when all of them are ready again. It is recovered when each partition that it hit (the chunker itself, when
 * a chunker was killed) has had a verified sum, verified after the healing, whose last chunk was intended after the fault.
 *
 * Nothing counts twice: a target is not ready for a fault before the one before it has healed, so that each exit proves
 * one fault.
 */

import { assert } from '../../../src/core/assert.ts';
import type { ComponentProcess } from '../../../src/fleet/component-process.ts';
import type { ComponentCommand, RecoveredEvent } from '../../../src/component/protocol.ts';
import type { Fleet } from '../../../src/fleet/fleet.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import { type PlannedFault } from './schedule.ts';
import { FAULT_KINDS, type FaultKind } from '../../guarantee/fault-kinds.ts';
import type { LiveDecorations } from '../decorations.ts';
import type { FaultTally } from '../../guarantee/verdict.ts';

/** A row of faults.csv, times in nanoseconds of the clock. */
export type FaultRecord = {
  readonly id: number;
  readonly kind: FaultKind;
  readonly target: string;
  readonly plannedNs: number;
  readonly injectedNs: number;
  readonly provenNs: number | null;
  readonly healedNs: number | null;
  /** When the last of the partitions had recovered; null while one of them has not. */
  readonly recoveredNs: number | null;
  /** When the first of them had. */
  readonly firstRecoveredNs: number | null;
  /** Partitions that the fault hit; 1 for a chunker, which answers for itself. */
  readonly partitionsHit: number;
  readonly partitionsRecovered: number;
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
  /** Of the whole run: a fault of the broker hits all of them. */
  readonly partitions: number;
};

/** Answers of other chunkers are waited for this long once every partition has one; the earliest of each counts. */
const ANSWERS_NS = 1e9;
/** A fault is not injected while so many have not recovered. */
export const OPEN_FAULTS_MAX: number = 64;

/** What a fault of a chunker hits: its own files, of whichever partition. */
const OWN_FILES = -1;

type OpenFault = {
  readonly plan: PlannedFault;
  readonly plannedNs: number;
  readonly injectedNs: number;
  /** Sent when the fault has healed: what is verified from then on is later than the healing. */
  readonly watch: ComponentCommand;
  /** Chunkers that can tell of a recovery. */
  readonly witnesses: ReadonlySet<string>;
  /** By partition that was hit, when its first sum was verified. */
  readonly recoveries: Map<number, number | null>;
  /** Pids at the injection, by name. */
  readonly pids: ReadonlyMap<string, number | null>;
  /** Names of the targets whose exit has not been seen. */
  readonly alive: Set<string>;
  /** Pids after the restart. */
  readonly restarted: Map<string, number | null>;
  provenNs: number | null;
  healedNs: number | null;
  /** When it is settled, once every partition has recovered. */
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

  /** The same until the first of the partitions had recovered. */
  readonly firstRecovery: Map<FaultKind, LatencyHistogram> = new Map(
    FAULT_KINDS.map((kind) => [kind, new LatencyHistogram()]),
  );
  #lastInjectedNs: number | null = null;
  #gapNsMin: number | null = null;

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

  /** The least time between two faults that were injected one after the other; null with fewer than two. */
  get gapNsMin(): number | null {
    return this.#gapNsMin;
  }

  /** Whether `inject` may be called for it now: every target is ready, and none has a fault that has not healed. */
  canInject(plan: PlannedFault): boolean {
    return (
      this.#open.size < OPEN_FAULTS_MAX &&
      plan.targets.every((name) => this.#targets.named(name).ready && !this.#isPending(name))
    );
  }

  #isPending(name: string): boolean {
    return [...this.#open.values()].some(({ restarted }) => restarted.get(name) === null);
  }

  inject(plan: PlannedFault, times: { readonly plannedNs: number; readonly nowNs: number }): void {
    assert(this.canInject(plan), 'a fault is injected into targets that are ready');
    const targets = plan.targets.map((name) => this.#targets.named(name));
    const ofChunker = plan.kind === 'kill-chunker';
    const partitions = this.#partitionsOf(plan, targets);
    const fault: OpenFault = {
      plan,
      plannedNs: times.plannedNs,
      injectedNs: times.nowNs,
      watch: {
        command: 'watch',
        fault: plan.id,
        sinceNs: times.nowNs,
        partitions: ofChunker ? null : partitions,
      },
      witnesses: new Set(ofChunker ? plan.targets : this.#targets.chunkers.map(({ name }) => name)),
      recoveries: new Map(partitions.map((partition) => [partition, null])),
      pids: new Map(targets.map(({ name, pid }) => [name, pid])),
      alive: new Set(plan.targets),
      restarted: new Map(targets.map(({ name }) => [name, null])),
      provenNs: null,
      healedNs: null,
      settleNs: null,
    };
    this.#open.set(plan.id, fault);
    this.#tally(plan.kind).injected += 1;
    this.#countGap(times.nowNs);
    for (const target of targets) target.kill();
  }

  #partitionsOf({ kind }: PlannedFault, targets: readonly FaultTarget[]): number[] {
    switch (kind) {
      case 'kill-broker':
        return Array.from({ length: this.#targets.partitions }, (_, partition) => partition);
      case 'kill-summer':
      case 'kill-all-summers':
        return targets.flatMap((target) => target.partitions);
      case 'kill-chunker':
        return [OWN_FILES];
      default:
        return kind satisfies never;
    }
  }

  #countGap(nowNs: number): void {
    if (this.#lastInjectedNs !== null) {
      this.#gapNsMin = Math.min(this.#gapNsMin ?? Number.POSITIVE_INFINITY, nowNs - this.#lastInjectedNs);
    }
    this.#lastInjectedNs = nowNs;
  }

  #tally(kind: FaultKind): FaultTally {
    const tally = this.tallies.get(kind) ?? { injected: 0, proven: 0, recovered: 0 };
    this.tallies.set(kind, tally);
    return tally;
  }

  /** A target's exit showed the signal: it proves the one fault that waits for it. */
  onKilled(name: string, exit: { readonly pid: number; readonly nowNs: number }): void {
    for (const fault of this.#open.values()) {
      if (fault.pids.get(name) !== exit.pid || !fault.alive.delete(name)) continue;
      if (fault.alive.size > 0) return;
      fault.provenNs = exit.nowNs;
      this.#tally(fault.plan.kind).proven += 1;
      return;
    }
  }

  /** A process is ready: a target has healed, or a chunker has to be asked again. */
  onReady(name: string, ready: { readonly pid: number; readonly nowNs: number }): void {
    for (const fault of this.#open.values()) {
      const { restarted, alive } = fault;
      if (restarted.get(name) === null && !alive.has(name)) {
        restarted.set(name, ready.pid);
        if ([...restarted.values()].every((pid) => pid !== null)) this.#heal(fault, ready.nowNs);
      } else if (fault.healedNs !== null && fault.settleNs === null && fault.witnesses.has(name)) {
        this.#targets.named(name).send(fault.watch);
      }
    }
  }

  #heal(fault: OpenFault, nowNs: number): void {
    fault.healedNs = nowNs;
    for (const name of fault.witnesses) {
      const witness = this.#targets.named(name);
      if (witness.ready) witness.send(fault.watch);
    }
  }

  /** A chunker has verified a sum of a partition. One that was verified before the fault had healed shows nothing. */
  onRecovered(name: string, event: RecoveredEvent, nowNs: number): void {
    const fault = this.#open.get(event.fault);
    if (fault === undefined || !fault.witnesses.has(name) || fault.healedNs === null) return;
    if (event.intendedNs < fault.injectedNs || event.verifiedNs < fault.healedNs) return;
    const { recoveries } = fault;
    const partition = fault.plan.kind === 'kill-chunker' ? OWN_FILES : event.partition;
    const before = recoveries.get(partition);
    if (before === undefined) return;
    recoveries.set(partition, Math.min(event.verifiedNs, before ?? event.verifiedNs));
    if (lastOf(recoveries) !== null) fault.settleNs ??= nowNs + ANSWERS_NS;
  }

  /** Settles the faults whose answers have been waited for; all that are open when `atEnd`. */
  settle(nowNs: number, atEnd: boolean = false): void {
    for (const [id, fault] of this.#open) {
      const isAnswered = fault.settleNs !== null && (nowNs >= fault.settleNs || fault.witnesses.size === 1);
      if (!atEnd && !isAnswered) continue;
      this.#open.delete(id);
      const { plan, injectedNs, recoveries, provenNs } = fault;
      const lastNs = lastOf(recoveries);
      // What was never seen to have hit cannot have recovered.
      if (lastNs !== null && provenNs !== null) {
        this.#tally(plan.kind).recovered += 1;
        this.recovery.get(plan.kind)?.record(lastNs - injectedNs);
        this.firstRecovery.get(plan.kind)?.record((firstOf(recoveries) ?? lastNs) - injectedNs);
      }
      this.#onSettled(recordOf(fault));
    }
  }

  openRecords(): FaultRecord[] {
    return [...this.#open.values()].map(recordOf);
  }

  /** Whether every fault so far has healed and recovered. */
  isRecovered(): boolean {
    return [...this.#open.values()].every(({ recoveries }) => lastOf(recoveries) !== null);
  }

  /** One line for each open fault that hit and has not recovered: which partitions have had no sum. */
  unrecovered(): string[] {
    return [...this.#open.values()].flatMap(({ plan, recoveries, provenNs }) => {
      const missing = [...recoveries].filter(([, atNs]) => atNs === null).map(([partition]) => partition);
      if (provenNs === null || missing.length === 0) return [];
      const of = plan.kind === 'kill-chunker' ? plan.targets.join(' ') : `partition ${missing.join(' ')}`;
      return [`the fault ${plan.id} (${plan.kind}): no sum of ${of} that was intended after it was verified`];
    });
  }
}

/** When the last of them had recovered; null while one has not. */
function lastOf(recoveries: ReadonlyMap<number, number | null>): number | null {
  let lastNs: number | null = null;
  for (const atNs of recoveries.values()) {
    if (atNs === null) return null;
    lastNs = Math.max(lastNs ?? atNs, atNs);
  }
  return lastNs;
}

/** When the first of them had recovered; null while none has. */
function firstOf(recoveries: ReadonlyMap<number, number | null>): number | null {
  const times = [...recoveries.values()].filter((atNs) => atNs !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** A process of the fleet, as what faults are injected into. */
export function faultTargetOf(
  process: ComponentProcess,
  fleet: Fleet,
  { kills }: Pick<LiveDecorations, 'kills'> = {},
): FaultTarget {
  return {
    name: process.name,
    partitions: process.spec.partitions,
    get pid() {
      return process.pid;
    },
    get ready() {
      return process.state === 'ready';
    },
    kill: () => {
      if (kills?.(process.name) !== false) fleet.kill(process);
    },
    send: (command) => process.send(command),
  };
}

function recordOf(fault: OpenFault): FaultRecord {
  const { plan, plannedNs, injectedNs, provenNs, healedNs, recoveries } = fault;
  return {
    id: plan.id,
    kind: plan.kind,
    target: plan.targets.join(' '),
    plannedNs,
    injectedNs,
    provenNs,
    healedNs,
    recoveredNs: lastOf(recoveries),
    firstRecoveredNs: firstOf(recoveries),
    partitionsHit: recoveries.size,
    partitionsRecovered: [...recoveries.values()].filter((atNs) => atNs !== null).length,
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
