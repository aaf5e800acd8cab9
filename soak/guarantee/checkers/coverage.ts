/**
 * Only shown evidence gets credit: each kind of event that a checker needs must be there as often as the run requires.
 * Finds no violation; names missing evidence. soak/EVIDENCE.md has an entry for each kind.
 *
 * - For each restart of a summer that owned a shard, its state before the restart (a `restart` checkpoint). For each
 *   confirmed claim, its state.
 * - For each record of a drained producer, that its chunker was told that the record is durable.
 * - For each file, that it was completed, and that it was verified.
 * - For each epoch under which sums were written, a process that was confirmed with it. For each shard, an owner that
 *   was ready and has ended. Each started process has ended, and ended before it started again.
 * - For each journal that begins after 0, that it was trimmed up to there.
 */

import { chunkJournal } from '../../../src/journal/journals.ts';
import { Ledger } from '../../../src/verifier/ledger.ts';
import { BatchReader, type BatchEvent, partitionOfJournal, shardOfProducer } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

type Of<Name extends HistoryEvent['event']> = Extract<HistoryEvent, { event: Name }>;
type Claimed = Extract<HistoryEvent, { event: 'raised' | 'confirmed' }>;

type Lane = { records: number; acknowledged: number; hasEnded: boolean };

type Producer = {
  readonly process: string;
  /** By partition. */
  readonly lanes: Map<number, Lane>;
  readonly completed: Ledger;
  readonly verified: Ledger;
  /** Verified files that the chunker has only counted, not named. */
  verifiedFiles: number;
  drained: Of<'drained'> | null;
};

type Shard = {
  /** The process whose store speaks for the shard, by the last known answer. */
  owner: string | null;
  /** The last known raise. */
  raised: { readonly process: string; readonly epoch: number } | null;
  readonly confirmedEpochs: Set<number>;
  /** Epochs under which sums were written. */
  readonly writtenEpochs: Set<number>;
  /** Its owner has restarted, and no raise has followed yet. */
  isRestarted: boolean;
  restarts: number;
  restartCheckpoints: number;
  isClaimDue: boolean;
  claimsMissed: number;
};

type Process = { isUp: boolean; wasReady: boolean };

