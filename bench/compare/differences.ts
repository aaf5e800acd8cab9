/**
 * In what the two sides differ besides the commit: then a change of a figure need not be a change of the program. A gate
 * refuses such a comparison unless told otherwise.
 */

import { asRecord } from '../../src/core/assert.ts';
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
  const names = new Set([...left, ...right].flatMap((properties) => Object.keys(properties)));
  const differences = [...names].flatMap((name) =>
    differencesOf(
      name,
      left.map((properties) => properties[name]),
      right.map((properties) => properties[name]),
    ),
  );
  return unknown ? [runJson, ...(left.length > 0 && right.length > 0 ? differences : [])] : differences;
}

/** What no run of either side says, of what a run of today says. */
export function findUnknown(old: readonly LoadedRun[], next: readonly LoadedRun[]): string[] {
  return old.length + next.length === 0 ? [] : [];
}

type Properties = Readonly<Record<string, unknown>>;

/** Of one value of every run of both sides. Where all are objects, of what these consist of. */
function differencesOf(name: string, old: readonly unknown[], next: readonly unknown[]): Difference[] {
  const [left, right] = [recordsOf(old), recordsOf(next)];
  if (left !== null && right !== null) {
    const keys = new Set([...left, ...right].flatMap((record) => Object.keys(record)));
    return [...keys].flatMap((key) =>
      differencesOf(
        `${name}.${key}`,
        left.map((record) => record[key]),
        right.map((record) => record[key]),
      ),
    );
  }
  const [before, after] = [textsOf(old), textsOf(next)];
  const isSame = before.length === 1 && after.length === 1 && isEqual(name, before[0], after[0]);
  return isSame ? [] : [{ name, old: before.join(', '), new: after.join(', ') }];
}

/** Null when any value is no object. */
function recordsOf(values: readonly unknown[]): Properties[] | null {
  const records = values.map(asRecord).filter((record) => record !== null);
  return records.length === values.length && records.length > 0 ? records : null;
}

function textsOf(values: readonly unknown[]): string[] {
  return [...new Set(values.map(textOf))].toSorted();
}

const UNKNOWN = 'unknown';
/** Of an object where the other side has none. */
const KNOWN = 'known';

function presence(side: readonly LoadedRun[]): string {
  return side.some(({ description }) => description === null) ? 'configuration and environment unknown' : 'present';
}

function propertiesOf({ description }: LoadedRun): Properties[] {
  if (description === null) return [];
  const { kind, environment, configuration } = description;
  return [
    Object.fromEntries([
      ['kind', kind],
      ...Object.entries(environment).map(([name, value]) => [`environment.${name}`, value]),
      ...Object.entries(configuration)
        .filter(([name]) => !IDENTITY.has(name))
        .map(([name, value]) => [`configuration.${name}`, value]),
    ]),
  ];
}

function isEqual(name: string, old: string | undefined, next: string | undefined): boolean {
  if (name !== 'environment.memoryBytes' || old === undefined || next === undefined) return old === next;
  const [left, right] = [Number(old), Number(next)];
  return Math.abs(left - right) <= MEMORY_TOLERANCE * Math.max(left, right);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Array.isArray(value)) return value.map(elementText).toSorted().join(' ');
  return asRecord(value) === null ? elementText(value) : KNOWN;
}

function elementText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
