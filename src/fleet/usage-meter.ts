/** What the processes of a run use, by name and over their restarts, read from /proc. */

import { type ProcessUsage, readProcessUsage } from './process-usage.ts';

/** Counts that start again with each process. */
type Cumulative = 'cpuSeconds' | 'writtenBytes';
type Count = { pid: number; before: number; now: number };

export class UsageMeter {
  readonly #counts: { readonly [Name in Cumulative]: Map<string, Count> } = {
    cpuSeconds: new Map(),
    writtenBytes: new Map(),
  };

  /** Reads the running processes; a process that is down (pid null) is left out. */
  read(processes: readonly { readonly name: string; readonly pid: number | null }[]): Map<string, ProcessUsage> {
    const usages = new Map<string, ProcessUsage>();
    for (const { name, pid } of processes) {
      if (pid === null) continue;
      const usage = readProcessUsage(pid);
      usages.set(name, usage);
      this.#count('cpuSeconds', name, { pid, value: usage.cpuSeconds });
      this.#count('writtenBytes', name, { pid, value: usage.writtenBytes });
    }
    return usages;
  }

  #count(what: Cumulative, name: string, { pid, value }: { pid: number; value: number | null }): void {
    if (value === null) return;
    const count = this.#counts[what].get(name) ?? { pid, before: 0, now: 0 };
    if (count.pid !== pid) count.before += count.now;
    this.#counts[what].set(name, { pid, before: count.before, now: value });
  }

  /** By name, the use since each process was first started; processes whose use is unknown are left out. */
  total(what: Cumulative): Map<string, number> {
    return new Map([...this.#counts[what]].map(([name, { before, now }]) => [name, before + now]));
  }
}
