/**
 * The limits of this process that matter to LMDB. Linux tells them in /proc. Elsewhere they are unknown, and everything
 * is allowed.
 */

import { readFileSync } from 'node:fs';

export type ProcessLimits = {
  /** Bytes of address space that are left; Infinity without a limit. */
  readonly addressBytes: number;
  /** The largest file that the process may write. */
  readonly fileBytes: number;
  /** Bytes of private memory (heap, stacks of threads) that are left. */
  readonly dataBytes: number;
  /** The stack size of a thread. */
  readonly stackBytes: number;
};

export function readProcessLimits(): ProcessLimits {
  const limits = textOf('/proc/self/limits');
  const status = textOf('/proc/self/status');
  return {
    addressBytes: Math.max(0, limitOf(limits, 'Max address space') - usedBytes(status, 'VmSize')),
    fileBytes: limitOf(limits, 'Max file size'),
    dataBytes: Math.max(0, limitOf(limits, 'Max data size') - usedBytes(status, 'VmData')),
    stackBytes: limitOf(limits, 'Max stack size'),
  };
}

function usedBytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

/** The soft limit, in bytes; Infinity when there is none. */
function limitOf(limits: string, name: string): number {
  const value = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(limits)?.[1];
  return value === undefined ? Infinity : Number(value);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
