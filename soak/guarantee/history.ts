/**
 * The input of the checkers: everything that mattered in a run, as a sequence of events. A simulation writes it from
 * inside. A soak of real processes writes it from the components' words and from what an auditor reads. The checkers
 * are pure functions of it, and the same for both.
 *
 * Order. Events stand in the order in which they were seen, with one exception, which saves the checkers all memory of
 * the past. In a partition's journal, batches below the offset of a `checkpoint` stand before it, and batches from the
 * offset on stand after it. In the sums journal, batches that a summer appends after a restart stand after the
 * checkpoints of that restart. So the writer of a history reads chunk journals only as far as they are durably folded,
 * until the drain.
 *
 * Time. `atNs` and all stamps are of one monotonic clock, and `atNs` never decreases.
 */

import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { WorkloadOptions } from '../../src/workload/workload.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { Phase } from './phase.ts';
import type { Finding, Violation } from './violation.ts';

/** The committed state of one file. */
export type OpenFileState = {
  /** Sequence of the last chunk that is folded, from 1. */
  readonly lastSequence: number;
  readonly bytes: number;
  /** SHA-256 of the bytes so far, 64 hexadecimal digits: a copy of the committed context, finished. */
  readonly digest: string;
};

export type HistoryEvent = { readonly atNs: number } & (
  | {
      /** The first event: what was asked for. */
      readonly event: 'run';
      readonly seed: number;
      readonly slaMs: number;
      readonly partitions: number;
      /** Names of all processes that must report to the end. */
      readonly processes: readonly string[];
      /**
       * How many faults must take effect at least: by kind, by kind and the target's component (`crash of summer`), and
       * of all kinds except crashes together (`any but crash`).
       */
      readonly faults: Readonly<Record<string, number>>;
      /**
       * What this history has in addition to every other history: `completed` of each file, a `claim` checkpoint after
       * each `confirmed`, `trimmed` whenever a journal begins later. If one is then missing, it counts as missing
       * evidence. Absent: nothing.
       */
      readonly tells?: readonly ('completed' | 'claim' | 'trimmed')[];
      /**
       * A shorter phase, such as one that the user cuts short, need not show that chunks flowed. Absent: every phase
       * must.
       */
      readonly flowMsMin?: number;
      /** Of a soak: the kinds of faults that were asked for. */
      readonly faultKinds?: readonly FaultKind[];
      /** Of a soak: how many faults may be open together; absent: one. */
      readonly faultsAtOnce?: number;
      /** In a soak: it ends with an audit of journals and stores. */
      readonly isAudited?: boolean;
    }
  | { readonly event: 'phase'; readonly phase: Phase }
  | { readonly event: 'started' | 'ready'; readonly process: string }
  /** `exitCode` null: the process was killed. */
  | { readonly event: 'ended'; readonly process: string; readonly exitCode: number | null }
  | {
      readonly event: 'fault';
      readonly id: number;
      readonly kind: string;
      readonly target: string;
      /** The first fault in whose place this fault was drawn, because that one missed. */
      readonly insteadOf?: number;
    }
  /** The fault is known to have hit: a process died, a message was lost, a commit failed. */
  | { readonly event: 'fault-effective'; readonly id: number; readonly kind: string; readonly target: string }
  /** A producer's life begins. From now on it publishes what its workload says, and nothing else. */
  | {
      readonly event: 'producer';
      readonly process: string;
      /** 16 hexadecimal digits. */
      readonly producer: string;
      readonly workload: WorkloadOptions;
      /** The producer opens at most so many files; `null`: no bound. The stream depends on it. */
      readonly fileCount: number | null;
    }
  /**
   * A chunker's decision to end is durable: from this step on its generator opens no file. The event stands before the
   * batches that depend on it. It comes once for a producer, or again with the same step.
   */
  | { readonly event: 'ending'; readonly producer: string; readonly endStep: number }
  /** A chunker was told that its records below `through` are durable, since `stampNs` at the latest. */
  | {
      readonly event: 'acknowledged';
      readonly producer: string;
      readonly partition: number;
      readonly through: number;
      readonly stampNs: number;
    }
  /** A chunker has generated the end of a file: record `endIndex` of its partition's journal. */
  | {
      readonly event: 'completed';
      readonly producer: string;
      readonly fileNumber: number;
      readonly endIndex: number;
      readonly intendedNs: number;
    }
  /** A chunker says that it has verified a file's sum. */
  | { readonly event: 'verified'; readonly producer: string; readonly fileNumber: number }
  /** A chunker says that everything it completed is verified, and ends. */
  | {
      readonly event: 'drained';
      readonly process: string;
      readonly producer: string;
      readonly verifiedTotal: number;
      readonly filesCompletedTotal: number;
    }
  /** A chunker says that so many more of its files are verified, without naming them. */
  | { readonly event: 'verified-files'; readonly producer: string; readonly files: number }
  /** A batch of a journal as the auditor has read it, in the order of the journal. */
  | {
      readonly event: 'batch';
      readonly journal: string;
      readonly begin: number;
      readonly end: number;
      /** When the batch became durable; 0 when unknown. */
      readonly stampNs: number;
      readonly bytes: Uint8Array;
    }
  /** The auditor found a journal trimmed beyond what it had read. The batches in between were not audited. */
  | { readonly event: 'unread'; readonly journal: string; readonly from: number; readonly to: number }
  /**
   * From now on the journal begins at `begin`. `needed`: the lowest offset that something durable still refers to,
   * which is what the shard has folded, or what each verifier has read.
   */
  | { readonly event: 'trimmed'; readonly journal: string; readonly begin: number; readonly needed: number }
  /** The journal ends here, after the drain. It begins at `begin`, where that is known. */
  | { readonly event: 'head'; readonly journal: string; readonly offset: number; readonly begin?: number }
  /**
   * A shard's epoch was raised: the claimant has its answer, and the sums journal then ended at `sumsHead`.
   * `confirmed`: the claimant's store speaks for the shard.
   */
  | {
      readonly event: 'raised' | 'confirmed';
      readonly process: string;
      readonly shard: number;
      readonly epoch: number;
      readonly sumsHead: number;
    }
  /**
   * The durable state of a shard in the store that speaks for it, while no process has that store open, or right after
   * its claim, before anything else is committed.
   */
  | {
      readonly event: 'checkpoint';
      readonly process: string;
      readonly shard: number;
      readonly moment: 'claim' | 'restart' | 'end';
      /** Everything of the chunk journal below this offset is folded. */
      readonly offset: number;
      /** Index of the next sum. */
      readonly nextSum: number;
      /** By producer that has not ended: the index of its next record. */
      readonly nextIndexes: Readonly<Record<string, number>>;
      /** By file id, 32 hexadecimal digits. */
      readonly openFiles: Readonly<Record<string, OpenFileState>>;
      /** Finished sums that are not known to be in the sums journal. `first`: the index of the first one. */
      readonly outbox: readonly { readonly first: number; readonly sums: Uint8Array }[];
    }
  /** A component, or the soak itself, has found a violation. */
  | ({ readonly event: 'violation' } & Violation)
  | SoakEvent
  /** The last event: nothing is missing before it. `events`: how many were written before it. */
  | { readonly event: 'end'; readonly events?: number }
);

