/**
 * Beside a store: the id of the last transaction that was acknowledged. It tells two states of the meta pages apart
 * whose bytes may be equal: a meta page that LMDB could not write (it puts the old id back beside the new roots), and
 * an acknowledged one in whose id a bit has flipped.
 *
 * It is written after each durable commit and before the commit resolves, and not synced: 36 bytes into the system's
 * cache. So it never names less than what was acknowledged, as long as the machine runs, however the process ends. It
 * outlives a power cut as a lower bound only. After a commit that failed it is synced, with a flag: nothing is
 * acknowledged any more.
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

/** Where the system does not tell its boots apart, every process is one. */
const BOOT: Buffer = readBoot();

export type Acknowledged = {
  /** This transaction was acknowledged, if it is not 0. */
  readonly transaction: bigint;
  /** No later one was. */
  readonly isLast: boolean;
};

/** What the note in `path` says; null when there is none, or it is damaged. */
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

/** The owner's note, open. Its blocks were allocated before: writing it cannot fail for want of space. */
export class AcknowledgedNote {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(NOTE_BYTES);

  constructor(path: string, boot: Buffer = BOOT) {
    this.#descriptor = openSync(path, constants.O_RDWR);
    this.#bytes.writeUInt32LE(VERSION, AT.version);
    boot.copy(this.#bytes, AT.boot);
  }

  /** Says that everything up to this transaction is, or is about to be, acknowledged. */
  acknowledged(transaction: bigint): void {
    this.#bytes.writeBigUInt64LE(transaction, AT.transaction);
    this.#write();
  }

  /** Says, durably, that nothing was acknowledged after the transaction that was named last. */
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
    // Not told.
  }
  return randomBytes(16);
}
