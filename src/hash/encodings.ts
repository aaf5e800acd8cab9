// Encodings of strings as node:crypto's Hash takes them: the names of Buffer in any case, and `buffer`, which means
// utf8 for input and a Buffer for a digest. A name that node:crypto would silently replace is refused.

import { ArgumentError } from './bytes.ts';

function encodingOf(name: string, encoding: unknown): BufferEncoding | 'buffer' {
  if (typeof encoding !== 'string') throw new ArgumentError(`${name} must be a string`);
  if (Buffer.isEncoding(encoding)) return encoding;
  if (encoding.toLowerCase() === 'buffer') return 'buffer';
  throw new ArgumentError(`${name} must name an encoding, not ${JSON.stringify(encoding)}`, 'ERR_INVALID_ARG_VALUE');
}

/** Whether the caller gave an encoding; node:crypto ignores every falsy value too. */
function isGiven(encoding: unknown): boolean {
  return encoding !== undefined && encoding !== null && encoding !== '';
}

/**
 * The bytes of a string. Throws a TypeError with the code ERR_INVALID_ARG_TYPE if the encoding is not a string, and
 * ERR_INVALID_ARG_VALUE if the encoding is unknown or the hex text ends in half a byte.
 */
export function decodeString(text: string, encoding: unknown): Uint8Array {
  if (!isGiven(encoding)) return Buffer.from(text, 'utf8');
  const known = encodingOf('inputEncoding', encoding);
  if (known === 'buffer') return Buffer.from(text, 'utf8');
  if (known.toLowerCase() === 'hex' && text.length % 2 !== 0)
    throw new ArgumentError(`inputEncoding hex is invalid for data of length ${text.length}`, 'ERR_INVALID_ARG_VALUE');
  return Buffer.from(text, known);
}

/** The encoding of a digest; undefined means a Buffer. Throws as `decodeString` does. */
export function outputEncodingOf(encoding: unknown): BufferEncoding | undefined {
  if (!isGiven(encoding)) return undefined;
  const known = encodingOf('encoding', encoding);
  return known === 'buffer' ? undefined : known;
}
