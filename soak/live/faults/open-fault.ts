/**
 * One fault from its injection to its recovery. It leads the action, and keeps what was seen and when.
 *
 * It is proven when a probe saw it bite, and healed when a probe saw it end. It has recovered when each partition that
 * it hit (or the chunker, when only that was hit) has had a sum that was verified after the healing, and whose last
 * chunk was intended after the injection.
 */

import type { ComponentCommand, RecoveredEvent } from '../../../src/component/protocol.ts';
import type { FaultAction } from './actions/action.ts';
import type { FrozenMoments } from './frozen-moments.ts';
import type { FaultKind } from '../../guarantee/fault-kinds.ts';
import type { LinkMode } from './relay/link-mode.ts';
import type { PlannedFault } from './planned-fault.ts';

/** A row of faults.csv, times in nanoseconds of the clock. */
export type FaultOutcome = {
  readonly id: number;
  readonly kind: FaultKind;
  readonly target: string;
  readonly plannedNs: number;
  readonly injectedNs: number;
  readonly provenNs: number | null;
  readonly healedNs: number | null;
  /** When the last of the partitions had recovered; null while one has not. */
  readonly recoveredNs: number | null;
  /** When the first of the partitions had recovered. */
  readonly firstRecoveredNs: number | null;
  /** How many partitions the fault hit; 1 for a chunker, which answers for itself. */
  readonly partitionsHit: number;
  readonly partitionsRecovered: number;
  readonly evidence: string;
  /** From the plan: the time since the beginning of the phase, and the planned length. */
  readonly atMs: number;
  readonly lengthMs: number;
  /** The missed fault in whose place this one was drawn. */
  readonly insteadOf: number | null;
  /** The fault during which it was planned to begin, and those that were open together with it. */
  readonly joins: number | null;
  readonly overlaps: readonly number[];
  /** The next fault, when that began before this one had recovered and does not join it; null: none. */
  readonly overtakenBy: number | null;
  /** The mode of a partition. */
  readonly link: LinkMode | null;
  /** The partitions that it hit; only `OWN_FILES` for a chunker. */
  readonly partitions: readonly number[];
  /** The longest time that one of them was without a new sum, from the injection to the recovery; null: unknown. */
  readonly gapNsMax: number | null;
  /** Where its targets were when it hit them; null: not known. */
  readonly moment: string | null;
  /** The moment of its first target that it was aimed at; null: none. */
  readonly aim: string | null;
};

/** What a fault of a single chunker hits: its own files, of any partition. */
export const OWN_FILES = -1;
/**
 * How long answers of other chunkers are waited for when every partition has an answer; the earliest of each counts.
 */
const ANSWERS_NS = 1e9;

export class OpenFault {
  readonly plan: PlannedFault;
  readonly injectedNs: number;
  /** Names of the processes that it hits. */
  readonly processes: readonly string[];
  /** Sent when the fault has healed, so that sums verified from then on are later than the healing. */
  readonly watch: ComponentCommand;
  /** Chunkers that can report a recovery. */
  readonly witnesses: ReadonlySet<string>;
  readonly action: FaultAction;
  readonly moments: FrozenMoments;
  /** The faults that were seen to hit and not to be over, while this one was. */
  readonly overlaps: Set<number> = new Set();
  /** The fault that was injected next, unless it joins another one. */
  #next: { readonly id: number; readonly injectedNs: number } | null = null;
  readonly #plannedNs: number;
  /** By partition that was hit: when its first sum was verified. */
  readonly #recoveries: Map<number, number | null>;
  readonly #saw: string[] = [];
  #isHealing = false;
  #isDisproven = false;
  #provenNs: number | null = null;
  #healedNs: number | null = null;
  /** When it is settled, once every partition has recovered. */
  #settleNs: number | null = null;

  constructor(from: {
    readonly plan: PlannedFault;
    readonly action: FaultAction;
    readonly moments: FrozenMoments;
    readonly processes: readonly string[];
    /** Only `OWN_FILES`: the files of the one chunker that is hit. */
    readonly partitions: readonly number[];
    readonly witnesses: readonly string[];
    readonly plannedNs: number;
    readonly injectedNs: number;
  }) {
    const { plan, partitions, injectedNs } = from;
    this.plan = plan;
    this.action = from.action;
    this.moments = from.moments;
    this.processes = from.processes;
    this.injectedNs = injectedNs;
    this.witnesses = new Set(from.witnesses);
    this.#plannedNs = from.plannedNs;
    this.#recoveries = new Map(partitions.map((partition) => [partition, null]));
    const watched = this.#isOwnFiles ? null : partitions;
    this.watch = { command: 'watch', fault: plan.id, sinceNs: injectedNs, partitions: watched };
  }

