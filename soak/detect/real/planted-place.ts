/**
 * What the processes of a soak with a planted bug are told, and where they say that it took effect. The harness makes
 * the folder; a component gets its place by an environment variable that only the modules of this room read.
 *
 * | in the folder | is |
 * | --- | --- |
 * | `signals` | a line of JSON for each process in which the bug took effect: its name, and when |
 * | `planted/` | an empty file for each batch that the bug has made, named by its header |
 * | `NAME.starts` | a byte for each start of the process with this name |
 */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord } from '../../../src/core/assert.ts';
import { makeFoldersSync } from '../../../src/core/folder.ts';
import { BATCH_HEADER_BYTES } from '../../../src/message/batch.ts';

export const PLANTED_VARIABLE: string = 'STREAM_SUM_PLANTED';

export type PlantedPlace = {
  /** The name of the mutant. */
  readonly name: string;
  readonly seed: number;
  readonly folder: string;
};

export type Signal = { readonly process: string; readonly atNs: number };

const SIGNALS = 'signals';
const PLANTED = 'planted';

export function makePlace(folder: string): void {
  makeFoldersSync(join(folder, PLANTED));
}

/** The place of this process. Throws when the process was not started by `detect --real`. */
export function readPlace(): PlantedPlace {
  const place = asRecord(JSON.parse(process.env[PLANTED_VARIABLE] ?? 'null'));
  const { name, seed, folder } = place ?? {};
  if (typeof name !== 'string' || typeof seed !== 'number' || typeof folder !== 'string') {
    throw new Error(`${PLANTED_VARIABLE} names no planted bug`);
  }
  return { name, seed, folder };
}

/** The signal is written before the call returns, so it is there whatever the process does next. */
export function signal({ folder }: PlantedPlace, { process, atNs }: Signal): void {
  appendFileSync(join(folder, SIGNALS), `${JSON.stringify({ process, atNs })}\n`);
}

/** The first signal; null: the bug did not take effect. */
export function firstSignal(folder: string): Signal | null {
  const path = join(folder, SIGNALS);
  if (!existsSync(path)) return null;
  const signals = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Signal);
  return signals.toSorted((one, other) => one.atNs - other.atNs)[0] ?? null;
}

/** Returns the number of this start of the process, from 1. */
export function countStart({ folder }: PlantedPlace, process: string): number {
  const path = join(folder, `${process}.starts`);
  appendFileSync(path, '.');
  return readFileSync(path).length;
}

export function markPlanted({ folder }: PlantedPlace, bytes: Uint8Array): void {
  writeFileSync(join(folder, PLANTED, nameOf(bytes)), '');
}

export function isPlanted({ folder }: PlantedPlace, bytes: Uint8Array): boolean {
  return existsSync(join(folder, PLANTED, nameOf(bytes)));
}

/** A header has the checksum of its payload, so no two different batches share one. */
function nameOf(bytes: Uint8Array): string {
  const length = Math.min(bytes.length, BATCH_HEADER_BYTES);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex');
}
