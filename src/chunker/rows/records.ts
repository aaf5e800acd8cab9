/**
 * What a chunker keeps on disk, in one table:
 *
 * | key          | value                                                                                              |
 * | ------------ | -------------------------------------------------------------------------------------------------- |
 * | `identity`   | row: producer id, the workload it belongs to                                                       |
 * | `schedule`   | row: the anchor and rate of the schedule, the boot in which monotonic times here were taken        |
 * | `position`   | row: place in the sums journal, next indexes, epochs; written before the first chunk               |
 * | `witness`    | row: how far the journals were durable (`journal/witness.ts`); with each transaction of each life  |
 * | `ledger`     | CRC-32C, then the ledger (`verifier/ledger.ts`)                                                    |
 * | `snapshot-0`, `snapshot-1` | CRC-32C, then a generator snapshot (`generator.ts`)                                  |
 * | `reserved`   | row: no step from this one on was ever generated; written ahead of the generator                   |
 * | `end`        | row: the step from which no file is opened; before anything is sent that depends on it             |
 * | `phase`      | row: `ending`, and the index of each partition's end record, before an end record is sent;         |
 * |              | `finished` before the pin is released; `told` when the chunker has said that it has drained        |
 *
 * Position and ledger move in one transaction, and a snapshot is never newer than the ledger beside it.
 *
 * Rules P-STREAM-3, P-END-1 of docs/protocol.md.
 */

import { asRecord, isCount } from '../../core/assert.ts';
import { isWitness } from '../../journal/witness.ts';
import { isProducerId } from '../../message/batch.ts';
import { openBytes, openRow } from '../../store/row.ts';
import type { StoreReader } from '../../store/store.ts';
import type { ReaderPosition } from '../../verifier/verifier.ts';

export const CHUNKER_TABLES = ['chunker'] as const;
export const TABLE = 'chunker';

type Key =
  | 'identity'
  | 'schedule'
  | 'position'
  | 'witness'
  | 'ledger'
  | 'snapshot-0'
  | 'snapshot-1'
  | 'reserved'
  | 'end'
  | 'phase';

export function keyFor(name: Key): Buffer {
  return Buffer.from(name);
}

export type IdentityRow = {
  readonly producer: string;
  /** Everything that the stream of records depends on, as text: a folder is refused for another workload. */
  readonly workload: string;
};
export type ScheduleRow = {
  /**
   * Monotonic time of step 0; `null` after a graceful stop, because the schedule then goes on when the chunker does.
   */
  readonly anchorNs: number | null;
  /** Records a second; `null`: the highest rate. */
  readonly rate: number | null;
  /** Names the machine's boot in which monotonic times, here and in the ledger, were taken. */
  readonly boot: string;
};
export type WitnessRow = { readonly witness: string };
export type ReservedRow = { readonly step: number };
export type EndRow = { readonly endStep: number };
/** `endIndexes`: the index of the end record, by partition. Folders of older builds lack it. */
export type PhaseRow = { readonly phase: 'ending' | 'finished' | 'told'; readonly endIndexes?: readonly number[] };

export function isIdentityRow(value: unknown): value is IdentityRow {
  const row = asRecord(value);
  return isProducerId(row?.['producer']) && typeof row['workload'] === 'string';
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

export function isScheduleRow(value: unknown): value is ScheduleRow {
  const row = asRecord(value);
  return (
    row !== null && isNumberOrNull(row['anchorNs']) && isNumberOrNull(row['rate']) && typeof row['boot'] === 'string'
  );
}

function areCounts(value: unknown): boolean {
  return Object.values(asRecord(value) ?? { none: null }).every(isCount);
}

export function isWitnessRow(value: unknown): value is WitnessRow {
  return isWitness(asRecord(value)?.['witness']);
}

export function isPositionRow(value: unknown): value is ReaderPosition {
  const row = asRecord(value);
  return isCount(row?.['offset']) && areCounts(row['nextIndexes']) && areCounts(row['epochs']);
}

export function isReservedRow(value: unknown): value is ReservedRow {
  return isCount(asRecord(value)?.['step']);
}

export function isEndRow(value: unknown): value is EndRow {
  return isCount(asRecord(value)?.['endStep']);
}

export function isPhaseRow(value: unknown): value is PhaseRow {
  const row = asRecord(value);
  const phase = row?.['phase'];
  const endIndexes = row?.['endIndexes'];
  if (endIndexes !== undefined && !(Array.isArray(endIndexes) && endIndexes.every(isCount))) return false;
  return phase === 'ending' || phase === 'finished' || phase === 'told';
}

/** The row under a key, or `null`. */
export function readRow<T>(store: StoreReader, key: Key, isValid: (value: unknown) => value is T): T | null {
  const bytes = store.get(TABLE, keyFor(key));
  return bytes === undefined ? null : openRow(bytes, isValid, `the ${key}`);
}

export function readBytes(store: StoreReader, key: Key): Buffer | null {
  const bytes = store.get(TABLE, keyFor(key));
  return bytes === undefined ? null : openBytes(bytes, `the ${key}`);
}
