/**
 * The machine and the software that a run was measured on: everything that is needed to judge its figures. An unknown
 * value is null and never guessed. Modules that load native libraries hand in their versions.
 */

import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Processor, processorOf, readSystemSettings, readText, type SystemSettings } from './machine.ts';

/** The instruction sets that a SHA-256 backend or a CRC can depend on, as the kernel names them. */
const ISA_FLAGS: ReadonlySet<string> = new Set(
  (
    'ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 sha_ni pclmulqdq vpclmulqdq avx512f avx512bw avx512dq avx512vl ' +
    'avx512vbmi gfni asimd sha2 sha512 sve crc32 pmull'
  ).split(' '),
);

/** Facts that only the modules that load native libraries know. */
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
  /** Runs from before these three were recorded lack them. */
  readonly v8?: string;
  readonly processor?: Processor;
  readonly system?: SystemSettings;
} & NativeVersions;

/**
 * The names of the environment's facts that a run of today records. If two runs lack one of them, they are not known to
 * have the same environment.
 */
export const ENVIRONMENT_FACTS: readonly string[] = [
  'cpu',
  'kernel',
  'filesystem',
  'node',
  'v8',
  'zeromq',
  'libzmq',
  'lmdb',
  'addonBackend',
  ...['family', 'model', 'stepping', 'microcode', 'frequencyMHz', 'caches', 'hypervisor'].map(
    (name) => `processor.${name}`,
  ),
  ...['filesystemOptions', 'diskCache', 'writeback', 'transparentHugepages', 'mitigations'].map(
    (name) => `system.${name}`,
  ),
];

/** The flags that matter here, from the first block of /proc/cpuinfo, in its order. */
export function isaFlagsOf(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return line.split(/\s+/).filter((name) => ISA_FLAGS.has(name));
}

/** The mount and the file system of a path. */
export type Mount = {
  /** Type and source: `ext4 /dev/vda1`. */
  readonly description: string;
  /** Options of the mount and of the file system, each once. */
  readonly options: string;
};

/**
 * The mount that `path` lies on, by the text of /proc/self/mountinfo (proc(5)). Of equal mount points the last one
 * counts.
 */
export function mountOf(path: string, mountinfo: string): Mount | null {
  let found: ({ readonly point: string } & Mount) | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const point = fields[4]?.replace(/\\(\d{3})/g, (_, octal: string) => octalCharacter(octal));
    const [type, source, ofFilesystem = ''] = right?.split(' ') ?? [];
    if (point === undefined || type === undefined || source === undefined) continue;
    const holds = point === '/' || path === point || path.startsWith(`${point}/`);
    if (holds && (found === null || point.length >= found.point.length)) {
      const options = new Set([...(fields[5] ?? '').split(','), ...ofFilesystem.split(',')]);
      const text = [...options].filter((option) => option !== '').join(',');
      found = { point, description: `${type} ${source}`, options: text };
    }
  }
  return found === null ? null : { description: found.description, options: found.options };
}

function octalCharacter(octal: string): string {
  return String.fromCodePoint(Number.parseInt(octal, 8));
}

/**
 * The version of an installed package as seen from `from` (a module's URL), without loading it; null when the package
 * is not found.
 */
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
  const cpuinfo = readText('/proc/cpuinfo') ?? '';
  const mount = mountOf(realpathSync(dataFolder), readText('/proc/self/mountinfo') ?? '');
  return {
    cpu: cpus()[0]?.model.trim() ?? null,
    isa: isaFlagsOf(cpuinfo),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    filesystem: mount?.description ?? null,
    node: process.version,
    v8: process.versions.v8,
    processor: processorOf(cpuinfo),
    system: readSystemSettings(dataFolder, mount?.options ?? null),
    ...versions,
  };
}
