/**
 * Faults from their plan to their recovery. A fault is injected when its targets are ready and every earlier fault has
 * healed. Only a fault that joins another one begins while that one is open. A fault that was never seen to hit is
 * given up after a while, and drawn again. No other fault begins until nothing of it is left.
 *
 * Nothing counts twice: a proof that one fault was shown is not shown to another.
 */

import { assert } from '../../../src/core/assert.ts';
import type { RecoveredEvent } from '../../../src/component/protocol.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import { FAULT_KINDS, type FaultKind } from '../../guarantee/fault-kinds.ts';
import type { SeenExit, SeenReady } from './actions/action.ts';
import { isMoot } from './actions/exchange.ts';
import { type ActionSurroundings, makeAction } from './actions/make-action.ts';
import { FrozenMoments } from './frozen-moments.ts';
import type { MomentsHit } from './moments-hit.ts';
import type { FaultTarget } from './actions/target.ts';
import { isShortEnough, mayOverlap } from './overlap-rule.ts';
import { type FaultOutcome, OpenFault, OWN_FILES } from './open-fault.ts';
import type { PlannedFault } from './planned-fault.ts';

export type FaultTargets = ActionSurroundings & {
  /** The process that has this name in a plan. */
  named(name: string): FaultTarget;
  readonly chunkers: readonly FaultTarget[];
  /** The number of partitions of the run: a fault of the broker hits all of them. */
  readonly partitions: number;
};

/** What becomes of a fault, for the log. */
export type FaultHappening = (
  | { readonly event: 'fault'; readonly insteadOf?: number }
  | { readonly event: 'fault-effective' }
  | { readonly event: 'fault-refuted' | 'fault-healed' | 'fault-missed' }
  | { readonly event: 'fault-recovered'; readonly recoveredNs: number }
) & {
  readonly id: number;
  readonly kind: FaultKind;
  /** Names of processes, with a space between. */
  readonly target: string;
};

/** While so many faults have not recovered, no fault is injected. */
export const OPEN_FAULTS_MAX: number = 64;
/**
 * Without a proof after this time, and so much more for each further target, a fault has missed. Both times count
 * beyond its planned length.
 */
const PROOF_MS_MAX = 10_000;
const PROOF_MS_MAX_OF_TARGET = 10_000;
/** How often a missed fault is drawn again. */
const REDRAWS_MAX = 2;

export class FaultInjector {
  readonly #targets: FaultTargets;
  readonly #onSettled: (outcome: FaultOutcome) => void;
  readonly #proofMsMax: number | null;
  readonly #waitsForRecovery: boolean;
  readonly #lastsMsMax: number;
  readonly #momentsHit: MomentsHit | null;
  readonly #open: Map<number, OpenFault> = new Map();
  /** Faults that were given up, and of which something is left. */
  #ending: readonly OpenFault[] = [];
  readonly #record: (happening: FaultHappening) => void;
  #injectedCount = 0;
  /**
   * By kind, the times from injection to recovery of the settled faults. One that the next fault overtook is left out:
   * it waited for that fault too.
   */
  readonly recovery: Map<FaultKind, LatencyHistogram> = new Map(
    FAULT_KINDS.map((kind) => [kind, new LatencyHistogram()]),
  );

  /** By kind, the times from injection until the first of the partitions had recovered. */
  readonly firstRecovery: Map<FaultKind, LatencyHistogram> = new Map(
    FAULT_KINDS.map((kind) => [kind, new LatencyHistogram()]),
  );
  /** Faults that were given up and are to be drawn again. */
  readonly #missed: PlannedFault[] = [];
  /** By the first fault of each chain, how often it was drawn again. */
  readonly #redraws: Map<number, number> = new Map();
  readonly #slaMs: number;
  /** Open faults that were seen to hit and not to be over. */
  readonly #biting: Set<OpenFault> = new Set();
  #lastInjectedNs: number | null = null;
  #gapNsMin: number | null = null;

