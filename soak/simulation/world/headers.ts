/**
 * What the first frame of a message shows without being decoded: it is JSON, with its fields in the order of writing.
 */

/** Whether a header begins like a message of this type. */
export function isOfType(header: Uint8Array, type: string): boolean {
  const begin = `{"t":"${type}"`;
  return (
    Buffer.from(header.buffer, header.byteOffset, Math.min(begin.length, header.length)).toString('latin1') === begin
  );
}

const HEADER = /^\{"t":"(?<type>[a-z]+)"(?:,"id":\d+,"call":\{"op":"(?<op>[a-z-]+)")?/;
const HEADER_BYTES = 80;

/** The type of a message by its header; the operation of a call. Empty when the header names none. */
export function nameOfMessage(header: Uint8Array | undefined): string {
  if (header === undefined) return '';
  const bytes = Buffer.from(header.buffer, header.byteOffset, Math.min(header.length, HEADER_BYTES));
  const { type = '', op } = HEADER.exec(bytes.toString('latin1'))?.groups ?? {};
  return op ?? type;
}

const FENCED = '"outcome":"fenced"';

/** Whether it is an answer that fences. Ends of streams are not such answers. */
export function isFenced(header: Uint8Array | undefined): boolean {
  if (header === undefined || !(isOfType(header, 'acks') || isOfType(header, 'reply'))) return false;
  return Buffer.from(header.buffer, header.byteOffset, header.length).includes(FENCED);
}
