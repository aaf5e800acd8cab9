// For tests: batches in the layout that the pool parses, and the results of node:crypto for them.

import { createHash, type Hash } from 'node:crypto';

import { RECORD_HEADER_BYTES, SUM_BYTES } from './pool.ts';

/** One record of a batch; no data ends the file. */
export interface FixtureRecord {
  readonly fileId: Buffer;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** A file id of `producer`, a number that stands for 8 bytes. */
export function fixtureFileId(producer: number, file: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeBigUInt64LE(BigInt(producer) * 0x9e37_79b9n, 0);
  id.writeBigUInt64BE(BigInt(file), 8);
  return id;
}

/** The payload of a batch. */
export function encodeRecords(records: readonly FixtureRecord[]): Buffer {
  const parts = records.flatMap(({ fileId, sequence, data }) => {
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    header.writeUInt32LE(data.length, 0);
    header.writeUInt32LE(sequence, 4);
    fileId.copy(header, 8);
    return [header, data];
  });
  return Buffer.concat(parts);
}

interface ReferenceFile {
  readonly hash: Hash;
  sequence: number;
  bytes: number;
}

/** The oracle: one node:crypto Hash a file. It assigns the sequences itself. */
export class ReferencePool {
  readonly files: Map<string, ReferenceFile> = new Map();

  /** Makes the next record of a file. */
  next(fileId: Buffer, data: Uint8Array): { record: FixtureRecord; sum: Buffer | null } {
    const key = fileId.toString('hex');
    const file = this.files.get(key) ?? { hash: createHash('sha256'), sequence: 0, bytes: 0 };
    this.files.set(key, file);
    file.sequence += 1;
    file.bytes += data.length;
    const record = { fileId, sequence: file.sequence, data };
    if (data.length > 0) {
      file.hash.update(data);
      return { record, sum: null };
    }
    this.files.delete(key);
    const sum = Buffer.alloc(SUM_BYTES);
    fileId.copy(sum, 0);
    sum.writeUInt32LE(file.sequence, 16);
    sum.writeBigUInt64LE(BigInt(file.bytes), 24);
    file.hash.digest().copy(sum, 32);
    return { record, sum };
  }
}

/** A value that the type checker would refuse, to show what is done with it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a lie to the type checker is its purpose
export function mistyped<T>(value: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return value as T;
}
