/** The units that a journal consists of: batches, or the frames of a state log. */

import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import { STATE_MAGIC, decodeStateFrame } from '../../message/state-frame.ts';
import { BATCH_MAGIC } from './batch-cutter.ts';

export type Frames = {
  readonly magic: number;
  /** Why bytes are no such unit of that journal; null: they are one. */
  faultOf(bytes: Uint8Array, journal: string): string | null;
};

export const BATCHES: Frames = {
  magic: BATCH_MAGIC,
  faultOf(bytes, journal) {
    const batch = decodeBatch(bytes, journal, crc32c);
    return 'fault' in batch ? batch.fault : null;
  },
};

export const STATE_FRAMES: Frames = {
  magic: STATE_MAGIC,
  faultOf(bytes, journal) {
    const frame = decodeStateFrame(bytes, journal, crc32c);
    return 'fault' in frame ? frame.fault : null;
  },
};
