/** The journals of a built history, and the shards that fold them by node:crypto. */

import { type Hash, createHash } from 'node:crypto';
import { crc32c } from '../../../../src/hash/crc32c.ts';
import { type BatchHeader, encodeBatch } from '../../../../src/message/batch.ts';
import { decodeChunks } from '../../../../src/message/chunk.ts';
import type { Sum } from '../../../../src/message/sum.ts';
import type { BatchEvent } from '../batch-reader.ts';
import type { OpenFileState } from '../../history.ts';

export type Stored = Omit<BatchEvent, 'atNs' | 'event'>;

export class Log {
  readonly name: string;
  readonly batches: Stored[] = [];
  head = 0;
  /** How many of the batches the history shows. */
  shown = 0;

  constructor(name: string) {
    this.name = name;
  }

  append(header: BatchHeader, payload: Uint8Array, stampNs: number): void {
    const bytes = encodeBatch(header, payload, this.name, crc32c);
    const begin = this.head;
    this.head += bytes.length;
    this.batches.push({ journal: this.name, begin, end: this.head, stampNs, bytes });
  }
}

type Open = { readonly hash: Hash; bytes: number; lastSequence: number };

/** A shard as its summer has committed it. */
export class Shard {
  readonly open: Map<string, Open> = new Map();
  readonly nextIndexes: Map<string, number> = new Map();
  readonly sums: Sum[] = [];
  folded = 0;
  offset = 0;
  published = 0;
  /** Index of the next sum in the sums journal. It differs when sums are tampered with. */
  nextIndex = 0;
  epoch = 1;

  fold({ end, bytes }: Stored): void {
    const producer = bytes.subarray(16, 24);
    const id = Buffer.from(producer).toString('hex');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint16(10, true) === 3) {
      this.nextIndexes.delete(id);
      for (const file of this.open.keys()) if (file.startsWith(id)) this.open.delete(file);
    } else {
      for (const { fileId, sequence, data } of decodeChunks(bytes.subarray(48)) ?? []) {
        const file = this.open.get(fileId) ?? { hash: createHash('sha256'), bytes: 0, lastSequence: 0 };
        file.hash.update(data);
        file.bytes += data.length;
        file.lastSequence = sequence;
        if (data.length > 0) this.open.set(fileId, file);
        else {
          this.open.delete(fileId);
          this.sums.push({ fileId, lastSequence: sequence, bytes: file.bytes, digest: file.hash.digest('hex') });
        }
      }
      this.nextIndexes.set(id, view.getUint32(24, true) + view.getUint32(12, true));
    }
    this.folded += 1;
    this.offset = end;
  }

  get openFiles(): Record<string, OpenFileState> {
    const states = Array.from(this.open, ([file, { hash, bytes, lastSequence }]) => {
      return [file, { lastSequence, bytes, digest: hash.copy().digest('hex') }] as const;
    });
    return Object.fromEntries(states);
  }
}
