/**
 * In what the two sides differ besides the commit. With such a difference, a change of a figure need not be a change of
 * the program, and a gate refuses the comparison unless told otherwise.
 */

import { asRecord } from '../../src/core/assert.ts';
import { ENVIRONMENT_FACTS } from '../../src/results/environment.ts';
import type { LoadedRun } from './loading.ts';

export type Difference = {
  /** `environment.cpu`, `configuration.transport`. */
  readonly name: string;
  readonly old: string;
  readonly new: string;
};

/** These say where a run kept its files, or which repetition it is. They do not say what was measured. */
const IDENTITY: ReadonlySet<string> = new Set(['seed', 'results', 'data', 'dataFolder', 'endpoint', 'keepData']);

/** These belong to the moment, not to the machine. */
const MOMENTARY: ReadonlySet<string> = new Set(['environment.system.loadAtStart']);

/** The memory size of one machine varies a little with the kernel, and its current frequency from minute to minute. */
const TOLERANCES: ReadonlyMap<string, number> = new Map([
  ['environment.memoryBytes', 0.01],
  ['environment.processor.frequencyMHz', 0.05],
]);

const PROCESSOR = 'environment.processor';

/** Sides whose runs differ among themselves are different too. A run without run.json differs from every other run. */
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
  if (unknown) return [runJson, ...(left.length > 0 && right.length > 0 ? differences : [])];
  return [...differences, ...unknownProcessor(old, next)];
}

/**
 * Two generations of a processor can have one name. Runs that do not name family and model count as runs of one machine
 * only when their rounds were interleaved.
 */
function unknownProcessor(old: readonly LoadedRun[], next: readonly LoadedRun[]): Difference[] {
  const runs = [...old, ...next];
  const pairings = new Set(runs.map(({ description }) => description?.pairing ?? null));
  const isOneMachine = pairings.size === 1 && !pairings.has(null);
  const isKnown = runs.some(({ description }) => isTold(description?.environment, 'processor.family'));
  if (isOneMachine || isKnown) return [];
  return [{ name: PROCESSOR, old: UNKNOWN, new: UNKNOWN }];
}

/**
 * Facts that a run of today records and that no run of these has: it cannot be known whether OLD and NEW differ in
 * them.
 */
export function findUnknown(old: readonly LoadedRun[], next: readonly LoadedRun[]): string[] {
  const environments = [...old, ...next].flatMap(({ description }) =>
    description === null ? [] : [description.environment],
  );
  if (environments.length === 0) return [];
  const unknown = ENVIRONMENT_FACTS.filter((name) => !environments.some((environment) => isTold(environment, name)));
  const isWhole = (group: string): boolean =>
    ENVIRONMENT_FACTS.every((name) => !name.startsWith(`${group}.`) || unknown.includes(name));
  const groups = ['processor', 'system'].filter(isWhole);
  const rest = unknown.filter((name) => !groups.some((group) => name.startsWith(`${group}.`)));
  return [...groups, ...rest].map((name) => `environment.${name}`);
}

function isTold(environment: Readonly<Record<string, unknown>> | undefined, name: string): boolean {
  let value: unknown = environment;
  for (const key of name.split('.')) value = asRecord(value)?.[key] ?? null;
  return value !== null;
}

type Properties = Readonly<Record<string, unknown>>;

/** Differences of one value among all runs of both sides; where all values are objects, differences of their fields. */
function differencesOf(name: string, old: readonly unknown[], next: readonly unknown[]): Difference[] {
  if (MOMENTARY.has(name)) return [];
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

/** Null unless every value is an object. */
function recordsOf(values: readonly unknown[]): Properties[] | null {
  const records = values.map(asRecord).filter((record) => record !== null);
  return records.length === values.length && records.length > 0 ? records : null;
}

function textsOf(values: readonly unknown[]): string[] {
  return [...new Set(values.map(textOf))].toSorted();
}

const UNKNOWN = 'unknown';
/** Stands for an object where the other side has none. */
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
  const tolerance = TOLERANCES.get(name);
  const [left, right] = [Number(old), Number(next)];
  if (tolerance === undefined || Number.isNaN(left) || Number.isNaN(right)) return old === next;
  return Math.abs(left - right) <= tolerance * Math.max(left, right);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return UNKNOWN;
  if (Array.isArray(value)) return value.map(elementText).toSorted().join(' ');
  return asRecord(value) === null ? elementText(value) : KNOWN;
}

function elementText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
