// Checks of buffers before they cross into the addon, which reads and writes them in place. Memory shared between
// threads is refused: another thread could change it while it is read. Types are told by what a value is made of and not
// by its prototype, which anybody can set, and which is another one for values of another realm.

import { types } from 'node:util';

class ArgumentError extends TypeError {
  readonly code: string = 'ERR_INVALID_ARG_TYPE';
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a Uint8Array over unshared memory. */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (!types.isUint8Array(value)) throw new ArgumentError(`${name} must be a Uint8Array`);
  checkUnshared(name, value);
}

/** The same for a Uint32Array. */
export function checkWords(name: string, value: unknown): asserts value is Uint32Array {
  if (!types.isUint32Array(value)) throw new ArgumentError(`${name} must be a Uint32Array`);
  checkUnshared(name, value);
}

/** The bytes of a string (as UTF-8) or of any view; throws as `checkBytes` does. */
export function bytesOf(name: string, value: string | NodeJS.ArrayBufferView): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (!ArrayBuffer.isView(value)) throw new ArgumentError(`${name} must be a string or a view of an ArrayBuffer`);
  checkUnshared(name, value);
  if (types.isUint8Array(value)) return value;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a string. */
export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new ArgumentError(`${name} must be a string`);
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a number. */
export function checkNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new ArgumentError(`${name} must be a number`);
}

function checkUnshared(name: string, value: NodeJS.ArrayBufferView): void {
  const { buffer } = value;
  if (buffer instanceof ArrayBuffer) return;
  if (types.isSharedArrayBuffer(buffer)) throw new ArgumentError(`${name} must not be shared memory`);
}
