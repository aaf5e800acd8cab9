/**
 * Packs several messages into one. Node spends 5 to 6 us on each ZeroMQ message whatever its size, so messages to one
 * peer within one turn of the event loop share that cost.
 *
 * A packed message begins with an extra frame: the four bytes `SSM1`, then for each message the number of its frames
 * (u16, little-endian). The frames of all messages follow. A message without that first frame is a single message.
 */

import type { Frames } from './transport.ts';

const MAGIC = 0x314d5353;
const MAGIC_BYTES = 4;
/** The most messages, and the most bytes, in one packed message. A larger message goes alone. */
export const COALESCED_MESSAGES_MAX = 64;
export const COALESCED_BYTES_MAX: number = 1024 * 1024;

/** Takes messages off the front of `queue`, at least one, and returns the frames that carry them. */
export function coalesce(queue: Frames[]): Frames {
  let bytes = 0;
  let count = 0;
  for (const frames of queue) {
    for (const frame of frames) bytes += frame.length;
    if (count > 0 && (count === COALESCED_MESSAGES_MAX || bytes > COALESCED_BYTES_MAX)) break;
    count += 1;
  }
  const taken = queue.splice(0, count);
  const [first] = taken;
  if (first !== undefined && taken.length === 1) return first;
  const head = Buffer.allocUnsafe(MAGIC_BYTES + taken.length * 2);
  head.writeUInt32LE(MAGIC, 0);
  taken.forEach((frames, index) => head.writeUInt16LE(frames.length, MAGIC_BYTES + index * 2));
  return [head, ...taken.flat()];
}

/** The messages that arrived packed as one; `null` when the first frame does not fit the others. */
export function separate(frames: Frames): readonly Frames[] | null {
  const [head] = frames;
  if (head === undefined || head.length < MAGIC_BYTES) return [frames];
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint32(0, true) !== MAGIC) return [frames];
  const messages: Frames[] = [];
  let next = 1;
  for (let at = MAGIC_BYTES; at < head.length; at += 2) {
    if (at + 2 > head.length) return null;
    const count = view.getUint16(at, true);
    if (count === 0 || next + count > frames.length) return null;
    messages.push(frames.slice(next, next + count));
    next += count;
  }
  return next === frames.length ? messages : null;
}
