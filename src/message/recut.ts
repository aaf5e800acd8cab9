/**
 * Cuts leading records off a batch. After a restart the journal may expect an index in the middle of a batch, because a
 * dead incarnation had cut its batches at other places.
 */

import { assert, unreachable } from '../core/assert.ts';
import { type BatchKind, BATCH_HEADER_BYTES, type Checksum, decodeBatch, encodeBatch } from './batch.ts';
import { CHUNK_HEADER_BYTES } from './chunk.ts';
import { SUM_BYTES } from './sum.ts';

/** The same batch without its first `dropped` records, with a new checksum. `dropped` is below the batch's count. */
export function dropLeadingRecords(batch: Uint8Array, dropped: number, journal: string, checksum: Checksum): Buffer {
  const decoded = decodeBatch(batch, journal, checksum);
  assert(!('fault' in decoded), 'a batch that this process sealed is sound');
  assert(dropped >= 0 && dropped < decoded.count, `cannot drop ${dropped} of ${decoded.count} records`);
  const offset = offsetOfRecord(decoded.kind, batch.subarray(BATCH_HEADER_BYTES), dropped);
  const header = { ...decoded, firstIndex: decoded.firstIndex + dropped, count: decoded.count - dropped };
  return encodeBatch(header, decoded.payload.subarray(offset), journal, checksum);
}

function offsetOfRecord(kind: BatchKind, payload: Uint8Array, record: number): number {
  switch (kind) {
    case 'sums':
      return record * SUM_BYTES;
    case 'end':
      return 0;
    case 'chunks': {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
      let offset = 0;
      for (let skipped = 0; skipped < record; skipped += 1) {
        offset += CHUNK_HEADER_BYTES + view.getUint32(offset, true);
      }
      return offset;
    }
    default:
      return unreachable(kind);
  }
}