export class CoverageChecker implements Checker {
  readonly name = 'coverage';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #producers = new Map<string, Producer>();
  readonly #shards = new Map<number, Shard>();
  readonly #processes = new Map<string, Process>();
  /** By journal, the offset up to which it was trimmed. */
  readonly #trimmed = new Map<string, number>();
  readonly #phases = new Set<string>();
  #tells: ReadonlySet<string> = new Set();
  #partitions = 0;
  #hasEnded = false;
  /** Something was not read, so the content of the journals is not known. */
  #isBlind = false;

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    switch (event.event) {
      case 'run':
        this.#tells = new Set(event.tells ?? []);
        this.#partitions = event.partitions;
        break;
      case 'phase':
        this.#phases.add(event.phase);
        break;
      case 'started':
      case 'ready':
        this.#begins(event.process, event.event === 'ready');
        break;
      case 'ended':
        this.#ends(event.process);
        break;
      case 'producer':
        this.#beginProducer(event);
        break;
      case 'acknowledged':
        this.#acknowledge(event);
        break;
      case 'completed':
        cover(this.#producers.get(event.producer)?.completed, event.fileNumber);
        break;
      case 'verified':
        cover(this.#producers.get(event.producer)?.verified, event.fileNumber);
        break;
      case 'verified-files':
        this.#countVerified(event);
        break;
      case 'drained':
        this.#drain(event);
        break;
      case 'batch':
        this.#read(event);
        break;
      case 'raised':
        this.#raise(event);
        break;
      case 'confirmed':
        this.#confirm(event);
        break;
      case 'checkpoint':
        this.#seeState(event);
        break;
      case 'trimmed':
        this.#trimmed.set(event.journal, Math.max(event.begin, this.#trimmed.get(event.journal) ?? 0));
        break;
      case 'head':
        this.#judgeBegin(event);
        break;
      case 'unread':
        this.#isBlind = true;
        break;
      case 'end':
        this.#hasEnded = true;
        break;
      case 'fault':
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
      case 'fault-effective':
      case 'ending':
      case 'violation':
      // What a dead chunker was told and had verified is not completely known. The journals have its files.
      case 'retired':
        break;
      default:
        event satisfies never;
    }
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  /** In a history that was cut short nothing can be missing. Another checker says that it has no end. */
  finish(): Findings {
    if (this.#hasEnded && !this.#isBlind) {
      for (const phase of ['drain', 'audit']) {
        if (!this.#phases.has(phase)) this.#found.inconclusive(`there was no phase ${phase}`);
      }
      for (const [name, { isUp }] of this.#processes) {
        if (isUp) this.#found.inconclusive(`${name} was started, and did not report its end`);
      }
      for (const [id, producer] of this.#producers) this.#judgeProducer(id, producer);
      for (let shard = 0; shard < this.#partitions; shard += 1) this.#judgeShard(shard, this.#shard(shard));
    }
    return this.#found.findings;
  }

  // --- processes ---

  #begins(name: string, isReady: boolean): void {
    const process = this.#processes.get(name) ?? { isUp: false, wasReady: false };
    this.#processes.set(name, process);
    if (process.isUp && process.wasReady) this.#found.inconclusive(`${name} was started again, and had not ended`);
    process.isUp = true;
    process.wasReady = isReady;
  }

  #ends(name: string): void {
    const process = this.#processes.get(name);
    if (process !== undefined) process.isUp = false;
    for (const shard of this.#shards.values()) {
      if (shard.owner === name && shard.raised?.process === name) shard.isRestarted = true;
    }
  }

  // --- producers ---

  #beginProducer({ producer, process }: Of<'producer'>): void {
    if (this.#producers.has(producer)) return;
    this.#producers.set(producer, {
      process,
      lanes: new Map(),
      completed: new Ledger(),
      verified: new Ledger(),
      verifiedFiles: 0,
      drained: null,
    });
  }

  #lane(producer: string, partition: number): Lane | null {
    const lanes = this.#producers.get(producer)?.lanes;
    if (lanes === undefined) return null;
    let lane = lanes.get(partition);
    if (lane === undefined) {
      lane = { records: 0, acknowledged: 0, hasEnded: false };
      lanes.set(partition, lane);
    }
    return lane;
  }

