/**
 * What the checkers are given: everything that mattered in a run, as a sequence of events. A simulation writes it from
 * inside; a soak of real processes writes it from what the components say and from what an auditor reads for itself.
 * The checkers are pure functions of it, and the same for both.
 *
 * Order. Events stand in the order in which they were seen, with one exception that saves the checkers all memory of
 * the past: of a partition's journal, the batches below a `checkpoint`'s offset stand before it, and those from it on
 * stand after it; of the sums journal, what a summer appends after a restart stands after the checkpoints of that
 * restart. So whoever writes a history reads chunk journals no further than what is durably folded, until the drain.
 *
 * Time. `atNs` and all stamps are of one monotonic clock, and `atNs` never decreases.
 */

import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { WorkloadOptions } from '../../src/workload/workload.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { Phase } from './phase.ts';
import type { Finding, Violation } from './violation.ts';

/** What one file has come to, as a summer has committed it. */
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
       * How many faults must take effect at least: by kind, by kind and target's component (`crash of summer`), and of
       * all kinds but crashes together (`any but crash`).
       */
      readonly faults: Readonly<Record<string, number>>;
      /**
       * What this history has beside what every history has: `completed` of each file, a `claim` checkpoint after each
       * `confirmed`, `trimmed` wherever a journal begins later. What is then missing of it is missed. Absent: nothing.
       */
      readonly tells?: readonly ('completed' | 'claim' | 'trimmed')[];
      /**
       * A shorter phase, such as one that the user cuts short, need not show that chunks flowed. Absent: every one
       * must.
       */
      readonly flowMsMin?: number;
      /** Of a soak: the kinds of faults that were asked for. */
      readonly faultKinds?: readonly FaultKind[];
      /** Of a soak: it ends with an audit of what is left in journals and stores. */
      readonly isAudited?: boolean;
    }
  | { readonly event: 'phase'; readonly phase: Phase }
  | { readonly event: 'started' | 'ready'; readonly process: string }
  /** `exitCode` null: it was killed. */
  | { readonly event: 'ended'; readonly process: string; readonly exitCode: number | null }
  | {
      readonly event: 'fault';
      readonly id: number;
      readonly kind: string;
      readonly target: string;
      /** The first fault in whose place it was drawn, as that one has missed. */
      readonly insteadOf?: number;
    }
  /** The fault is known to have hit: a process died, a message was lost, a commit failed. */
  | { readonly event: 'fault-effective'; readonly id: number; readonly kind: string; readonly target: string }
  /** A producer's life begins: from now on it publishes what its workload says, and nothing else. */
  | {
      readonly event: 'producer';
      readonly process: string;
      /** 16 hexadecimal digits. */
      readonly producer: string;
      readonly workload: WorkloadOptions;
      /** It opens at most so many files; `null`: no bound. The stream depends on it. */
      readonly fileCount: number | null;
    }
  /**
   * A chunker's decision to end is durable: from this step on its generator opens no file. It stands before the batches
   * that depend on it; once a producer, or again with the same step.
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
  /** A chunker says that all that it completed is verified, and ends. */
  | {
      readonly event: 'drained';
      readonly process: string;
      readonly producer: string;
      readonly verifiedTotal: number;
      readonly filesCompletedTotal: number;
    }
  /** The same without saying which: so many more of its files than it had said before. */
  | { readonly event: 'verified-files'; readonly producer: string; readonly files: number }
  /** A batch of a journal as the auditor has read it, in the order of the journal. */
  | {
      readonly event: 'batch';
      readonly journal: string;
      readonly begin: number;
      readonly end: number;
      /** When it became durable; 0 where that is not known. */
      readonly stampNs: number;
      readonly bytes: Uint8Array;
    }
  /** The auditor found a journal trimmed beyond what it had read: what lies between was not audited. */
  | { readonly event: 'unread'; readonly journal: string; readonly from: number; readonly to: number }
  /**
   * The journal begins at `begin` from now on. `needed`: the lowest offset that something durable still refers to: what
   * the shard has folded, or what each verifier has read.
   */
  | { readonly event: 'trimmed'; readonly journal: string; readonly begin: number; readonly needed: number }
  /** The journal ends here, after the drain; it begins at `begin`, where that is known. */
  | { readonly event: 'head'; readonly journal: string; readonly offset: number; readonly begin?: number }
  /**
   * A shard's epoch was raised: the claimant has its answer, and the sums journal ended at `sumsHead` after that.
   * `confirmed`: its store speaks for the shard.
   */
  | {
      readonly event: 'raised' | 'confirmed';
      readonly process: string;
      readonly shard: number;
      readonly epoch: number;
      readonly sumsHead: number;
    }
  /**
   * What is durable of a shard in the store that speaks for it, while no process has that store open, or right after
   * its claim, before anything else is committed.
   */
  | {
      readonly event: 'checkpoint';
      readonly process: string;
      readonly shard: number;
      readonly moment: 'claim' | 'restart' | 'end';
      /** Everything of the chunk journal below is folded. */
      readonly offset: number;
      /** Index of the next sum. */
      readonly nextSum: number;
      /** By producer that has not ended, the index of its next record. */
      readonly nextIndexes: Readonly<Record<string, number>>;
      /** By file id, 32 hexadecimal digits. */
      readonly openFiles: Readonly<Record<string, OpenFileState>>;
      /** Finished sums that are not known to be in the sums journal: `first` is the index of the first one. */
      readonly outbox: readonly { readonly first: number; readonly sums: Uint8Array }[];
    }
  /** A component, or the soak itself, has found a violation. */
  | ({ readonly event: 'violation' } & Violation)
  | SoakEvent
  /** The last event: nothing is missing before it. `events`: how many were written before it. */
  | { readonly event: 'end'; readonly events?: number }
);

