/**
 * The witness of a violation: what became of its file, and who did what around it. A checker that finds nothing; the
 * schedule is run once more for it.
 */

import { crc32c } from '../../src/hash/crc32c.ts';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { decodeBatch } from '../../src/message/batch.ts';
import { decodeChunks, fileIdOf } from '../../src/message/chunk.ts';
import { decodeSums } from '../../src/message/sum.ts';
import type { Checker, Findings, HistoryEvent } from './history.ts';
import type { Finding } from './violation.ts';

const LINES_MAX = 40;

export class Witness implements Checker {
  readonly name = 'witness';
  readonly #violation: Finding;
  #lines: string[] = [];
  #startNs = 0;
  #isAfter = false;

  constructor(violation: Finding) {
    this.#violation = violation;
  }

  /** The last ones before the violation, and the violation. */
  get lines(): readonly string[] {
    return this.#lines.slice(-LINES_MAX);
  }

  observe(event: HistoryEvent): void {
    if (event.event === 'run') this.#startNs = event.atNs;
    if (this.#isAfter || event.atNs > this.#violation.atNs) {
      this.#isAfter = true;
      return;
    }
    const line = this.#lineOf(event);
    if (line === null) return;
    this.#lines.push(`${((event.atNs - this.#startNs) / 1e9).toFixed(6).padStart(12)} s  ${line}`);
    if (this.#lines.length > LINES_MAX * 4) this.#lines = this.#lines.slice(-LINES_MAX);
  }

  finish(): Findings {
    return { violations: [], violationCount: 0, inconclusive: [] };
  }

  /** `null`: it has nothing to do with the violation. */
  #lineOf(event: HistoryEvent): string | null {
    switch (event.event) {
      case 'phase':
        return `phase ${event.phase}`;
      case 'fault':
        return `fault ${event.id}: ${event.kind} of ${event.target}`;
      case 'ready':
        return `${event.process} is ready`;
      case 'ended':
        return event.exitCode === null ? `${event.process} was killed` : `${event.process} exited ${event.exitCode}`;
      case 'raised':
      case 'confirmed':
        return `${event.process} ${event.event} shard ${event.shard} with epoch ${event.epoch}`;
      case 'completed':
        return this.#isFile(event.producer, event.fileNumber)
          ? `the end of the file was generated, as record ${event.endIndex}`
          : null;
      case 'verified':
        return this.#isFile(event.producer, event.fileNumber) ? 'the sum of the file was verified' : null;
      case 'batch':
        return this.#batchLine(event);
      case 'violation':
        return `${event.process} found: ${event.kind}: ${event.detail}`;
      case 'run':
      case 'started':
      case 'fault-effective':
      case 'producer':
      case 'ending':
      case 'acknowledged':
      case 'verified-files':
      case 'drained':
      case 'unread':
      case 'trimmed':
      case 'head':
      case 'checkpoint':
      case 'end':
      case 'said':
      case 'up':
      case 'flowed':
      case 'faults-due':
      case 'fault-refuted':
      case 'fault-healed':
      case 'fault-recovered':
      case 'failed':
      case 'crashed':
      case 'interrupted':
      case 'halted':
      case 'unfollowed':
      case 'audited':
      case 'doubt':
      case 'found':
        return null;
      default:
        return event satisfies never;
    }
  }

  #batchLine({ journal, begin, bytes }: Extract<HistoryEvent, { event: 'batch' }>): string | null {
    const { file, journal: named, offset } = this.#violation;
    const batch = decodeBatch(bytes, journal, crc32c);
    const place = `${journal} at ${begin}`;
    if ('fault' in batch) return `${place}: ${batch.fault}`;
    const { producer, firstIndex, count, epoch, payload } = batch;
    const records = `records ${firstIndex} to ${firstIndex + count - 1} of ${producer}`;
    if (journal === named && begin === offset) return `${place}: ${records}, which shows it`;
    if (file === undefined) return null;
    if (journal === SUMS_JOURNAL) {
      const sum = decodeSums(payload)?.find(({ fileId }) => fileId === file);
      return sum === undefined ? null : `${place}: its sum ${sum.digest}, epoch ${epoch}, in ${records}`;
    }
    const sequences = (decodeChunks(payload) ?? []).flatMap(({ fileId, sequence }) =>
      fileId === file ? [sequence] : [],
    );
    return sequences.length === 0 ? null : `${place}: its chunks ${sequences.join(', ')} in ${records}`;
  }

  #isFile(producer: string, fileNumber: number): boolean {
    return this.#violation.file === fileIdOf(producer, fileNumber);
  }
}