/** Events that only a soak of real processes has: what its processes say, and what it does to them. */
export type SoakEvent =
  /** A message of a process, as it was heard. Its consequences for the journals stand behind it. */
  | { readonly event: 'said'; readonly process: string; readonly said: ComponentEvent }
  /** All processes are ready for the first time. From now on something can flow. */
  | { readonly event: 'up' }
  /** What flowed in a phase, when it ends. `seconds`: how long the phase lasted. */
  | {
      readonly event: 'flowed';
      readonly phase: Phase;
      readonly seconds: number;
      readonly chunksPublished: number;
      readonly sumsVerified: number;
    }
  /** After the phase of faults: how many were due, whatever came of them. */
  | { readonly event: 'faults-due'; readonly count: number }
  /**
   * The proof of a fault is contradicted, or the fault was seen to be over, or it was given up: it was never seen to
   * hit, and nothing that happens from now on comes from it.
   */
  | {
      readonly event: 'fault-refuted' | 'fault-healed' | 'fault-missed';
      readonly id: number;
      readonly kind: string;
      readonly target: string;
    }
  /**
   * Each partition that a fault hit has had a sum since the fault was over, the last of them at `recoveredNs`. The
   * event comes later, because further answers are waited for. Absent: the time of the event.
   */
  | {
      readonly event: 'fault-recovered';
      readonly id: number;
      readonly kind: string;
      readonly target: string;
      readonly recoveredNs?: number;
    }
  /**
   * The producer of a chunker that is gone for good has ended in every journal, or none has ever had a record of it.
   * From now on another producer may come under the name of that process. The work of the one that is gone is judged
   * only by what the journals hold.
   */
  | { readonly event: 'retired'; readonly process: string; readonly producer: string }
  /** A process did not do what it was asked to. */
  | ({ readonly event: 'failed' } & Failure)
  /** A signal that nobody sent ended a process, which is started again. */
  | ({ readonly event: 'crashed' } & Failure)
  /** The user wants the run to end. */
  | { readonly event: 'interrupted'; readonly how: 'drained' | 'at once' }
  /** The run ends early: evidence that only its end would show is not shown. */
  | { readonly event: 'halted' }
  /**
   * The harness itself did not run from `fromNs` until now, although it was due: it had to wait for a processor, or
   * the whole machine stood still. `cpuNs`: processor time that it used meanwhile. All of it: it was busy itself.
   */
  | { readonly event: 'own-delay'; readonly fromNs: number; readonly cpuNs: number }
  /** The journals are not followed, or no longer. */
  | { readonly event: 'unfollowed'; readonly reason: string; readonly leavesDoubt: boolean }
  /** The audit at the end was made. `error`: why it could not be made. */
  | { readonly event: 'audited'; readonly error?: string }
  /**
   * Something that should have been shown was not. `process`: the process that had to be killed, if that is the reason.
   */
  | { readonly event: 'doubt'; readonly reason: string; readonly process?: string }
  /** A checker has found a violation. No checker looks at this event. */
  | ({ readonly event: 'found' } & Violation);

