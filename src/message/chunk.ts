/**
 * The chunk record: a piece of one file.
 *
 * Layout, little-endian:
 *
 * | offset | size | type  | meaning                                                       |
 * | -----: | ---: | ----- | ------------------------------------------------------------- |
 * |      0 |    4 | u32   | bytes of data; 0 ends the file                                |
 * |      4 |    4 | u32   | chunk sequence in its file, from 1; the end counts            |
 * |      8 |    8 | bytes | file id: producer id                                          |
 * |     16 |    8 | u64   | file id: file number of that producer, dense from 0, big-endian |
 * |     24 |      | bytes | data                                                          |
 *
 * The native pool (`native/sha256`) parses the same layout; a golden file checks both.
 */

export const CHUNK_HEADER_BYTES = 24;
export const FILE_ID_BYTES = 16;

export type Chunk = {
  /** 32 hexadecimal digits. */
  readonly fileId: string;
  readonly sequence: number;
  /** A view into the payload; empty at the end of the file. */
  readonly data: Uint8Array;
};

/**
 * Walks the chunks of a payload; `null` when a length leads past its end. For tests, audits and re-cutting, not for the
 * hot path.
 */
export function decodeChunks(payload: Uint8Array): Chunk[] | null {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const chunks: Chunk[] = [];
  let offset = 0;
  while (offset < payload.length) {
    if (payload.length - offset < CHUNK_HEADER_BYTES) return null;
    const end = offset + CHUNK_HEADER_BYTES + view.getUint32(offset, true);
    if (end > payload.length) return null;
    chunks.push({
      fileId: Buffer.from(payload.buffer, payload.byteOffset + offset + 8, FILE_ID_BYTES).toString('hex'),
      sequence: view.getUint32(offset + 4, true),
      data: payload.subarray(offset + CHUNK_HEADER_BYTES, end),
    });
    offset = end;
  }
  return chunks;
}

export function encodeChunk(chunk: Chunk): Buffer {
  const bytes = Buffer.alloc(CHUNK_HEADER_BYTES + chunk.data.length);
  bytes.writeUInt32LE(chunk.data.length, 0);
  bytes.writeUInt32LE(chunk.sequence, 4);
  bytes.write(chunk.fileId, 8, 'hex');
  bytes.set(chunk.data, CHUNK_HEADER_BYTES);
  return bytes;
}

/** File id of a producer's file: 32 hexadecimal digits. */
export function fileIdOf(producer: string, fileNumber: number): string {
  return producer + fileNumber.toString(16).padStart(16, '0');
}

/** The file number in a file id, exact below 2^53; NaN above. */
export function fileNumberOf(fileId: string): number {
  const value = Number.parseInt(fileId.slice(16), 16);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