  /** `proofMsMax`: how long any fault may take until it is seen to hit; absent: long enough for a busy machine. */
  constructor(options: {
    readonly targets: FaultTargets;
    readonly record: (happening: FaultHappening) => void;
    readonly onSettled: (outcome: FaultOutcome) => void;
    readonly proofMsMax?: number | undefined;
    /** Whether a fault waits until every earlier one has recovered, and not only until it is over; absent: no. */
    readonly waitsForRecovery?: boolean;
    /** The longest time of a fault that lasts until it is ended, proven or not; absent: no bound. */
    readonly lastsMsMax?: number;
    /** The SLA bounds how long faults that overlap last together; absent: no bound. */
    readonly slaMs?: number;
    /** Is told where faults hit. */
    readonly momentsHit?: MomentsHit;
  }) {
    this.#targets = options.targets;
    this.#record = options.record;
    this.#onSettled = options.onSettled;
    this.#proofMsMax = options.proofMsMax ?? null;
    this.#waitsForRecovery = options.waitsForRecovery ?? false;
    this.#lastsMsMax = options.lastsMsMax ?? Number.POSITIVE_INFINITY;
    this.#momentsHit = options.momentsHit ?? null;
    this.#slaMs = options.slaMs ?? Number.POSITIVE_INFINITY;
  }

  /** A fault that was drawn in the place of another counts in its place. */
  get injectedCount(): number {
    return this.#injectedCount;
  }

  /** The least time between two consecutive injections; null with fewer than two. */
  get gapNsMin(): number | null {
    return this.#gapNsMin;
  }

