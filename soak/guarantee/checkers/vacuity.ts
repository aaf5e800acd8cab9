/**
 * Not vacuous (invariant 8): time passed, chunks flowed, faults hit, sums came after the last heal, and every process
 * reported to the end. Finds no violation; says why nothing can be vouched for.
 */

import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { type BatchEvent, BatchReader } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

type Run = Extract<HistoryEvent, { event: 'run' }>;
type PhaseName = Extract<HistoryEvent, { event: 'phase' }>['phase'];

/** What was seen from the beginning of a phase to the beginning of the next. */
type Phase = {
  readonly phase: PhaseName;
  readonly beginNs: number;
  endNs: number;
  chunks: number;
  sums: number;
  verified: number;
};

type Process = { isRunning: boolean; isReady: boolean; exitCode: number | null };

type Producer = {
  readonly process: string;
  /** By partition. */
  readonly acknowledged: Map<number, number>;
  ends: number;
  sums: number;
  /** Null: the chunker has not decided to end. */
  endStep: number | null;
  drained: { readonly verifiedTotal: number; readonly filesCompletedTotal: number } | null;
  /** Its process died for good, so its completed files are counted only in the journals. */
  isRetired: boolean;
};

/** A file id begins with the id of its producer. */
const PRODUCER_ID_DIGITS = 16;
const LOADED_PHASES: readonly PhaseName[] = ['warm-up', 'steady', 'faults'];
/** Processes with such names publish. */
const CHUNKER_NAME = /^chunker\b/;

