/** A batch with a header that no writer would make. Only its checksum is right. */

import { crc32c } from '../../hash/crc32c.ts';
import { type BatchHeader, BATCH_HEADER_BYTES, type BatchKind, encodeBatch } from '../batch.ts';

const KINDS: readonly BatchKind[] = ['chunks', 'sums', 'end'];
const END: BatchHeader = { kind: 'end', producer: '8000000000000000', firstIndex: 0, count: 1, epoch: 0 };

export type ForgedHeader = Omit<BatchHeader, 'firstIndex' | 'epoch'> & {
  readonly firstIndex: number | bigint;
  readonly epoch: number | bigint;
};

/** Seals the header around the payload for the journal, without checking the header. */
export function forgeBatch(header: ForgedHeader, payload: Uint8Array, journal: string): Buffer {
  const batch = Buffer.concat([
    encodeBatch({ ...END, producer: header.producer }, new Uint8Array(0), '', crc32c),
    payload,
  ]);
  batch.writeUInt16LE(KINDS.indexOf(header.kind) + 1, 10);
  batch.writeUInt32LE(header.count, 12);
  batch.writeBigUInt64LE(BigInt(header.firstIndex), 24);
  batch.writeBigUInt64LE(BigInt(header.epoch), 32);
  batch.writeUInt32LE(batch.length - BATCH_HEADER_BYTES, 40);
  const seed = crc32c(0, Buffer.from(journal, 'utf8'));
  batch.writeUInt32LE(crc32c(seed, batch.subarray(4)), 0);
  return batch;
}
