// Checks of buffers before they cross into the addon, which reads and writes them in place. Memory shared between
// threads is refused, because another thread could change it during the call. A value is recognised by its internal
// slots, through getters that this module took when it was loaded. Its prototype and own properties prove nothing:
// anybody can set them, and a value of another realm has other ones.

import { types } from 'node:util';

/** A TypeError with a code: ERR_INVALID_ARG_TYPE unless another one is given. */
export class ArgumentError extends TypeError {
  readonly code: string;

  constructor(message: string, code = 'ERR_INVALID_ARG_TYPE') {
    super(message);
    this.code = code;
  }
}

/** The getter of `property` on `prototype`, as a function of the object. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the language says that the getter returns
function getter<T>(prototype: object, property: string): (object: object) => T {
  // oxlint-disable-next-line typescript/unbound-method -- it is bound to each object that it is called with
  const get = Object.getOwnPropertyDescriptor(prototype, property)?.get;
  if (get === undefined) throw new Error(`there is no getter ${property}`);
  return Function.prototype.call.bind(get);
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- %TypedArray% has no name of its own
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typedArrayBuffer = getter<ArrayBufferLike>(typedArray, 'buffer');
const typedArrayByteOffset = getter<number>(typedArray, 'byteOffset');
const typedArrayByteLength = getter<number>(typedArray, 'byteLength');
const dataViewBuffer = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
const dataViewByteOffset = getter<number>(DataView.prototype, 'byteOffset');
const dataViewByteLength = getter<number>(DataView.prototype, 'byteLength');
/** Throws unless its argument is an ArrayBuffer of a single thread. */
const arrayBufferByteLength = getter<number>(ArrayBuffer.prototype, 'byteLength');
const { isUint8Array, isUint32Array, isDataView } = types;
const isView = ArrayBuffer.isView.bind(ArrayBuffer);
const NO_BYTES = new Uint8Array(0);

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a Uint8Array over unshared memory. */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (!isUint8Array(value)) throw new ArgumentError(`${name} must be a Uint8Array`);
  checkUnshared(name, typedArrayBuffer(value));
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a Uint32Array over unshared memory. */
export function checkWords(name: string, value: unknown): asserts value is Uint32Array {
  if (!isUint32Array(value)) throw new ArgumentError(`${name} must be a Uint32Array`);
  checkUnshared(name, typedArrayBuffer(value));
}

/** The bytes of any view; no bytes when its memory is gone. Throws as `checkBytes` does. */
export function bytesOf(name: string, value: unknown): Uint8Array {
  if (isUint8Array(value)) {
    checkUnshared(name, typedArrayBuffer(value));
    return value;
  }
  if (!isView(value)) throw new ArgumentError(`${name} must be a string or a view of an ArrayBuffer`);
  if (isDataView(value)) {
    const buffer = dataViewBuffer(value);
    checkUnshared(name, buffer);
    return dataViewBytes(value, buffer);
  }
  const buffer = typedArrayBuffer(value);
  checkUnshared(name, buffer);
  const length = typedArrayByteLength(value);
  return length === 0 ? NO_BYTES : new Uint8Array(buffer, typedArrayByteOffset(value), length);
}

function dataViewBytes(view: DataView, buffer: ArrayBufferLike): Uint8Array {
  try {
    const length = dataViewByteLength(view);
    return length === 0 ? NO_BYTES : new Uint8Array(buffer, dataViewByteOffset(view), length);
  } catch {
    // A view out of the bounds of its memory has no length.
    return NO_BYTES;
  }
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a string. */
export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new ArgumentError(`${name} must be a string`);
}

/** Throws a TypeError with the code ERR_INVALID_ARG_TYPE unless `value` is a number. */
export function checkNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new ArgumentError(`${name} must be a number`);
}

function checkUnshared(name: string, buffer: object): void {
  try {
    arrayBufferByteLength(buffer);
  } catch {
    throw new ArgumentError(`${name} must not be shared memory`);
  }
}
