/** Finds runs that are given twice, by their path or by their figures: comparing a thing with itself proves nothing. */

import { realpathSync } from 'node:fs';
import type { LoadedRun } from './loading.ts';
import { rowKey } from './samples-file.ts';

/** Single lines. */
export function sameRuns(runs: readonly LoadedRun[]): string[] {
  return runs.flatMap((run, index) => {
    const before = runs.slice(0, index);
    if (before.some(({ path }) => realPath(path) === realPath(run.path))) return [`the same run twice: ${run.path}`];
    const copy = before.find((other) => isSame(other, run));
    if (copy === undefined) return [];
    return [`the same figures twice, which proves nothing: ${copy.path} and ${run.path}`];
  });
}

/** The path as it was given, where there is no file. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whether both runs have the same values in the same rounds, in whatever order. */
function isSame({ samples: old }: LoadedRun, { samples: next }: LoadedRun): boolean {
  if (old.length === 0 || old.length !== next.length || mixOf(old) !== mixOf(next)) return false;
  const values = new Map(old.map((sample) => [`${rowKey(sample)} ${sample.round}`, sample.value]));
  return next.every((sample) => {
    const value = values.get(`${rowKey(sample)} ${sample.round}`);
    return value !== undefined && value === sample.value;
  });
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** Equal for equal values in any order, and almost never for others. So most runs need no full comparison. */
function mixOf(samples: LoadedRun['samples']): number {
  let mix = 0;
  for (const { value } of samples) {
    double[0] = value ?? 0;
    mix ^= (words[0] ?? 0) ^ Math.imul(words[1] ?? 0, 0x9e3779b1);
  }
  return mix;
}
