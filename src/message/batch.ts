/**
 * The record batch: the unit that is appended, stored as one value, and read. Pure codec, no I/O.
 *
 * Layout, little-endian:
 *
 * | offset | size | type  | meaning                                                                     |
 * | -----: | ---: | ----- | --------------------------------------------------------------------------- |
 * |      0 |    4 | u32   | CRC-32C of the journal's name (UTF-8) followed by bytes 4 to the end         |
 * |      4 |    4 | bytes | magic `SSB1`                                                                |
 * |      8 |    2 | u16   | version, 1                                                                  |
 * |     10 |    2 | u16   | kind: 1 chunks, 2 sums, 3 end of a producer                                 |
 * |     12 |    4 | u32   | count of records, from 1, and no more than the payload has room for         |
 * |     16 |    8 | bytes | producer id                                                                 |
 * |     24 |    8 | u64   | index of the first record, counted by producer and journal                  |
 * |     32 |    8 | u64   | epoch of the shard that wrote it, 0 for a chunker                           |
 * |     40 |    4 | u32   | bytes of the payload                                                        |
 * |     44 |    4 | u32   | reserved, 0                                                                 |
 * |     48 |      |       | payload: records back to back                                               |
 *
 * The checksum covers the journal's name, so that a batch that was delivered to the wrong journal does not verify.
 *
 * Rules P-BATCH-1, P-BATCH-2 of docs/protocol.md.
 */

import { assert, isCount, unreachable } from '../core/assert.ts';
import { CHUNK_HEADER_BYTES } from './chunk.ts';
import { readCount, writeCount } from './counts.ts';
import { SUM_BYTES } from './sum.ts';

export const BATCH_HEADER_BYTES = 48;
/** No batch is larger, header included. */
export const BATCH_BYTES_MAX: number = 4 * 1024 * 1024;

const MAGIC = 0x31425353;
const VERSION = 1;
const KINDS = ['chunks', 'sums', 'end'] as const;

export type BatchKind = (typeof KINDS)[number];

/** CRC-32C that can be continued: `checksum(checksum(0, a), b)` is the checksum of `a` and `b` joined. */
export type Checksum = (seed: number, data: Uint8Array) => number;

export type BatchHeader = {
  readonly kind: BatchKind;
  /** 16 hexadecimal digits. */
  readonly producer: string;
  readonly firstIndex: number;
  readonly count: number;
  readonly epoch: number;
};

/** A decoded batch. `payload` is a view into the bytes that were decoded. */
export type Batch = BatchHeader & { readonly payload: Uint8Array };

export type BatchFault = { readonly fault: string };

/**
 * Writes the header, checksum included, into the first 48 bytes of `batch`. The payload must already be in place behind
 * them, and `batch` must span the whole batch and nothing else.
 */
export function sealBatch(batch: Uint8Array, header: BatchHeader, journal: string, checksum: Checksum): void {
  assert(batch.length >= BATCH_HEADER_BYTES && batch.length <= BATCH_BYTES_MAX, `batch of ${batch.length} bytes`);
  assert(header.count >= 1, 'a batch has at least one record');
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  view.setUint32(4, MAGIC, true);
  view.setUint16(8, VERSION, true);
  view.setUint16(10, KINDS.indexOf(header.kind) + 1, true);
  view.setUint32(12, header.count, true);
  writeProducer(batch, 16, header.producer);
  writeCount(view, 24, header.firstIndex);
  writeCount(view, 32, header.epoch);
  view.setUint32(40, batch.length - BATCH_HEADER_BYTES, true);
  view.setUint32(44, 0, true);
  view.setUint32(0, checksum(journalSeed(journal, checksum), batch.subarray(4)), true);
}

/** A fresh batch around a copy of `payload`. */
export function encodeBatch(header: BatchHeader, payload: Uint8Array, journal: string, checksum: Checksum): Buffer {
  const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + payload.length);
  batch.set(payload, BATCH_HEADER_BYTES);
  sealBatch(batch, header, journal, checksum);
  return batch;
}

/**
 * Validates length, magic, version, kind, bounds and checksum. It does not validate the records: whoever parses the
 * payload does. `count` can be trusted as a size, because the payload has room for so many records.
 */
