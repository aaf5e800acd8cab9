/**
 * What led to an event of a soak, whose events do not tell what caused them. It is found by the identities that events
 * carry: process, shard and epoch, producer and index, journal and offset, fault. Pure. What no identity proves has no
 * cause here: nothing is guessed from times alone.
 */

import { unreachable } from '../../../src/core/assert.ts';
import { EXIT } from '../../../src/core/errors.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { shardOfProducer } from '../checkers/batch-reader.ts';
import type { LoggedBatch, LoggedEvent } from '../logged-event.ts';
import type { Chronicle, Told } from './chronicle.ts';
import type { FilePath } from './file-path.ts';

type Batch = LoggedBatch & { readonly n: number };

export class DerivedCauses {
  readonly #chronicle: Chronicle;
  readonly #path: FilePath | undefined;

  /** `path`: of the file that is asked for, if one is. */
  constructor(chronicle: Chronicle, path: FilePath | undefined) {
    this.#chronicle = chronicle;
    this.#path = path;
  }

  /** An earlier event of the history, or undefined: none is known. */
  of(event: LoggedEvent): LoggedEvent | undefined {
    switch (event.event) {
      case 'violation':
      case 'found':
        return this.#ofViolation(event);
      case 'batch':
        return event.journal === SUMS_JOURNAL ? this.#ofSums(event) : this.#ofChunks(event);
      case 'acknowledged':
        return this.#ofAcknowledged(event);
      case 'confirmed':
        return this.#last(event, (other) => other.event === 'raised' && isSameClaim(other, event));
      case 'raised':
        return this.#ofRaised(event);
      case 'checkpoint':
        return this.#ofCheckpoint(event);
      case 'started':
      case 'failed':
      case 'crashed':
      case 'retired':
        return this.#endOf(event, event.process);
      case 'ready':
        return this.#last(event, (other) => isOf(other, event.process, 'started', 'ended'));
      case 'ended':
        return this.#ofEnd(event);
      case 'fault-effective':
      case 'fault-missed':
      case 'fault-refuted':
      case 'fault-healed':
      case 'fault-recovered':
        return this.#last(event, (other) => other.event === 'fault' && other.id === event.id);
      case 'said':
      case 'drained':
        return this.#beginOf(event, event.process);
      case 'audited':
      case 'completed':
      case 'doubt':
      case 'end':
      case 'ending':
      case 'fault':
      case 'faults-due':
      case 'flowed':
      case 'halted':
      case 'head':
      case 'interrupted':
      case 'own-delay':
      case 'phase':
      case 'producer':
      case 'run':
      case 'trimmed':
      case 'unfollowed':
      case 'unread':
      case 'up':
      case 'verified':
      case 'verified-files':
        return undefined;
      default:
        return unreachable(event);
    }
  }

