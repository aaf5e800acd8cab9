/**
 * In what the two sides differ besides the commit: then a change of a figure need not be a change of the program. A gate
 * refuses such a comparison unless told otherwise.
 */

import type { LoadedRun } from './loading.ts';

export type Difference = {
  /** `environment.cpu`, `configuration.transport`. */
  readonly name: string;
  readonly old: string;
  readonly new: string;
};

/** These say where a run kept its files, or which repetition it is, and not what was measured. */
const IDENTITY: ReadonlySet<string> = new Set(['seed', 'results', 'data', 'dataFolder', 'endpoint', 'keepData']);

/** The size of the same machine's memory varies a little with the kernel. */
const MEMORY_TOLERANCE = 0.01;

/** Sides whose runs differ among themselves are different too; a run without run.json is different from any other. */
export function findDifferences(old: readonly LoadedRun[], next: readonly LoadedRun[]): Difference[] {
  const unknown = [...old, ...next].some(({ description }) => description === null);
  const runJson = { name: 'run.json', old: presence(old), new: presence(next) };
  const [left, right] = [old.flatMap(propertiesOf), next.flatMap(propertiesOf)];
  const names = new Set([...left, ...right].flatMap((properties) => [...properties.keys()]));
  const differences = [...names].flatMap((name): Difference[] => {
    const valuesOf = (side: readonly ReadonlyMap<string, string>[]): string[] =>
      [...new Set(side.map((properties) => properties.get(name) ?? UNKNOWN))].toSorted();
    const [before, after] = [valuesOf(left), valuesOf(right)];
    const isSame = before.length === 1 && after.length === 1 && isEqual(name, before[0], after[0]);
    return isSame ? [] : [{ name, old: before.join(', '), new: after.join(', ') }];
  });
  return unknown ? [runJson, ...(left.length > 0 && right.length > 0 ? differences : [])] : differences;
}

const UNKNOWN = 'unknown';

function presence(side: readonly LoadedRun[]): string {
  return side.some(({ description }) => description === null) ? 'configuration and environment unknown' : 'present';
}

function propertiesOf({ description }: LoadedRun): Map<string, string>[] {
  if (description === null) return [];
  const properties = new Map<string, string>([['kind', description.kind]]);
  for (const [name, value] of Object.entries(description.environment)) {
    properties.set(`environment.${name}`, textOf(value));
  }
  for (const [name, value] of Object.entries(description.configuration)) {
    if (!IDENTITY.has(name)) properties.set(`configuration.${name}`, textOf(value));
  }
  return [properties];
}

function isEqual(name: string, old: string | undefined, next: string | undefined): boolean {
  if (name !== 'environment.memoryBytes' || old === undefined || next === undefined) return old === next;
  const [left, right] = [Number(old), Number(next)];
  return Math.abs(left - right) <= MEMORY_TOLERANCE * Math.max(left, right);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Array.isArray(value)) return value.map(textOf).toSorted().join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
