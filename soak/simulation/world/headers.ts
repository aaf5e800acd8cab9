/** What the first frame of a message tells without being decoded: it is JSON, in the order in which it was written. */

/** Whether a header, which is JSON, begins as a message of this type. */
export function isOfType(header: Uint8Array, type: string): boolean {
  const begin = `{"t":"${type}"`;
  return (
    Buffer.from(header.buffer, header.byteOffset, Math.min(begin.length, header.length)).toString('latin1') === begin
  );
}

const HEADER = /^\{"t":"(?<type>[a-z]+)"(?:,"id":\d+,"call":\{"op":"(?<op>[a-z-]+)")?/;
const HEADER_BYTES = 80;

/** The type of a message as its header names it; of a call its operation. Empty where it names none. */
export function nameOfMessage(header: Uint8Array | undefined): string {
  if (header === undefined) return '';
  const bytes = Buffer.from(header.buffer, header.byteOffset, Math.min(header.length, HEADER_BYTES));
  const { type = '', op } = HEADER.exec(bytes.toString('latin1'))?.groups ?? {};
  return op ?? type;
}

const FENCED = '"outcome":"fenced"';

/** Whether it is an answer that fences; of the ends of streams there is nothing to be told. */
export function isFenced(header: Uint8Array | undefined): boolean {
  if (header === undefined || !(isOfType(header, 'acks') || isOfType(header, 'reply'))) return false;
  return Buffer.from(header.buffer, header.byteOffset, header.length).includes(FENCED);
}