export function decodeBatch(bytes: Uint8Array, journal: string, checksum: Checksum): Batch | BatchFault {
  if (bytes.length < BATCH_HEADER_BYTES) return { fault: `${bytes.length} bytes are too few for a batch` };
  if (bytes.length > BATCH_BYTES_MAX) return { fault: `${bytes.length} bytes are too many for a batch` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(4, true) !== MAGIC) return { fault: 'not a batch: the magic is wrong' };
  if (view.getUint16(8, true) !== VERSION) return { fault: `unknown batch version ${view.getUint16(8, true)}` };
  if (view.getUint32(0, true) !== checksum(journalSeed(journal, checksum), bytes.subarray(4))) {
    return { fault: `the checksum is not that of this batch in ${journal}` };
  }
  const kind = KINDS[view.getUint16(10, true) - 1];
  if (kind === undefined) return { fault: `unknown batch kind ${view.getUint16(10, true)}` };
  const count = view.getUint32(12, true);
  const firstIndex = readCount(view, 24);
  const epoch = readCount(view, 32);
  if (count < 1 || !isCount(firstIndex) || !isCount(firstIndex + count) || !isCount(epoch)) {
    return { fault: 'count, index or epoch is out of bounds' };
  }
  if (view.getUint32(40, true) !== bytes.length - BATCH_HEADER_BYTES) return { fault: 'the payload length is wrong' };
  const payload = bytes.subarray(BATCH_HEADER_BYTES);
  if (!hasRoomFor({ kind, count }, payload.length)) return { fault: faultOfCount(kind, count, payload.length) };
  return { kind, producer: readProducer(bytes, 16), firstIndex, count, epoch, payload };
}

/**
 * Whether a payload of so many bytes can hold `count` records. Before this check `count` is only a claim of the batch.
 */
function hasRoomFor({ kind, count }: { kind: BatchKind; count: number }, payloadBytes: number): boolean {
  switch (kind) {
    case 'chunks':
      return count >= 1 && count * CHUNK_HEADER_BYTES <= payloadBytes;
    case 'sums':
      return count >= 1 && count * SUM_BYTES === payloadBytes;
    case 'end':
      return count === 1 && payloadBytes === 0;
    default:
      return unreachable(kind);
  }
}

function faultOfCount(kind: BatchKind, count: number, payloadBytes: number): string {
  if (kind === 'end') return 'an end has no payload';
  return `${count} records of ${kind} are not what a payload of ${payloadBytes} bytes holds`;
}

/** Checksums of journals' names. Names beyond this bound are computed each time. */
const JOURNAL_SEEDS_MAX = 4096;
const journalSeeds = new Map<string, number>();

function journalSeed(journal: string, checksum: Checksum): number {
  let seed = journalSeeds.get(journal);
  if (seed === undefined) {
    seed = checksum(0, Buffer.from(journal, 'utf8'));
    if (journalSeeds.size < JOURNAL_SEEDS_MAX) journalSeeds.set(journal, seed);
  }
  return seed;
}

export const PRODUCER_ID_BYTES = 8;

/** Writes a producer id of 16 hexadecimal digits as 8 bytes. */
export function writeProducer(target: Uint8Array, offset: number, producer: string): void {
  assert(isProducerId(producer), `no producer id: ${producer}`);
  for (let byte = 0; byte < PRODUCER_ID_BYTES; byte += 1) {
    target[offset + byte] = Number.parseInt(producer.slice(byte * 2, byte * 2 + 2), 16);
  }
}

/** Ids that were read: by their last 4 bytes, the first 4 and the text. Most batches repeat one of a few ids. */
const readIds = new Map<number, { readonly first: number; readonly text: string }>();
const READ_IDS_MAX = 4096;

/** The same id is the same string object, so that it is hashed once. */
export function readProducer(source: Uint8Array, offset: number): string {
  const first = readWord(source, offset);
  const last = readWord(source, offset + 4);
  const known = readIds.get(last);
  if (known?.first === first) return known.text;
  const text = Buffer.from(source.buffer, source.byteOffset + offset, PRODUCER_ID_BYTES).toString('hex');
  if (readIds.size >= READ_IDS_MAX) readIds.clear();
  readIds.set(last, { first, text });
  return text;
}

function readWord(source: Uint8Array, offset: number): number {
  const low = (source[offset] ?? 0) | ((source[offset + 1] ?? 0) << 8);
  return low | ((source[offset + 2] ?? 0) << 16) | ((source[offset + 3] ?? 0) << 24);
}

export function isProducerId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

/**
 * The constant producer id of a shard: four zero bytes, then its number. A chunker's id never begins with a zero
 * byte.
 */
export function shardProducer(shard: number): string {
  return shard.toString(16).padStart(16, '0');
}