  #last(event: LoggedEvent, isIt: (other: LoggedEvent) => boolean): LoggedEvent | undefined {
    return this.#chronicle.events.findLast((other) => other.n < event.n && isIt(other));
  }

  #endOf(event: LoggedEvent, process: string): LoggedEvent | undefined {
    return this.#last(event, (other) => isOf(other, process, 'ended'));
  }

  #beginOf(event: LoggedEvent, process: string): LoggedEvent | undefined {
    return this.#last(event, (other) => isOf(other, process, 'started', 'ready'));
  }

  /** The batch that it names, or the last sum of its file; without either, the last that is known of the file. */
  #ofViolation(event: Told<'violation' | 'found'>): LoggedEvent | undefined {
    const { journal, offset, file, process } = event;
    return (
      this.#last(event, (other) => other.event === 'batch' && other.journal === journal && other.begin === offset) ??
      this.#last(
        event,
        (other) => other.event === 'batch' && file !== undefined && other.files?.includes(file) === true,
      ) ??
      this.#ofUnsummed(event) ??
      this.#beginOf(event, process)
    );
  }

  /** Of a file without a sum: its last batch, or the last end of the process that spoke for its shard. */
  #ofUnsummed(event: LoggedEvent): LoggedEvent | undefined {
    const path = this.#path;
    if (path === undefined || path.partition === null || path.hasSum) return undefined;
    const { partition, steps } = path;
    const owner = this.#chronicle.ownerAt(partition, event.atNs);
    const ended = owner === undefined ? undefined : this.#endOf(event, owner);
    const step = steps.findLast(({ stage }) => stage === 'durable' || stage === 'acknowledged');
    const known = step === undefined ? undefined : this.#chronicle.numbered(step.n);
    if (known === undefined || known.n >= event.n) return ended;
    return ended !== undefined && ended.atNs > momentOf(known) ? ended : known;
  }

  /** A sum needs a file that has ended and a process that speaks for the shard: what came last made it possible. */
  #ofSums(event: Batch): LoggedEvent | undefined {
    const shard = shardOfProducer(event.producer ?? '');
    const claim = this.#last(
      event,
      (other) => other.event === 'confirmed' && other.shard === shard && other.epoch === event.epoch,
    );
    const end = this.#endOfFile(event);
    if (claim === undefined || end === undefined) return end ?? claim;
    return momentOf(end) > momentOf(claim) ? end : claim;
  }

  /** The batch with the last record of the file that is asked for, when these are sums of it. */
  #endOfFile(event: Batch): LoggedEvent | undefined {
    const path = this.#path;
    if (path === undefined || path.unseen.length > 0 || event.files?.includes(path.file) !== true) return undefined;
    const durable = path.steps.findLast(({ stage }) => stage === 'durable');
    const end = durable === undefined ? undefined : this.#chronicle.numbered(durable.n);
    return end !== undefined && end.n < event.n ? end : undefined;
  }

  #ofChunks(event: Batch): LoggedEvent | undefined {
    const process = this.#chronicle.producers.get(event.producer ?? '')?.process;
    if (process === undefined) return undefined;
    const atNs = momentOf(event);
    return this.#last(event, (other) => isOf(other, process, 'started', 'ready') && other.atNs <= atNs);
  }

  #ofAcknowledged(event: Told<'acknowledged'>): LoggedEvent | undefined {
    const journal = chunkJournal(event.partition);
    return this.#last(event, (other) => {
      if (other.event !== 'batch' || other.journal !== journal || other.producer !== event.producer) return false;
      const first = other.index ?? 0;
      return first < event.through && event.through <= first + (other.count ?? 0);
    });
  }

  /** A process claims a shard after its own end, or as the successor in a takeover that names the last owner. */
  #ofRaised(event: Told<'raised'>): LoggedEvent | undefined {
    const owner = this.#last(
      event,
      (other) => other.event === 'confirmed' && other.shard === event.shard && other.process !== event.process,
    );
    const replaced = owner?.event === 'confirmed' ? owner.process : undefined;
    return this.#last(
      event,
      (other) =>
        isOf(other, event.process, 'ended') ||
        (replaced !== undefined && other.event === 'fault' && isTakeoverOf(other, replaced)),
    );
  }

  #ofCheckpoint(event: Told<'checkpoint'>): LoggedEvent | undefined {
    const { process, shard, moment } = event;
    if (moment !== 'claim') return this.#endOf(event, process);
    return this.#last(event, (other) => isOf(other, process, 'confirmed') && 'shard' in other && other.shard === shard);
  }

  /** The fault that hit the process and had not healed. The cause of a replaced process's exit is the takeover. */
  #ofEnd(event: Told<'ended'>): LoggedEvent | undefined {
    const { process, exitCode } = event;
    const healed = new Set<number>();
    for (const other of this.#chronicle.events) {
      if (other.n < event.n && other.event === 'fault-healed') healed.add(other.id);
    }
    return this.#last(event, (other) => {
      if (other.event !== 'fault' || !targetsOf(other).includes(process)) return false;
      return exitCode === EXIT.fenced ? isTakeoverOf(other, process) : !healed.has(other.id);
    });
  }
}

function isOf(event: LoggedEvent, process: string, ...names: readonly LoggedEvent['event'][]): boolean {
  return 'process' in event && event.process === process && names.includes(event.event);
}

function isSameClaim(one: Told<'raised'>, other: Told<'confirmed'>): boolean {
  return one.process === other.process && one.shard === other.shard && one.epoch === other.epoch;
}

function targetsOf({ target }: Told<'fault'>): string[] {
  return target.split(' ');
}

function isTakeoverOf(fault: Told<'fault'>, process: string): boolean {
  return fault.kind.startsWith('takeover-') && targetsOf(fault).includes(process);
}

/** When it really happened: a batch is durable before it is told of. */
function momentOf(event: LoggedEvent): number {
  return event.event === 'batch' && event.stampNs !== 0 ? event.stampNs : event.atNs;
}
