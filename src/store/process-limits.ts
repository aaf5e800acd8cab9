/**
 * What the system lets this process have, as far as LMDB asks for it. Linux tells it in /proc; elsewhere nothing is known
 * and everything is allowed.
 */

import { readFileSync } from 'node:fs';

export type ProcessLimits = {
  /** Bytes of address space that are left; Infinity without a limit. */
  readonly addressBytes: number;
  /** The largest size of a file that it may write. */
  readonly fileBytes: number;
};

export function readProcessLimits(): ProcessLimits {
  const limits = textOf('/proc/self/limits');
  const total = limitOf(limits, 'Max address space');
  const fileBytes = limitOf(limits, 'Max file size');
  if (total === Infinity) return { addressBytes: Infinity, fileBytes };
  const usedKib = /^VmSize:\s*(\d+) kB$/m.exec(textOf('/proc/self/status'))?.[1];
  return { addressBytes: Math.max(0, total - Number(usedKib ?? 0) * 1024), fileBytes };
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