  #acknowledge({ producer, partition, through }: Of<'acknowledged'>): void {
    const lane = this.#lane(producer, partition);
    if (lane !== null) lane.acknowledged = Math.max(lane.acknowledged, through);
  }

  #countVerified({ producer: id, files }: Of<'verified-files'>): void {
    const producer = this.#producers.get(id);
    if (producer !== undefined) producer.verifiedFiles += files;
  }

  #drain(event: Of<'drained'>): void {
    const producer = this.#producers.get(event.producer);
    if (producer !== undefined) producer.drained = event;
  }

  #read(event: BatchEvent): void {
    const batch = this.#reader.readNew(event);
    if (batch === null) return;
    const partition = partitionOfJournal(event.journal);
    const shard = shardOfProducer(batch.producer);
    if (partition === null && shard !== null) this.#shard(shard).writtenEpochs.add(batch.epoch);
    const lane = partition === null ? null : this.#lane(batch.producer, partition);
    if (lane === null) return;
    lane.records = Math.max(lane.records, batch.firstIndex + batch.count);
    if (batch.kind === 'end') lane.hasEnded = true;
  }

  #judgeProducer(id: string, { process, lanes, completed, verified, verifiedFiles, drained }: Producer): void {
    if (drained === null) return;
    const who = `${process} (${id})`;
    for (const [partition, { records, acknowledged, hasEnded }] of lanes) {
      // When the end of a producer is already there, the answer is not an acknowledgement.
      if (acknowledged >= records - (hasEnded ? 1 : 0)) continue;
      const told = `was told of ${acknowledged} of its ${records} records in ${chunkJournal(partition)}`;
      this.#found.inconclusive(`${who} ${told} that they are durable`);
    }
    const files = drained.filesCompletedTotal;
    if (this.#tells.has('completed') && completed.verifiedTotal !== files) {
      this.#found.inconclusive(`${who} completed ${files} files, and ${completed.verifiedTotal} are on record`);
    }
    const seen = verified.verifiedTotal + verifiedFiles;
    if (seen === drained.verifiedTotal) return;
    this.#found.inconclusive(`${who} verified ${drained.verifiedTotal} files, and ${seen} are on record`);
  }

  // --- shards ---

  #shard(number: number): Shard {
    let shard = this.#shards.get(number);
    if (shard === undefined) {
      shard = {
        owner: null,
        raised: null,
        confirmedEpochs: new Set(),
        writtenEpochs: new Set(),
        isRestarted: false,
        restarts: 0,
        restartCheckpoints: 0,
        isClaimDue: false,
        claimsMissed: 0,
      };
      this.#shards.set(number, shard);
    }
    return shard;
  }

  #raise({ shard: number, process, epoch }: Claimed): void {
    const shard = this.#shard(number);
    const before = shard.raised;
    // A raise whose answer nobody got came between. Then the store of the last owner no longer spoke for the shard.
    const isNext = epoch === (before?.epoch ?? 0) + 1;
    if (shard.isRestarted && shard.owner === process && isNext) shard.restarts += 1;
    shard.isRestarted = false;
    // Likewise for a claim: a claim that was replaced at once may never have spoken for the shard.
    if (shard.isClaimDue && process === before?.process && isNext) shard.claimsMissed += 1;
    shard.isClaimDue = false;
    if (epoch > (before?.epoch ?? 0)) shard.raised = { process, epoch };
  }

  #confirm({ shard: number, process, epoch }: Claimed): void {
    const shard = this.#shard(number);
    shard.confirmedEpochs.add(epoch);
    // A process that hears of its confirmation after a newer raise no longer speaks for the shard.
    if (epoch < (shard.raised?.epoch ?? 0)) return;
    shard.owner = process;
    shard.isClaimDue = this.#tells.has('claim');
  }

  #seeState({ shard: number, moment }: Of<'checkpoint'>): void {
    const shard = this.#shard(number);
    if (moment === 'restart') shard.restartCheckpoints += 1;
    if (moment === 'claim') shard.isClaimDue = false;
  }

  #judgeShard(number: number, shard: Shard): void {
    const { owner, raised, restarts, restartCheckpoints, isClaimDue, claimsMissed } = shard;
    if (owner === null || raised === null) {
      this.#found.inconclusive(`nobody was seen to own shard ${number}`);
      return;
    }
    if (this.#processes.get(owner)?.wasReady !== true) {
      this.#found.inconclusive(`${owner} owns shard ${number}, and was not ready after its last start`);
    }
    for (const epoch of shard.writtenEpochs) {
      if (shard.confirmedEpochs.has(epoch)) continue;
      this.#found.inconclusive(
        `shard ${number} wrote under epoch ${epoch}, with which nobody was seen to be confirmed`,
      );
    }
    if (restartCheckpoints < restarts) {
      const seen = `its state was seen at ${restartCheckpoints} of them`;
      this.#found.inconclusive(`the owner of shard ${number} was restarted ${restarts} times, and ${seen}`);
    }
    const missed = claimsMissed + (isClaimDue ? 1 : 0);
    if (missed > 0) {
      this.#found.inconclusive(`the state of shard ${number} was not seen after ${missed} of its claims`);
    }
  }

  #judgeBegin({ journal, begin = 0 }: Of<'head'>): void {
    const trimmed = this.#trimmed.get(journal) ?? 0;
    if (!this.#tells.has('trimmed') || begin <= trimmed) return;
    this.#found.inconclusive(`${journal} begins at ${begin}, and was seen to be trimmed to ${trimmed}`);
  }
}

function cover(ledger: Ledger | undefined, fileNumber: number): void {
  if (ledger === undefined || ledger.isVerified(fileNumber)) return;
  ledger.cover(fileNumber + 1);
  ledger.verify(fileNumber);
}
