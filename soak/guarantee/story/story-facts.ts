/**
 * The facts from a soak's log for the stories of its violations: the SLA, faults and how long they were open, the
 * owners of shards, the findings, and when a process or the harness was late. A listener of the log. Pure, and limited
 * in size: in a run of days it keeps only the latest facts of each sort.
 */

import { fileNumberOf } from '../../../src/message/chunk.ts';
import { Workload } from '../../../src/workload/workload.ts';
import { partitionOfJournal } from '../checkers/batch-reader.ts';
import type { HistoryEvent } from '../history.ts';
import type { Finding } from '../violation.ts';

export type OpenedFault = {
  readonly id: number;
  readonly kind: string;
  readonly target: string;
  readonly fromNs: number;
  hitNs: number | null;
  healedNs: number | null;
  /** When the last of the partitions that it hit had a sum again. */
  recoveredNs: number | null;
  /** When it was given up, because it was never seen to hit. */
  missedNs: number | null;
};

/** A time in which a process did not run although it should have. */
export type Lateness = {
  readonly process: string;
  readonly fromNs: number;
  readonly toNs: number;
  /** Processor time that the process used meanwhile; null: unknown. */
  readonly cpuNs: number | null;
};

/** The name of the harness among the processes. */
export const HARNESS = 'soak';

const NOTHING_YET = { hitNs: null, healedNs: null, recoveredNs: null, missedNs: null } as const;
const FAULTS_MAX = 512;
const CLAIMS_MAX = 4_096;
const LATENESSES_MAX = 512;
/** Each checker hands over at most twenty. */
const FINDINGS_KEPT_MAX = 1_000;
/** The least delay of an event loop that is told. */
const LATE_NS_MIN = 200e6;

export class StoryFacts {
  startNs = 0;
  /** The time of the last event. */
  endNs = 0;
  slaMs = 0;
  /** Violations, whoever found them, in the order of the log. */
  readonly findings: Finding[] = [];
  readonly latenesses: Lateness[] = [];
  readonly #faults = new Map<number, OpenedFault>();
  readonly #claims: { readonly atNs: number; readonly process: string; readonly shards: readonly number[] }[] = [];
  /** Producers by their ids. */
  readonly #producers = new Map<string, { readonly process: string; readonly workload: Workload }>();

  /** Faults in the order in which they were injected. */
  get faults(): readonly OpenedFault[] {
    return [...this.#faults.values()];
  }

  hear(event: HistoryEvent): void {
    this.endNs = event.atNs;
    if (event.event === 'run') {
      this.startNs = event.atNs;
      this.slaMs = event.slaMs;
    } else if (event.event === 'violation' || event.event === 'found') {
      const { event: _, ...finding } = event;
      if (this.findings.length < FINDINGS_KEPT_MAX) this.findings.push(finding);
    } else if (event.event === 'producer') {
      this.#producers.set(event.producer, { process: event.process, workload: new Workload(event.workload) });
    } else if (event.event === 'said') {
      this.#hearSaid(event);
    } else if (event.event === 'own-delay') {
      const { fromNs, atNs: toNs, cpuNs } = event;
      keep(this.latenesses, { process: HARNESS, fromNs, toNs, cpuNs }, LATENESSES_MAX);
    } else this.#hearFault(event);
  }

  #hearSaid({ process, said, atNs }: Extract<HistoryEvent, { event: 'said' }>): void {
    if (said.event === 'ready' && said.component === 'summer') {
      keep(this.#claims, { atNs, process, shards: said.shards }, CLAIMS_MAX);
    } else if (said.event === 'progress' && (said.eventLoopLagNsMax ?? 0) >= LATE_NS_MIN) {
      const fromNs = atNs - (said.eventLoopLagNsMax ?? 0);
      keep(this.latenesses, { process, fromNs, toNs: atNs, cpuNs: null }, LATENESSES_MAX);
    }
  }

  #hearFault(event: HistoryEvent): void {
    if (event.event === 'fault') {
      const { id, kind, target, atNs: fromNs } = event;
      this.#faults.set(id, { id, kind, target, fromNs, ...NOTHING_YET });
      const [first] = this.#faults.keys();
      if (this.#faults.size > FAULTS_MAX && first !== undefined) this.#faults.delete(first);
    } else if (event.event === 'fault-effective') this.#change(event.id, { hitNs: event.atNs });
    else if (event.event === 'fault-refuted') this.#change(event.id, { hitNs: null });
    else if (event.event === 'fault-healed') this.#change(event.id, { healedNs: event.atNs });
    else if (event.event === 'fault-missed') this.#change(event.id, { missedNs: event.atNs });
    else if (event.event === 'fault-recovered') {
      this.#change(event.id, { recoveredNs: event.recoveredNs ?? event.atNs });
    }
  }

  #change(id: number, change: Partial<OpenedFault>): void {
    const fault = this.#faults.get(id);
    if (fault !== undefined) Object.assign(fault, change);
  }

  /** The partition of a violation; null: it has none, or it is unknown. */
  partitionOf({ file, journal }: Pick<Finding, 'file' | 'journal'>): number | null {
    const producer = file === undefined ? undefined : this.#producers.get(file.slice(0, 16));
    if (producer !== undefined && file !== undefined && Number.isFinite(fileNumberOf(file))) {
      return producer.workload.partitionOf(fileNumberOf(file));
    }
    if (journal === undefined) return null;
    // A chunker names the partition of a lost file, not its journal.
    const named = /^chunks of partition (?<partition>\d+)$/.exec(journal)?.groups?.['partition'];
    return named === undefined ? partitionOfJournal(journal) : Number(named);
  }

  /** The publisher of the file; null: no producer of this run. */
  publisherOf(file: string): string | null {
    return this.#producers.get(file.slice(0, 16))?.process ?? null;
  }

  /** The workload of the file's producer; null: no producer of this run. */
  workloadOf(file: string): Workload | null {
    return this.#producers.get(file.slice(0, 16))?.workload ?? null;
  }

  /** Summers that owned the shard between two times, in the order in which they owned it. */
  holdersOf(shard: number, fromNs: number, toNs: number): string[] {
    const claims = this.#claims.filter(({ atNs, shards }) => atNs <= toNs && shards.includes(shard));
    const before = claims.findLast(({ atNs }) => atNs <= fromNs);
    const held = claims.filter((claim) => claim === before || claim.atNs > fromNs);
    return [...new Set(held.map(({ process }) => process))];
  }
}

function keep<T>(list: T[], value: T, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}