export class VacuityChecker implements Checker {
  readonly name = 'vacuity';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #phases: Phase[] = [];
  readonly #processes = new Map<string, Process>();
  readonly #producers = new Map<string, Producer>();
  /** By kind, the faults that took effect. */
  readonly #effective = new Map<string, Set<number>>();
  readonly #heads = new Set<string>();
  readonly #endCheckpoints = new Set<number>();
  #run: Run | null = null;
  #lastNs = Number.NEGATIVE_INFINITY;

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    this.#lastNs = event.atNs;
    switch (event.event) {
      case 'run':
        this.#run ??= event;
        break;
      case 'phase':
        this.#beginPhase(event.phase, event.atNs);
        break;
      case 'batch':
        this.#read(event);
        break;
      case 'acknowledged':
        this.#acknowledge(event);
        break;
      case 'verified':
        this.#count({ verified: 1 });
        break;
      case 'verified-files':
        this.#count({ verified: event.files });
        break;
      case 'fault-effective':
        this.#tookEffect(event);
        break;
      case 'producer':
        this.#beginProducer(event.producer, event.process);
        break;
      case 'drained':
        this.#drain(event);
        break;
      case 'ending':
        this.#decide(event.producer, event.endStep);
        break;
      case 'retired':
        this.#retire(event.producer);
        break;
      case 'started':
      case 'ready':
      case 'ended':
        this.#moveProcess(event);
        break;
      case 'unread':
        this.#found.inconclusive(`${event.journal} was not read from ${event.from} to ${event.to}`);
        break;
      case 'head':
        this.#heads.add(event.journal);
        break;
      case 'checkpoint':
        if (event.moment === 'end') this.#endCheckpoints.add(event.shard);
        break;
      case 'fault':
      case 'trimmed':
      case 'completed':
      case 'raised':
      case 'confirmed':
      case 'violation':
      case 'end':
      case 'said':
      case 'up':
      case 'flowed':
      case 'faults-due':
      case 'fault-refuted':
      case 'fault-healed':
      case 'fault-missed':
      case 'fault-recovered':
      case 'failed':
      case 'crashed':
      case 'interrupted':
      case 'halted':
      case 'own-delay':
      case 'unfollowed':
      case 'audited':
      case 'doubt':
      case 'found':
        break;
      default:
        event satisfies never;
    }
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    this.#judgePhases();
    if (this.#run !== null) {
      this.#judgeFaults(this.#run);
      this.#judgeProcesses(this.#run);
      this.#judgeCompleteness(this.#run);
    }
    this.#judgeProducers();
    return this.#found.findings;
  }

  // --- following ---

  #beginPhase(phase: PhaseName, atNs: number): void {
    const before = this.#phases.at(-1);
    if (before !== undefined) before.endNs = atNs;
    this.#phases.push({ phase, beginNs: atNs, endNs: Number.NaN, chunks: 0, sums: 0, verified: 0 });
  }

  #count(seen: { chunks?: number; sums?: number; verified?: number }): void {
    const phase = this.#phases.at(-1);
    if (phase === undefined) return;
    phase.chunks += seen.chunks ?? 0;
    phase.sums += seen.sums ?? 0;
    phase.verified += seen.verified ?? 0;
  }

  #read(event: BatchEvent): void {
    const batch = this.#reader.readNew(event);
    if (batch === null) return;
    if (batch.kind === 'sums') {
      this.#count({ sums: batch.count });
      for (const { fileId } of batch.sums) {
        const producer = this.#producers.get(fileId.slice(0, PRODUCER_ID_DIGITS));
        if (producer !== undefined) producer.sums += 1;
      }
    } else if (batch.kind === 'chunks') {
      this.#count({ chunks: batch.count });
      const producer = this.#producers.get(batch.producer);
      if (producer !== undefined) producer.ends += batch.ends.length;
    }
  }

  /** An acknowledgement is also evidence of flow, because the auditor may read a journal long after chunks flowed. */
  #acknowledge({ producer: id, partition, through }: Extract<HistoryEvent, { event: 'acknowledged' }>): void {
    const acknowledged = this.#producers.get(id)?.acknowledged;
    const before = acknowledged?.get(partition) ?? 0;
    if (through <= before) return;
    acknowledged?.set(partition, through);
    this.#count({ chunks: through - before });
  }

  /** A fault counts by its kind, by kind and component of its target, and among those that are not crashes. */
  #tookEffect({ id, kind, target }: Extract<HistoryEvent, { event: 'fault-effective' }>): void {
    this.#faultsOf(kind).add(id);
    this.#faultsOf(`${kind} of ${target.replace(/-\d+$/, '')}`).add(id);
    if (kind !== 'crash') this.#faultsOf('any but crash').add(id);
  }

  #faultsOf(kind: string): Set<number> {
    let faults = this.#effective.get(kind);
    if (faults === undefined) {
      faults = new Set();
      this.#effective.set(kind, faults);
    }
    return faults;
  }

  #beginProducer(id: string, process: string): void {
    if (this.#producers.has(id)) return;
    const known = { acknowledged: new Map<number, number>(), ends: 0, sums: 0, endStep: null, drained: null };
    this.#producers.set(id, { process, ...known, isRetired: false });
  }

  #retire(id: string): void {
    const producer = this.#producers.get(id);
    if (producer === undefined) this.#found.inconclusive(`${id} was retired, and never began`);
    else producer.isRetired = true;
  }

  #decide(id: string, endStep: number): void {
    const producer = this.#producers.get(id);
    if (producer !== undefined) producer.endStep = endStep;
  }

  #drain(event: Extract<HistoryEvent, { event: 'drained' }>): void {
    const producer = this.#producers.get(event.producer);
    if (producer === undefined) this.#found.inconclusive(`${event.producer} has drained, and never began`);
    else producer.drained = event;
  }

  #moveProcess(event: Extract<HistoryEvent, { event: 'started' | 'ready' } | { event: 'ended' }>): void {
    let process = this.#processes.get(event.process);
    if (process === undefined) {
      process = { isRunning: false, isReady: false, exitCode: null };
      this.#processes.set(event.process, process);
    }
    if (event.event === 'ended') {
      process.isRunning = false;
      process.exitCode = event.exitCode;
    } else {
      process.isRunning = true;
      process.isReady = event.event === 'ready';
    }
  }

  // --- judging ---

  #judgePhases(): void {
    const last = this.#phases.at(-1);
    if (last !== undefined) last.endNs = this.#lastNs;
    const loaded = this.#phases.filter(({ phase }) => LOADED_PHASES.includes(phase));
    if (loaded.length === 0) this.#found.inconclusive('there was no phase of load');
    const flowNsMin = (this.#run?.flowMsMin ?? 0) * 1e6;
    for (const { phase, beginNs, endNs, chunks } of loaded) {
      if (chunks === 0 && !(endNs - beginNs < flowNsMin))
        this.#found.inconclusive(`no chunks flowed in the phase ${phase}`);
      if (!(endNs > beginNs)) this.#found.inconclusive(`the clock stood still in the phase ${phase}`);
    }
    const healed = this.#phases.findLastIndex(({ phase }) => phase === 'heal');
    const after = this.#phases.slice(Math.max(0, healed));
    const when = healed < 0 ? '' : ' after the last heal';
    if (!after.some(({ sums }) => sums > 0)) this.#found.inconclusive(`no sum was read${when}`);
    if (!after.some(({ verified }) => verified > 0)) this.#found.inconclusive(`no sum was verified${when}`);
  }

  #judgeFaults({ faults }: Run): void {
    const asked = Object.entries(faults).filter(([, least]) => least > 0);
    for (const [kind, least] of asked) {
      const hits = this.#effective.get(kind)?.size ?? 0;
      if (hits >= least) continue;
      this.#found.inconclusive(`the fault ${kind} took effect ${hits} times, and should have ${least} times`);
    }
    if (asked.length > 0 && !this.#phases.some(({ phase }) => phase === 'heal')) {
      this.#found.inconclusive('faults were asked for, and nothing says that they healed');
    }
  }

  #judgeProcesses({ processes }: Run): void {
    if (processes.length === 0) this.#found.inconclusive('no process was asked to report');
    const completed = new Map<string, number>();
    /** By process: whether its last life has said that it had drained. A later kill takes nothing away. */
    const isDone = new Map<string, boolean>();
    for (const { process, drained, endStep } of this.#producers.values()) {
      isDone.set(process, drained !== null);
      // A chunker that was told to end before its first step had nothing to do.
      const files = endStep === 0 ? Number.POSITIVE_INFINITY : (drained?.filesCompletedTotal ?? 0);
      completed.set(process, (completed.get(process) ?? 0) + files);
    }
    for (const name of processes) {
      const process = this.#processes.get(name);
      if (process === undefined) this.#found.inconclusive(`${name} never started`);
      else if (!process.isReady) this.#found.inconclusive(`${name} was not ready after its last start`);
      else if (process.isRunning) this.#found.inconclusive(`${name} did not report to the end`);
      else if (process.exitCode === null) {
        if (isDone.get(name) !== true) this.#found.inconclusive(`${name} was killed and did not come back`);
      } else if (process.exitCode !== 0) this.#found.inconclusive(`${name} ended with exit ${process.exitCode}`);
      if (!CHUNKER_NAME.test(name)) continue;
      if (!completed.has(name)) this.#found.inconclusive(`${name} has published nothing`);
      else if (completed.get(name) === 0) this.#found.inconclusive(`${name} completed no file`);
    }
  }

  #judgeCompleteness({ partitions }: Run): void {
    for (let partition = 0; partition < partitions; partition += 1) {
      const journal = chunkJournal(partition);
      if (!this.#heads.has(journal)) this.#found.inconclusive(`nothing says where ${journal} ends`);
      if (!this.#endCheckpoints.has(partition)) {
        this.#found.inconclusive(`the state of shard ${partition} was not seen at the end`);
      }
    }
    if (!this.#heads.has(SUMS_JOURNAL)) this.#found.inconclusive(`nothing says where ${SUMS_JOURNAL} ends`);
  }

  #judgeProducers(): void {
    for (const [id, { process, ends, sums, drained, isRetired }] of this.#producers) {
      const who = `${process} (${id})`;
      if (isRetired) {
        if (ends === sums) continue;
        this.#found.inconclusive(
          `${who} was retired, and the journals hold ${ends} ends of its files and ${sums} sums`,
        );
        continue;
      }
      if (drained === null) {
        this.#found.inconclusive(`${who} never said that it had drained`);
        continue;
      }
      const { verifiedTotal, filesCompletedTotal } = drained;
      if (verifiedTotal < filesCompletedTotal) {
        this.#found.inconclusive(`${who} completed ${filesCompletedTotal} files and verified ${verifiedTotal}`);
      }
      if (ends !== filesCompletedTotal || sums !== filesCompletedTotal) {
        const found = `the journals hold ${ends} ends of files and ${sums} sums`;
        this.#found.inconclusive(`${who} completed ${filesCompletedTotal} files, and ${found}`);
      }
    }
  }
}
