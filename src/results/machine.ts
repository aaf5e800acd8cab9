/**
 * The processor and the system settings that decide figures, as far as the kernel tells them. Two processors of one
 * name can differ by generations: family, model and stepping tell them apart. An unknown value is null and never
 * guessed.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

/** As the kernel prints them. On ARM the implementer is the family, and the part is the model. */
export type Processor = {
  readonly vendor: string | null;
  readonly family: string | null;
  readonly model: string | null;
  readonly stepping: string | null;
  readonly microcode: string | null;
  /** The highest frequency where it is known, else the current one. */
  readonly frequencyMHz: number | null;
  /** `L1 Data 48K`, of one core. */
  readonly caches: readonly string[] | null;
  /** `none`, its name, or `unnamed` when it is only known that there is one. */
  readonly hypervisor: string | null;
};

/** Settings that a user, or the operator of the machine, can change. */
export type SystemSettings = {
  /** Options of the mount that holds the data folder, and of its file system. */
  readonly filesystemOptions: string | null;
  /** `write back` or `write through`: what the disk says of its cache. */
  readonly diskCache: string | null;
  /** /proc/sys/vm/dirty_*. */
  readonly writeback: Readonly<Record<string, string | null>>;
  /** Cores' worth of CPU time that the control group may use; null: no known limit. */
  readonly cpuLimit: number | null;
  readonly memoryLimitBytes: number | null;
  readonly transparentHugepages: string | null;
  /** The entries of /sys/devices/system/cpu/vulnerabilities that affect the processor. */
  readonly mitigations: Readonly<Record<string, string>> | null;
  /** The load average of the minute before the run. */
  readonly loadAtStart: number | null;
};

export type Read = (path: string) => string | null;

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

function trimmed(text: string | null): string | null {
  const line = text?.trim() ?? '';
  return line === '' ? null : line;
}

/** The processor by the text of /proc/cpuinfo, whose first block counts. */
export function processorOf(cpuinfo: string, read: Read = readText): Processor {
  const [block = ''] = cpuinfo.split(/\n\s*\n/);
  const field = (...keys: readonly string[]): string | null => {
    for (const key of keys) {
      const found = new RegExp(`^${key}\\s*:(.*)$`, 'm').exec(block)?.[1];
      if (trimmed(found ?? null) !== null) return trimmed(found ?? null);
    }
    return null;
  };
  const [variant, revision] = [field('CPU variant'), field('CPU revision')];
  return {
    vendor: field('vendor_id', 'CPU implementer'),
    family: field('cpu family', 'CPU implementer'),
    model: field('model', 'CPU part'),
    stepping: field('stepping') ?? (variant === null && revision === null ? null : `${variant} ${revision}`),
    microcode: field('microcode'),
    frequencyMHz: frequencyOf(field('cpu MHz'), read),
    caches: cachesOf(read),
    hypervisor: hypervisorOf(field('flags') ?? '', block, read),
  };
}

function frequencyOf(current: string | null, read: Read): number | null {
  const most = trimmed(read('/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq'));
  if (most !== null && /^\d+$/.test(most)) return Number(most) / 1e3;
  return current !== null && Number.isFinite(Number(current)) ? Math.round(Number(current)) : null;
}

function cachesOf(read: Read): string[] | null {
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  const caches = names(folder).flatMap((name) => {
    const [level, type, size] = ['level', 'type', 'size'].map((file) => trimmed(read(join(folder, name, file))));
    return level === null || size === null || type === null ? [] : [`L${level} ${type} ${size}`];
  });
  return caches.length === 0 ? null : caches;
}

function hypervisorOf(flags: string, block: string, read: Read): string | null {
  const product = ['sys_vendor', 'product_name'].flatMap((file) => trimmed(read(`/sys/class/dmi/id/${file}`)) ?? []);
  const type = trimmed(read('/sys/hypervisor/type'));
  if (/\bhypervisor\b/.test(flags)) return type ?? (product.length === 0 ? 'unnamed' : product.join(' '));
  return block.includes('flags') && type === null ? 'none' : type;
}

const WRITEBACK = [
  'dirty_background_bytes',
  'dirty_background_ratio',
  'dirty_bytes',
  'dirty_ratio',
  'dirty_expire_centisecs',
  'dirty_writeback_centisecs',
];

/** `folder` must exist; `filesystemOptions` is of its mount. */
export function readSystemSettings(folder: string, filesystemOptions: string | null): SystemSettings {
  const memory = process.constrainedMemory();
  const [load = 0] = loadavg();
  return {
    filesystemOptions,
    diskCache: diskCacheOf(folder, readText),
    writeback: Object.fromEntries(WRITEBACK.map((name) => [name, trimmed(readText(`/proc/sys/vm/${name}`))])),
    cpuLimit: cpuLimitOf(readText('/proc/self/cgroup') ?? '', readText),
    // Without a limit the value is 0, or a number above all memory.
    memoryLimitBytes: memory > 0 && memory < Number.MAX_SAFE_INTEGER / 2 ? memory : null,
    transparentHugepages: /\[(\w+)\]/.exec(readText('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    mitigations: mitigationsOf('/sys/devices/system/cpu/vulnerabilities', readText),
    loadAtStart: Math.round(load * 100) / 100,
  };
}

function diskCacheOf(folder: string, read: Read): string | null {
  const device = statSync(folder).dev;
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  const disk = `/sys/dev/block/${major}:${minor}`;
  // A partition has no queue of its own.
  return trimmed(read(`${disk}/queue/write_cache`)) ?? trimmed(read(`${disk}/../queue/write_cache`));
}

/**
 * The tightest limit of the groups above a process, by the text of /proc/self/cgroup, of version 2 and of version 1.
 */
export function cpuLimitOf(cgroup: string, read: Read): number | null {
  const limits: number[] = [];
  for (const line of cgroup.trim().split('\n')) {
    const [, controllers, path] = line.split(':');
    if (controllers === undefined || path === undefined) continue;
    const isSecond = controllers === '';
    if (!isSecond && !controllers.split(',').includes('cpu')) continue;
    for (const group of groupsAbove(path)) {
      const folder = isSecond ? `/sys/fs/cgroup${group}` : `/sys/fs/cgroup/cpu${group}`;
      const [quota, period] = isSecond
        ? (read(`${folder}/cpu.max`) ?? '').trim().split(' ')
        : [trimmed(read(`${folder}/cpu.cfs_quota_us`)), trimmed(read(`${folder}/cpu.cfs_period_us`))];
      const limit = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
      if (Number.isFinite(limit) && limit > 0) limits.push(limit);
    }
  }
  return limits.length === 0 ? null : Math.min(...limits);
}

function groupsAbove(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    index === 0 ? '' : `/${parts.slice(0, index).join('/')}`,
  );
}

function mitigationsOf(folder: string, read: Read): Record<string, string> | null {
  const found = names(folder).flatMap((name): [string, string][] => {
    const text = trimmed(read(join(folder, name)));
    return text === null || text === 'Not affected' ? [] : [[name, text]];
  });
  return names(folder).length === 0 ? null : Object.fromEntries(found);
}
