/**
 * Makes entries of the frames of a state log, and says which of them count: the one rule by which every reader of a log
 * comes to the same entries.
 *
 * - An entry is whole when its last frame is there, right behind the others. Frames without it are dropped.
 * - An entry below the next sequence is a repetition, and is dropped. One above it is a gap, a violation.
 * - An entry of a lower epoch than one that counts was written by a replaced owner, and is dropped.
 *
 * Rule P-STATE-2 of docs/protocol.md.
 */

import { ViolationError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { type StateFrame, decodeStateFrame } from '../../message/state-frame.ts';
import type { StoredBatch } from '../journals.ts';
import type { StateEntry } from '../state-log.ts';

export type OwnedEntry = StateEntry & { readonly epoch: number };

type Begun = { readonly begin: number; readonly first: StateFrame; readonly parts: Uint8Array[] };

export class EntryReader {
  readonly #journal: string;
  /** Sequence of the next entry that counts. */
  next: number;
  /** Epoch of the last entry that counts; -1: there was none. */
  epoch = -1;
  #begun: Begun | null = null;

  constructor(journal: string, next: number) {
    this.#journal = journal;
    this.next = next;
  }

  /** Takes the frame that follows. Returns the entry that it completes, if that counts. */
  push({ begin, end, bytes }: Pick<StoredBatch, 'begin' | 'end' | 'bytes'>): OwnedEntry | null {
    const frame = decodeStateFrame(bytes, this.#journal, crc32c);
    const place = { journal: this.#journal, offset: begin };
    if ('fault' in frame) throw new ViolationError('corrupt', frame.fault, place);
    if (frame.piece === 0) this.#begun = { begin, first: frame, parts: [] };
    const begun = this.#begun;
    if (begun === null || !follows(frame, begun)) {
      this.#begun = null;
      return null;
    }
    begun.parts.push(frame.payload);
    if (begun.parts.length < frame.pieces) return null;
    this.#begun = null;
    const entry = Buffer.concat(begun.parts);
    const { sequence, epoch } = frame;
    if (epoch < this.epoch || sequence < this.next) return null;
    if (sequence > this.next) {
      const detail = `entries ${this.next} to ${sequence - 1} of the state of a shard are missing`;
      throw new ViolationError('gap', detail, { ...place, index: this.next });
    }
    if (crc32c(0, entry) !== frame.entry) {
      throw new ViolationError('corrupt', 'the checksum is not that of this entry', place);
    }
    this.next = sequence + 1;
    this.epoch = epoch;
    return { begin: begun.begin, end, sequence, epoch, checksum: frame.entry, bytes: entry };
  }
}

function follows(frame: StateFrame, { first, parts }: Begun): boolean {
  return (
    frame.piece === parts.length &&
    frame.pieces === first.pieces &&
    frame.entry === first.entry &&
    frame.sequence === first.sequence &&
    frame.epoch === first.epoch
  );
}
