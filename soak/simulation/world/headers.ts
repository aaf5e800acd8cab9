/** What the first frame of a message tells without being decoded: it is JSON, in the order in which it was written. */

/** Whether a header, which is JSON, begins as a message of this type. */
export function isOfType(header: Uint8Array, type: string): boolean {
  const begin = `{"t":"${type}"`;
  return (
    Buffer.from(header.buffer, header.byteOffset, Math.min(begin.length, header.length)).toString('latin1') === begin
  );
}

const FENCED = '"outcome":"fenced"';

/** Whether it is an answer that fences; of the ends of streams there is nothing to be told. */
export function isFenced(header: Uint8Array | undefined): boolean {
  if (header === undefined || !(isOfType(header, 'acks') || isOfType(header, 'reply'))) return false;
  return Buffer.from(header.buffer, header.byteOffset, header.length).includes(FENCED);
}
