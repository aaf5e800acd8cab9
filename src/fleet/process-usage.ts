/** What a process and a folder use now, from Linux's /proc and from stat. An unknown value is null and never 0. */

import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The unit of times in /proc/<pid>/stat: USER_HZ, 100 in the ABI of every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export type ProcessUsage = {
  /** Resident memory. */
  readonly rssBytes: number | null;
  /** The part of that which belongs to no file, so that the system cannot take it back. */
  readonly anonymousBytes: number | null;
  /** Open file descriptors. */
  readonly descriptors: number | null;
  /** User and system time since the process started. */
  readonly cpuSeconds: number | null;
  /** What the process caused to be written to a disk since it started. */
  readonly writtenBytes: number | null;
};

/** VmRSS of the text of /proc/<pid>/status, in bytes. */
export function rssBytesOf(status: string): number | null {
  return bytesOf(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
}

/** RssAnon from the same text. */
export function anonymousBytesOf(status: string): number | null {
  return bytesOf(/^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1]);
}

function bytesOf(kilobytes: string | undefined): number | null {
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** utime and stime of the text of /proc/<pid>/stat, whose second field may hold blanks and brackets. */
export function cpuSecondsOf(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
}

/** The letter of a process's state in the text of /proc/<pid>/stat: R runs, S sleeps, T is stopped, Z has ended. */
export function stateOf(stat: string): string | null {
  return /^ (?<state>[A-Za-z]) /.exec(stat.slice(stat.lastIndexOf(')') + 1))?.groups?.['state'] ?? null;
}

/** The state now, by the kernel; null when there is no such process. */
export function processState(pid: number): string | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat === null ? null : stateOf(stat);
}

/** The command line of a process as the kernel has it; null when there is no such process. */
export function processArguments(pid: number): readonly string[] | null {
  const line = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  return line === null ? null : line.split('\0').slice(0, -1);
}

/** write_bytes of the text of /proc/<pid>/io. */
export function writtenBytesOf(io: string): number | null {
  const bytes = /^write_bytes: (\d+)$/m.exec(io)?.[1];
  return bytes === undefined ? null : Number(bytes);
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export function readProcessUsage(pid: number): ProcessUsage {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const io = attempt(() => readFileSync(`/proc/${pid}/io`, 'utf8'));
  return {
    rssBytes: status === null ? null : rssBytesOf(status),
    anonymousBytes: status === null ? null : anonymousBytesOf(status),
    descriptors: attempt(() => readdirSync(`/proc/${pid}/fd`).length),
    cpuSeconds: stat === null ? null : cpuSecondsOf(stat),
    writtenBytes: io === null ? null : writtenBytesOf(io),
  };
}

/** Bytes on disk of a folder's files, as du counts them; null when it cannot be read. Files that vanish count 0. */
export function diskBytesOf(folder: string): number | null {
  const entries = attempt((): Dirent[] => readdirSync(folder, { withFileTypes: true }));
  if (entries === null) return null;
  let bytes = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? (diskBytesOf(path) ?? 0) : (attempt(() => lstatSync(path).blocks * 512) ?? 0);
  }
  return bytes;
}
