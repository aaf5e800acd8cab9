/**
 * Finds figures that no machine can have: more CPU-seconds in a second than it has cores. A rate and the CPU time of a
 * million chunks come from the same window, so their product says how busy the cores were. If it exceeds the cores, the
 * rate counts work of another time.
 */

import type { Sample } from '../src/results/samples.ts';
import { parameterOf, parametersWithout } from './rows.ts';

export const RATE_METRIC: string = 'chunks_per_s';
export const CPU_METRIC: string = 'cpu_s_per_million_chunks';
/** The name of all processes together. */
export const ALL: string = 'all';

/** /proc counts CPU time in hundredths of a second, and a window begins and ends within one. */
const TOLERANCE = 1.02;

/** CPU-seconds a second; null when one of the two was not measured. */
export function coresUsed(chunksPerSecond: number | null, cpuSecondsPerMillion: number | null): number | null {
  if (chunksPerSecond === null || cpuSecondsPerMillion === null) return null;
  return (chunksPerSecond * cpuSecondsPerMillion) / 1e6;
}

export function isPossible(used: number | null, cores: number): boolean {
  return used === null || used <= cores * TOLERANCE;
}

export type Impossible = {
  readonly row: Pick<Sample, 'suite' | 'benchmark' | 'parameters'>;
  readonly rounds: readonly number[];
  /** The highest value of any of these rounds, in CPU-seconds a second. */
  readonly coresUsed: number;
};

/** Rows whose figures are impossible on a machine with so many cores. */
export function impossibleRows(samples: readonly Sample[], cores: number): Impossible[] {
  const rates = new Map<string, Sample>();
  for (const sample of samples) if (sample.metric === RATE_METRIC) rates.set(keyOf(sample), sample);
  const found = new Map<string, Impossible>();
  for (const sample of samples) {
    if (sample.metric !== CPU_METRIC || parameterOf(sample, 'process') !== ALL) continue;
    const rate = rates.get(keyOf(sample));
    const used = coresUsed(rate?.value ?? null, sample.value);
    if (rate === undefined || used === null || isPossible(used, cores)) continue;
    const key = rowKeyOf(sample);
    const known = found.get(key);
    found.set(key, {
      row: rate,
      rounds: [...(known?.rounds ?? []), sample.round],
      coresUsed: Math.max(known?.coresUsed ?? 0, used),
    });
  }
  return [...found.values()];
}

function rowKeyOf(sample: Sample): string {
  return [sample.suite, sample.benchmark, parametersWithout(sample, 'process')].join('\n');
}

function keyOf(sample: Sample): string {
  return `${rowKeyOf(sample)}\n${sample.round}`;
}
