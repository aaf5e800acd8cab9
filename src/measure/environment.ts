/**
 * The machine and the software that a run was measured on: what somebody needs to judge its figures. What cannot be
 * found out is null and never guessed. Versions of native libraries are handed in by who loads them.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** The instruction sets that a SHA-256 backend or a CRC can depend on, as the kernel names them. */
const ISA_FLAGS: ReadonlySet<string> = new Set(
  (
    'ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 sha_ni pclmulqdq vpclmulqdq avx512f avx512bw avx512dq avx512vl ' +
    'avx512vbmi gfni asimd sha2 sha512 sve crc32 pmull'
  ).split(' '),
);

/** What only the modules that load native libraries know. */
export type NativeVersions = {
  readonly zeromq: string | null;
  readonly libzmq: string | null;
  readonly lmdb: string | null;
  /** The SHA-256 backend that the addon chose. */
  readonly addonBackend: string | null;
};

export type Environment = {
  readonly cpu: string | null;
  readonly isa: readonly string[];
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Type and source of the file system that holds the data folder: `ext4 /dev/vda1`. */
  readonly filesystem: string | null;
  readonly node: string;
} & NativeVersions;

/** The first block of /proc/cpuinfo to the flags that matter here, in its order. */
export function isaFlagsOf(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return line.split(/\s+/).filter((name) => ISA_FLAGS.has(name));
}

/** The mount that `path` lies on, by the text of /proc/self/mountinfo (proc(5)); the last of equal mount points counts. */
export function filesystemOf(path: string, mountinfo: string): string | null {
  let found: { readonly point: string; readonly description: string } | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4]?.replace(/\\(\d{3})/g, (_, octal: string) => octalCharacter(octal));
    const [type, source] = right?.split(' ') ?? [];
    if (point === undefined || type === undefined || source === undefined) continue;
    const holds = point === '/' || path === point || path.startsWith(`${point}/`);
    if (holds && (found === null || point.length >= found.point.length)) {
      found = { point, description: `${type} ${source}` };
    }
  }
  return found?.description ?? null;
}

function octalCharacter(octal: string): string {
  return String.fromCodePoint(Number.parseInt(octal, 8));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The version of an installed package as seen from `from` (a module's URL), without loading it; null when not found. */
export function packageVersion(name: string, from: string): string | null {
  for (const folder of createRequire(from).resolve.paths(name) ?? []) {
    const text = readText(join(folder, name, 'package.json'));
    if (text === null) continue;
    const version = /"version"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  return null;
}

/** `dataFolder` must exist. */
export function readEnvironment(dataFolder: string, versions: NativeVersions): Environment {
  return {
    cpu: cpus()[0]?.model.trim() ?? null,
    isa: isaFlagsOf(readText('/proc/cpuinfo') ?? ''),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    filesystem: filesystemOf(realpathSync(dataFolder), readText('/proc/self/mountinfo') ?? ''),
    node: process.version,
    ...versions,
  };
}