/** What only a soak of real processes has to say: what its processes say, and what it does to them. */
export type SoakEvent =
  /** What a process has said, as it was heard. What follows from it for the journals stands behind it. */
  | { readonly event: 'said'; readonly process: string; readonly said: ComponentEvent }
  /** All processes are ready for the first time: from now on something can flow. */
  | { readonly event: 'up' }
  /** What flowed in a phase, when it ends; `seconds` is how long it lasted. */
  | {
      readonly event: 'flowed';
      readonly phase: Phase;
      readonly seconds: number;
      readonly chunksPublished: number;
      readonly sumsVerified: number;
    }
  /** After the phase of faults: so many were due, whatever came of them. */
  | { readonly event: 'faults-due'; readonly count: number }
  /**
   * What was taken for the proof of a fault is contradicted; it was seen to be over; each partition that it hit has had
   * a sum since then.
   */
  | {
      readonly event: 'fault-refuted' | 'fault-healed' | 'fault-recovered';
      readonly id: number;
      readonly kind: string;
      readonly target: string;
    }
  /** A process did not do what it was asked to. */
  | ({ readonly event: 'failed' } & Failure)
  /** A process was ended by a signal that nobody sent, and is started again. */
  | ({ readonly event: 'crashed' } & Failure)
  /** The user wants it to end. */
  | { readonly event: 'interrupted'; readonly how: 'drained' | 'at once' }
  /** The run ends before its time: what only its end would show is not shown. */
  | { readonly event: 'halted' }
  /** The journals are not followed, or no longer. */
  | { readonly event: 'unfollowed'; readonly reason: string; readonly leavesDoubt: boolean }
  /** The audit at the end was made; `error`: why it could not be. */
  | { readonly event: 'audited'; readonly error?: string }
  /**
   * Something that should have been shown was not; `process` is the one that had to be killed, if that is what it was.
   */
  | { readonly event: 'doubt'; readonly reason: string; readonly process?: string }
  /** A checker has found a violation. No checker looks at it. */
  | ({ readonly event: 'found' } & Violation);

type WithoutTime<E> = E extends unknown ? Omit<E, 'atNs'> : never;
/** An event that is happening now. */
export type Happening = WithoutTime<HistoryEvent>;

/** What the checkers see instead of an event: how a harness is sabotaged without a flag in it. */
export type HistoryFilter = (event: HistoryEvent) => readonly HistoryEvent[];

export type Findings = {
  /** The first ones, in the order of the history; at most `FINDINGS_MAX`. */
  readonly violations: readonly Finding[];
  /** How many there are. */
  readonly violationCount: number;
  /** Why this checker cannot vouch for the run; one line each. */
  readonly inconclusive: readonly string[];
  /** The same, where only evidence is missing: of a run that was violated or that failed it says nothing. */
  readonly missing?: readonly string[];
  readonly failures?: readonly Failure[];
  /** Processes that were ended by a signal which the run did not send, and started again. */
  readonly crashes?: readonly Failure[];
  /** The user has let it drain before its time. */
  readonly isCutShort?: boolean;
};

/** A checker holds no more violations than these. */
export const FINDINGS_MAX = 20;

/** Checks one history, event by event, in memory that is bounded by what is open at one time. */
export interface Checker {
  readonly name: string;
  /** Whether it has found a violation by now; absent: it finds none before the end. */
  readonly hasFound?: boolean;
  observe(event: HistoryEvent): void;
  /** What it has found so far; not of one that is asked at the end only. */
  readonly findings?: Findings;
  /** After the last event; called once. */
  finish(): Findings;
  /** Figures that are no verdict, named with their units; after `finish`. */
  summary?(): Readonly<Record<string, number>>;
}
