/**
 * SHA-256 by node:crypto of bytes that come in small pieces and whose digest is seldom asked for. Pieces are gathered,
 * and hashed together when they fill their slot or when the digest is asked for. So a hash that is never asked for a
 * digest may never be computed.
 */

import { type Hash, createHash } from 'node:crypto';

const SLOT_BITS = 12;
/** The most bytes that one hash gathers. */
export const SLOT_BYTES: number = 1 << SLOT_BITS;
const PAGE_SLOT_BITS = 8;
const PAGE_SLOTS = 1 << PAGE_SLOT_BITS;
const SLOTS_MAX = 16_384;
/** A shorter piece is copied word by word, which is quicker than a call. */
const SHORT_BYTES = 128;

/** The slots that the hashes of one owner share. When all are taken, further hashes take their bytes at once. */
export class GatheringSlots {
  readonly #pages: Uint8Array[] = [];
  readonly #slotsMax: number;
  readonly #free: number[] = [];
  #slots = 0;

  constructor(slotsMax: number = SLOTS_MAX) {
    this.#slotsMax = slotsMax;
  }

  /** Whether more than half are taken. Then a digest that is due should be computed, to free its slot. */
  get areScarce(): boolean {
    return (this.#slots - this.#free.length) * 2 > this.#slotsMax;
  }

  /** Null: all are taken. */
  take(): number | null {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#slots === this.#slotsMax) return null;
    this.#slots += 1;
    return this.#slots - 1;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }

  bytesOf(slot: number): DataView {
    const page = slot >> PAGE_SLOT_BITS;
    let bytes = this.#pages[page];
    if (bytes === undefined) {
      bytes = new Uint8Array(PAGE_SLOTS * SLOT_BYTES);
      this.#pages[page] = bytes;
    }
    return new DataView(bytes.buffer, (slot & (PAGE_SLOTS - 1)) << SLOT_BITS, SLOT_BYTES);
  }
}

export class GatheredHash {
  readonly #slots: GatheringSlots;
  /** Of the bytes before the gathered ones. Null: there are none. */
  #hash: Hash | null = null;
  #slot: number | null = null;
  #gathered: DataView | null = null;
  #length = 0;

  constructor(slots: GatheringSlots) {
    this.#slots = slots;
  }

  /** Takes the bytes from `begin` to `end`, which are not kept. */
  update(bytes: DataView, begin: number, end: number): void {
    const length = end - begin;
    if (this.#length + length > SLOT_BYTES) this.#flush();
    const gathered = length > SLOT_BYTES ? null : (this.#gathered ?? this.#takeSlot());
    if (gathered === null) {
      this.#flush();
      this.#hash ??= createHash('sha256');
      this.#hash.update(new Uint8Array(bytes.buffer, bytes.byteOffset + begin, length));
      return;
    }
    copyBytes(gathered, this.#length, { bytes, begin, end });
    this.#length += length;
  }

  /** 64 hexadecimal digits, of the bytes so far. More bytes may follow. */
  digest(): string {
    const hash = this.#hash?.copy() ?? createHash('sha256');
    return hash.update(this.#bytes()).digest('hex');
  }

  /** Gives its slot back. Called when neither bytes nor digests are to come. */
  free(): void {
    if (this.#slot !== null) this.#slots.give(this.#slot);
    this.#slot = null;
    this.#gathered = null;
    this.#length = 0;
    this.#hash = null;
  }

  #takeSlot(): DataView | null {
    this.#slot = this.#slots.take();
    if (this.#slot !== null) this.#gathered = this.#slots.bytesOf(this.#slot);
    return this.#gathered;
  }

  #flush(): void {
    if (this.#length === 0) return;
    this.#hash ??= createHash('sha256');
    this.#hash.update(this.#bytes());
    this.#length = 0;
  }

  #bytes(): Uint8Array {
    const gathered = this.#gathered;
    return gathered === null ? new Uint8Array(0) : new Uint8Array(gathered.buffer, gathered.byteOffset, this.#length);
  }
}

function copyBytes(
  target: DataView,
  at: number,
  { bytes, begin, end }: { readonly bytes: DataView; readonly begin: number; readonly end: number },
): void {
  const length = end - begin;
  if (length >= SHORT_BYTES) {
    const piece = new Uint8Array(bytes.buffer, bytes.byteOffset + begin, length);
    new Uint8Array(target.buffer, target.byteOffset + at, length).set(piece);
    return;
  }
  const words = length & ~3;
  for (let done = 0; done < words; done += 4) target.setInt32(at + done, bytes.getInt32(begin + done));
  for (let done = words; done < length; done += 1) target.setUint8(at + done, bytes.getUint8(begin + done));
}
