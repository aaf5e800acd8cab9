/**
 * Writes the golden files anew. Only for a new version of the format, because readers must go on reading older data.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../../hash/crc32c.ts';
import { encodeBatch } from '../batch.ts';
import { encodeChunk } from '../chunk.ts';
import { encodeSum } from '../sum.ts';
import {
  CHUNKS_JOURNAL,
  GOLDEN_CHUNKS,
  GOLDEN_END,
  GOLDEN_FOLDER,
  GOLDEN_SUMS,
  SUMS_JOURNAL,
} from './golden-batches.ts';

const chunks = Buffer.concat(GOLDEN_CHUNKS.chunks.map(encodeChunk));
const sums = Buffer.concat(GOLDEN_SUMS.sums.map(encodeSum));
mkdirSync(GOLDEN_FOLDER, { recursive: true });
const write = (name: string, bytes: Buffer): void => writeFileSync(join(GOLDEN_FOLDER, `${name}.bin`), bytes);
write('chunks', encodeBatch(GOLDEN_CHUNKS.header, chunks, CHUNKS_JOURNAL, crc32c));
write('sums', encodeBatch(GOLDEN_SUMS.header, sums, SUMS_JOURNAL, crc32c));
write('end', encodeBatch(GOLDEN_END, new Uint8Array(0), CHUNKS_JOURNAL, crc32c));
