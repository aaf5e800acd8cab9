/**
 * What a summer has committed of one shard, read from its store: the same rows from which it continues, decoded without
 * its code, so that an audit can compare them with an independent fold.
 */

import { OperatingError } from '../../src/core/errors.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import { PAGE_BYTES, PAGE_SLOTS } from '../../src/hash/pool.ts';
import { STATE_BYTES, Sha256 } from '../../src/hash/sha256.ts';
import { keyOf, nameOfKey, numberRange, offsetOfKey, openBytes, openRow } from '../../src/store/row.ts';
import type { StoreReader } from '../../src/store/store.ts';
import { isCheckpointRow, isProducerRow } from '../../src/summer/rows.ts';
import type { HistoryEvent, OpenFileState } from './history.ts';

const SLOT_BYTES = PAGE_BYTES / PAGE_SLOTS;
const FILE_ID_BYTES = 16;
const SEQUENCE_BYTES = 4;

/** The part of a `checkpoint` event that describes a shard. */
export type Checkpoint = Pick<
  Extract<HistoryEvent, { event: 'checkpoint' }>,
  'offset' | 'nextSum' | 'nextIndexes' | 'openFiles' | 'outbox'
>;

/** The shard's committed state; `null` when the store has none. Throws an OperatingError on damaged rows. */
export function readCheckpoint(store: StoreReader, shard: number): Checkpoint | null {
  const stored = store.get('checkpoints', keyOf(shard));
  if (stored === undefined) return null;
  const { offset, nextSum } = openRow(stored, isCheckpointRow, `the checkpoint of shard ${shard}`);
  const nextIndexes: Record<string, number> = {};
  for (const { key, value } of store.range('producers', numberRange(shard))) {
    nextIndexes[nameOfKey(key)] = openRow(value, isProducerRow, `a producer of shard ${shard}`).next;
  }
  const outbox = store.range('outbox', numberRange(shard)).map(({ key, value }) => ({
    first: offsetOfKey(key),
    sums: openBytes(value, `the outbox of shard ${shard}`),
  }));
  const openFiles: Record<string, OpenFileState> = {};
  for (const { value } of store.range('states', numberRange(shard))) readPage(value, shard, openFiles);
  return { offset, nextSum, nextIndexes, openFiles, outbox };
}

/** Adds the files of a page (`hash/pool.ts` has its layout). A slot whose id is all zeros is free. */
function readPage(row: Buffer, shard: number, openFiles: Record<string, OpenFileState>): void {
  const page = row.subarray(0, PAGE_BYTES);
  if (row.length !== PAGE_BYTES + 4 || row.readUInt32LE(PAGE_BYTES) !== crc32c(0, page)) {
    throw new OperatingError('ERR_STORE_DAMAGED', `a page of hash states of shard ${shard} does not verify`);
  }
  for (let at = 0; at < PAGE_BYTES; at += SLOT_BYTES) {
    const id = page.subarray(at, at + FILE_ID_BYTES);
    if (id.every((byte) => byte === 0)) continue;
    const state = page.subarray(at + FILE_ID_BYTES + SEQUENCE_BYTES, at + FILE_ID_BYTES + SEQUENCE_BYTES + STATE_BYTES);
    const hash = Sha256.deserialize(state);
    openFiles[id.toString('hex')] = {
      lastSequence: page.readUInt32LE(at + FILE_ID_BYTES),
      bytes: hash.byteCount,
      digest: hash.digest('hex'),
    };
  }
}