type WithoutTime<E> = E extends unknown ? Omit<E, 'atNs'> : never;
/** An event that is happening now. */
export type Happening = WithoutTime<HistoryEvent>;

/** What the checkers see instead of an event. A harness is sabotaged by this, without a flag in it. */
export type HistoryFilter = (event: HistoryEvent) => readonly HistoryEvent[];

export type Findings = {
  /** The first violations, in the order of the history; at most `FINDINGS_MAX`. */
  readonly violations: readonly Finding[];
  /** The number of all violations. */
  readonly violationCount: number;
  /** Why this checker cannot vouch for the run; one line each. */
  readonly inconclusive: readonly string[];
  /** Reasons that only say that evidence is missing. They do not count for a run that is violated or that failed. */
  readonly missing?: readonly string[];
  readonly failures?: readonly Failure[];
  /** Processes that a signal which the run did not send has ended, and that were started again. */
  readonly crashes?: readonly Failure[];
  /** How the user ended the run early, and how far it had come: the first cause of all other missing evidence. */
  readonly interruption?: string;
};

/** The most violations that a checker keeps. */
export const FINDINGS_MAX = 20;

/** Checks one history, event by event, in memory that is bounded by what is open at one time. */
export interface Checker {
  readonly name: string;
  /** Whether the checker has found a violation by now; absent: it finds none before the end. */
  readonly hasFound?: boolean;
  observe(event: HistoryEvent): void;
  /** The findings so far; absent for a checker that is asked only at the end. */
  readonly findings?: Findings;
  /** Called once, after the last event. */
  finish(): Findings;
  /** Figures that are not a verdict, named with their units; after `finish`. */
  summary?(): Readonly<Record<string, number>>;
}
