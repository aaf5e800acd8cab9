/**
 * A note beside a store: the id of the last acknowledged transaction. It tells apart two states of the meta pages whose
 * bytes may be equal: a meta page that LMDB could not write (LMDB puts the old id back beside the new roots), and an
 * acknowledged meta page in whose id a bit has flipped.
 *
 * The note is written after each durable commit and before the commit resolves. It is not synced: 36 bytes go into the
 * system's cache. So as long as the machine runs, the note never names an older transaction than the last acknowledged
 * one, however the process ends. After a power cut the note is only a lower bound. After a failed commit the note is
 * synced, with a flag: no later transaction will be acknowledged.
 *
 * | offset | size | type | |
 * | --- | --- | --- | --- |
 * | 0 | 4 | u32, little-endian | CRC-32C of the rest |
 * | 4 | 4 | u32, little-endian | 1, the version |
 * | 8 | 8 | u64, little-endian | transaction id |
 * | 16 | 4 | u32, little-endian | 1 after a commit that failed, else 0 |
 * | 20 | 16 | bytes | boot id of the machine |
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fdatasyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { crc32c } from '../hash/crc32c.ts';

const NOTE_BYTES = 36;
const VERSION = 1;
const AT = { checksum: 0, version: 4, transaction: 8, failed: 16, boot: 20 } as const;

/** Where the system does not tell its boots apart, each process counts as a boot. */
const BOOT: Buffer = readBoot();

export type Acknowledged = {
  /** The acknowledged transaction; 0: none was acknowledged. */
  readonly transaction: bigint;
  /** No later transaction was acknowledged. */
  readonly isLast: boolean;
};

/** What the note in `path` says; null when the note is missing or damaged. */
export function readAcknowledged(path: string, boot: Buffer = BOOT): Acknowledged | null {
  const note = Buffer.alloc(NOTE_BYTES);
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (readSync(descriptor, note, 0, NOTE_BYTES, 0) < NOTE_BYTES) return null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
  if (note.readUInt32LE(AT.checksum) !== crc32c(0, note.subarray(AT.version))) return null;
  if (note.readUInt32LE(AT.version) !== VERSION) return null;
  const isLast = note.readUInt32LE(AT.failed) === 1 || note.subarray(AT.boot).equals(boot);
  return { transaction: note.readBigUInt64LE(AT.transaction), isLast };
}

/** The owner's note, open. Its blocks are already allocated, so writing it cannot fail for lack of space. */
export class AcknowledgedNote {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(NOTE_BYTES);

  constructor(path: string, boot: Buffer = BOOT) {
    this.#descriptor = openSync(path, constants.O_RDWR);
    this.#bytes.writeUInt32LE(VERSION, AT.version);
    boot.copy(this.#bytes, AT.boot);
  }

  /** Notes that everything up to this transaction is acknowledged, or is about to be. */
  acknowledged(transaction: bigint): void {
    this.#bytes.writeBigUInt64LE(transaction, AT.transaction);
    this.#write();
  }

  /** Notes, durably, that nothing was acknowledged after the last noted transaction. */
  failed(): void {
    this.#bytes.writeUInt32LE(1, AT.failed);
    this.#write();
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #write(): void {
    this.#bytes.writeUInt32LE(crc32c(0, this.#bytes.subarray(AT.version)), AT.checksum);
    writeSync(this.#descriptor, this.#bytes, 0, NOTE_BYTES, 0);
  }
}

function readBoot(): Buffer {
  try {
    const boot = Buffer.from(
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll(/[^0-9a-f]/g, ''),
      'hex',
    );
    if (boot.length === 16) return boot;
  } catch {
    // The system does not say.
  }
  return randomBytes(16);
}