  get #isOwnFiles(): boolean {
    return this.#recoveries.has(OWN_FILES);
  }

  get isProven(): boolean {
    return this.#provenNs !== null;
  }

  /** Something that was seen contradicts its proof. */
  get isDisproven(): boolean {
    return this.#isDisproven;
  }

  get isHealed(): boolean {
    return this.#healedNs !== null;
  }

  /** All partitions have recovered; other answers may still come. */
  get isAnswered(): boolean {
    return this.#settleNs !== null;
  }

  /** Looks at the probes, and ends the fault when it is due. True when the fault was just seen to be over. */
  step(nowNs: number): boolean {
    if (this.#healedNs !== null || this.#isDisproven) return false;
    const proof = this.action.proven(nowNs);
    if (proof === null) return false;
    if (this.#provenNs === null) {
      this.#provenNs = proof.atNs;
      this.#saw.push(proof.saw);
      this.moments.onStopped();
    }
    const contradiction = this.action.disproven?.() ?? null;
    if (contradiction !== null) {
      this.#saw.push(contradiction);
      this.#provenNs = null;
      this.#isDisproven = true;
      return false;
    }
    const isDue = nowNs >= this.injectedNs + this.plan.lengthMs * 1e6 && this.action.mayHeal?.() !== false;
    if (!this.#isHealing && isDue) this.heal(nowNs);
    const healing = this.#isHealing ? this.action.healed(nowNs) : null;
    if (healing === null) return false;
    this.#healedNs = Math.max(healing.atNs, this.#provenNs);
    this.#saw.push(healing.saw);
    return true;
  }

  /** Ends the fault, whatever is known of it. */
  heal(nowNs: number): void {
    if (this.#isHealing) return;
    this.#isHealing = true;
    this.moments.beforeResume();
    this.action.heal(nowNs);
  }

  /** A chunker has verified a sum of a partition. A sum that was verified before the fault had healed shows nothing. */
  onRecovered(name: string, event: RecoveredEvent, nowNs: number): void {
    if (!this.witnesses.has(name) || this.#healedNs === null) return;
    if (event.intendedNs < this.injectedNs || event.verifiedNs < this.#healedNs) return;
    const partition = this.#isOwnFiles ? OWN_FILES : event.partition;
    const before = this.#recoveries.get(partition);
    if (before === undefined) return;
    this.#recoveries.set(partition, Math.min(event.verifiedNs, before ?? event.verifiedNs));
    if (this.recoveredNs !== null) this.#settleNs ??= nowNs + ANSWERS_NS;
  }

  isSettled(nowNs: number): boolean {
    return this.#settleNs !== null && (nowNs >= this.#settleNs || this.witnesses.size === 1);
  }

  /** When the last of the partitions had recovered; null while one has not. */
  get recoveredNs(): number | null {
    let lastNs: number | null = null;
    for (const atNs of this.#recoveries.values()) {
      if (atNs === null) return null;
      lastNs = Math.max(lastNs ?? atNs, atNs);
    }
    return lastNs;
  }

  /** When the first of the partitions had recovered; null while none has. */
  get firstRecoveredNs(): number | null {
    const times = [...this.#recoveries.values()].filter((atNs) => atNs !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Another fault is injected, which joins none. */
  onNext(next: { readonly id: number; readonly injectedNs: number }): void {
    this.#next ??= next;
  }

  /** The next fault, when that began before this one had recovered: this one's recovery is not its own then. */
  get overtakenBy(): number | null {
    if (this.#next === null) return null;
    const { recoveredNs } = this;
    return recoveredNs === null || this.#next.injectedNs < recoveredNs ? this.#next.id : null;
  }

  /** The words for a fault that should be over and is not. */
  get unhealed(): string {
    const { id, kind, targets } = this.plan;
    return `the fault ${id} (${kind}) of ${targets.join(' ')} was not seen to heal`;
  }

  /** What is missing until the fault counts as recovered, in one line; null: nothing, or it was never seen to hit. */
  get missing(): string | null {
    if (this.#provenNs === null) return null;
    if (this.#healedNs === null) return this.unhealed;
    const { id, kind, targets } = this.plan;
    const partitions = [...this.#recoveries].filter(([, atNs]) => atNs === null).map(([partition]) => partition);
    if (partitions.length === 0) return null;
    const of = this.#isOwnFiles ? targets.join(' ') : `partition ${partitions.join(' ')}`;
    return `the fault ${id} (${kind}): no sum of ${of} that was intended after it was verified`;
  }

  get outcome(): FaultOutcome {
    const { plan } = this;
    const recoveries = [...this.#recoveries.values()];
    return {
      id: plan.id,
      kind: plan.kind,
      target: plan.targets.join(' '),
      plannedNs: this.#plannedNs,
      injectedNs: this.injectedNs,
      provenNs: this.#provenNs,
      healedNs: this.#healedNs,
      recoveredNs: this.recoveredNs,
      firstRecoveredNs: this.firstRecoveredNs,
      partitionsHit: recoveries.length,
      partitionsRecovered: recoveries.filter((atNs) => atNs !== null).length,
      evidence: this.#saw.length === 0 ? 'not seen to hit' : this.#saw.join(', '),
      atMs: plan.atMs,
      lengthMs: plan.lengthMs,
      insteadOf: plan.insteadOf ?? null,
      joins: plan.joins ?? null,
      overlaps: [...this.overlaps].toSorted((one, other) => one - other),
      overtakenBy: this.overtakenBy,
      link: plan.link ?? null,
      partitions: [...this.#recoveries.keys()],
      gapNsMax: null,
      moment: this.moments.text,
      aim: plan.aim ?? null,
    };
  }
}