  /**
   * Whether `inject` may be called for the fault at `nowNs`: every target is ready, and no fault waits for its healing
   * (or for its recovery, where that is asked for), except those that it joins.
   */
  canInject(plan: PlannedFault, nowNs: number = 0): boolean {
    return (
      this.#open.size < OPEN_FAULTS_MAX &&
      ((this.isHealed && (!this.#waitsForRecovery || this.isRecovered())) || this.#mayJoin(plan, nowNs)) &&
      plan.targets.every((name) => this.#targets.named(name).ready)
    );
  }

  /** The fault that it joins has hit, may overlap with it as all others that are open may, and they end soon enough. */
  #mayJoin(plan: PlannedFault, nowNs: number): boolean {
    const open = [...this.#open.values()].filter((fault) => !fault.isHealed);
    if (this.#ending.length > 0 || !open.some(({ plan: { id }, isProven }) => id === plan.joins && isProven))
      return false;
    const lengths = open.map(({ injectedNs, plan: { lengthMs } }) => ({ beginMs: injectedNs / 1e6, lengthMs }));
    return (
      open.every((fault) => mayOverlap(fault.plan, plan)) &&
      isShortEnough(this.#slaMs, [...lengths, { beginMs: nowNs / 1e6, lengthMs: plan.lengthMs }])
    );
  }

  /** When the fault of this number was injected; null: it is not open, or no longer. */
  openSinceNs(id: number): number | null {
    const fault = this.#open.get(id);
    return fault === undefined || fault.isHealed ? null : fault.injectedNs;
  }

  /** Whether the fault would do nothing, because what it brings about is there already. Its targets are ready. */
  isMoot({ kind, targets }: PlannedFault): boolean {
    return isMoot(
      kind,
      targets.map((name) => this.#targets.named(name)),
    );
  }

  /** Whether every fault so far was seen to be over. Of a fault that was given up, nothing is left. */
  get isHealed(): boolean {
    return this.unhealed.length === 0;
  }

  /** One line for each fault that keeps others from beginning. */
  get unhealed(): readonly string[] {
    const open = [...this.#open.values()].filter((fault) => !fault.isHealed);
    return [...this.#ending, ...open].map((fault) => fault.unhealed);
  }

  inject(plan: PlannedFault, times: { readonly plannedNs: number; readonly nowNs: number }): void {
    assert(this.canInject(plan, times.nowNs), 'a fault is injected into targets that are ready');
    const targets = plan.targets.map((name) => this.#targets.named(name));
    const [first] = targets;
    const ofChunker = targets.length === 1 && first !== undefined && this.#targets.chunkers.includes(first);
    const witnesses = ofChunker ? [first] : this.#targets.chunkers;
    const fault = new OpenFault({
      plan,
      action: makeAction(plan, targets, this.#targets),
      moments: new FrozenMoments(plan.kind, targets),
      processes: targets.map(({ name }) => name),
      partitions: ofChunker ? [OWN_FILES] : this.#partitionsOf(targets),
      witnesses: witnesses.map(({ name }) => name),
      plannedNs: times.plannedNs,
      injectedNs: times.nowNs,
    });
    if (plan.joins === undefined) {
      for (const other of this.#open.values()) other.onNext({ id: plan.id, injectedNs: times.nowNs });
    }
    this.#open.set(plan.id, fault);
    const { insteadOf } = plan;
    if (insteadOf === undefined) this.#injectedCount += 1;
    this.#record({ event: 'fault', ...placeOf(fault), ...(insteadOf === undefined ? {} : { insteadOf }) });
    this.#countGap(times.nowNs);
    fault.action.inject(times.nowNs);
    this.step(times.nowNs);
  }

  #partitionsOf(targets: readonly FaultTarget[]): number[] {
    const partitions = [...new Set(targets.flatMap((target) => target.partitions))];
    // The broker, a chunker among others, and the auditor belong to no partition.
    if (partitions.length === 0 || targets.some((target) => target.partitions.length === 0)) {
      return Array.from({ length: this.#targets.partitions }, (_, partition) => partition);
    }
    return partitions;
  }

  #countGap(nowNs: number): void {
    if (this.#lastInjectedNs !== null) {
      this.#gapNsMin = Math.min(this.#gapNsMin ?? Number.POSITIVE_INFINITY, nowNs - this.#lastInjectedNs);
    }
    this.#lastInjectedNs = nowNs;
  }

  /** The proven faults that have not healed overlap with each other. */
  #overlap(fault: OpenFault): void {
    for (const other of this.#open.values()) {
      if (other === fault || !this.#biting.has(other)) continue;
      other.overlaps.add(fault.plan.id);
      fault.overlaps.add(other.plan.id);
    }
    this.#biting.add(fault);
  }

  #say(event: 'fault-effective' | 'fault-refuted' | 'fault-healed' | 'fault-missed', fault: OpenFault): void {
    this.#record({ event, ...placeOf(fault) });
  }

  /** Called every few milliseconds, from a timer: everything that had arrived is read between two calls. */
  look(nowNs: number): void {
    for (const fault of this.#open.values()) if (!fault.isHealed) fault.action.onTurn?.();
    this.step(nowNs);
  }

  /** Looks at the probes of all faults under way: at each `look`, and when something was seen. */
  step(nowNs: number): void {
    this.#ending = this.#ending.filter(({ action }) => action.isOver?.() === false);
    for (const fault of this.#open.values()) {
      const wasProven = fault.isProven;
      const hasHealed = fault.step(nowNs);
      if (wasProven !== fault.isProven) this.#say(fault.isProven ? 'fault-effective' : 'fault-refuted', fault);
      if (!wasProven && fault.isProven) this.#overlap(fault);
      if (fault.isHealed || !fault.isProven) this.#biting.delete(fault);
      if (fault.isDisproven) {
        this.#giveUp(fault, nowNs);
        continue;
      }
      if (hasHealed) this.#say('fault-healed', fault);
      if (hasHealed) this.#momentsHit?.add(fault.plan, fault.moments);
      if (hasHealed) this.#ask(fault);
      else if (!fault.isProven && nowNs > fault.injectedNs + this.#proofNsMax(fault.plan)) this.#giveUp(fault, nowNs);
    }
  }

  #proofNsMax({ kind, targets, lengthMs }: PlannedFault): number {
    const proofMs = this.#proofMsMax ?? PROOF_MS_MAX + PROOF_MS_MAX_OF_TARGET * (targets.length - 1) + lengthMs;
    const isOver = lengthMs === 0 || kind === 'takeover-dead';
    return Math.min(proofMs, isOver ? proofMs : Math.max(this.#lastsMsMax, lengthMs)) * 1e6;
  }

  #giveUp(fault: OpenFault, nowNs: number): void {
    const { plan } = fault;
    for (const other of this.#open.values()) other.overlaps.delete(plan.id);
    fault.overlaps.clear();
    fault.heal(nowNs);
    this.#open.delete(plan.id);
    if (fault.action.isOver?.() === false) this.#ending = [...this.#ending, fault];
    this.#onSettled(fault.outcome);
    this.#say('fault-missed', fault);
    const first = plan.insteadOf ?? plan.id;
    const redraws = this.#redraws.get(first) ?? 0;
    if (redraws >= REDRAWS_MAX) return;
    this.#redraws.set(first, redraws + 1);
    // It comes alone, so that its effect does not depend on another fault.
    const { joins: _, ...alone } = plan;
    this.#missed.push({ ...alone, insteadOf: first });
  }

  /** Missed faults, each once, to be injected again under another number. */
  takeMissed(): PlannedFault[] {
    return this.#missed.splice(0);
  }

  /** Ends every lasting fault, because the run ends. */
  healAll(nowNs: number): void {
    for (const fault of this.#open.values()) if (!fault.isHealed) fault.heal(nowNs);
  }

  /** The fault is over: from now on verified sums can show its recovery. */
  #ask(fault: OpenFault): void {
    for (const witness of this.#targets.chunkers) {
      if (fault.witnesses.has(witness.name) && witness.ready) witness.send(fault.watch);
    }
  }

  /** A process has ended. That proves the one fault that has waited for it. */
  onExit(exit: SeenExit): void {
    if (exit.signal === 'SIGKILL') for (const fault of this.#open.values()) fault.moments.onKilled(exit.name, exit.pid);
    for (const { action } of this.#ending) action.onExit?.(exit);
    for (const fault of this.#open.values()) {
      if (fault.isHealed || fault.action.onExit?.(exit) !== true) continue;
      return this.step(exit.nowNs);
    }
  }

  /** A process is ready: a target may be over its fault, or a chunker must be asked again. */
  onReady(ready: SeenReady): void {
    const asked = [...this.#open.values()].filter((fault) => fault.isHealed);
    for (const { action } of [...this.#ending, ...this.#open.values()]) action.onReady?.(ready);
    this.step(ready.nowNs);
    for (const fault of asked) {
      if (fault.isAnswered || !fault.witnesses.has(ready.name)) continue;
      this.#targets.chunkers.find(({ name }) => name === ready.name)?.send(fault.watch);
    }
  }

  /** A process has said something. */
  onHeard(name: string, nowNs: number): void {
    if (this.isHealed) return;
    for (const fault of this.#open.values()) if (!fault.isHealed) fault.action.onHeard?.(name, nowNs);
    this.step(nowNs);
  }

  /** A chunker has verified a sum of a partition. */
  onRecovered(name: string, event: RecoveredEvent, nowNs: number): void {
    this.#open.get(event.fault)?.onRecovered(name, event, nowNs);
  }

  /** Settles the faults whose answers were waited for, and all open faults when `atEnd`. */
  settle(nowNs: number, atEnd: boolean = false): void {
    for (const [id, fault] of this.#open) {
      if (!atEnd && !fault.isSettled(nowNs)) continue;
      this.#open.delete(id);
      const { plan, injectedNs, recoveredNs, firstRecoveredNs } = fault;
      // A fault that was never seen to hit cannot have recovered.
      if (recoveredNs !== null && fault.isProven) {
        this.#record({ event: 'fault-recovered', ...placeOf(fault), recoveredNs });
      }
      if (recoveredNs !== null && fault.isProven && fault.overtakenBy === null) {
        this.recovery.get(plan.kind)?.record(recoveredNs - injectedNs);
        this.firstRecovery.get(plan.kind)?.record((firstRecoveredNs ?? recoveredNs) - injectedNs);
      }
      this.#onSettled(fault.outcome);
    }
  }

  openOutcomes(): FaultOutcome[] {
    return [...this.#open.values()].map(({ outcome }) => outcome);
  }

  /** Whether every fault so far has healed and recovered. */
  isRecovered(): boolean {
    return this.#ending.length === 0 && [...this.#open.values()].every(({ recoveredNs }) => recoveredNs !== null);
  }

  /** One line for each fault that has not ended, or that has hit and not recovered: what is missing. */
  unrecovered(): string[] {
    const ending = this.#ending.map(({ unhealed }) => unhealed);
    return [...ending, ...[...this.#open.values()].flatMap(({ missing }) => (missing === null ? [] : [missing]))];
  }
}

function placeOf({ plan, processes }: OpenFault): Pick<FaultHappening, 'id' | 'kind' | 'target'> {
  return { id: plan.id, kind: plan.kind, target: processes.join(' ') };
}
