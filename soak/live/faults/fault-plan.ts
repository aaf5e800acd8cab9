/** Which faults a run injects: those of its seed, or those of an earlier run, as its faults.csv has them. */

import { readFileSync } from 'node:fs';
import { UsageError } from '../../../src/core/errors.ts';
import { readCsvBytes } from '../../../src/results/csv.ts';
import { FAULT_KINDS, type FaultKind, type LiveFamily, familyOf } from '../../guarantee/fault-kinds.ts';
import { type PlannedFault, processNames } from './planned-fault.ts';
import { type LinkMode, parseLinkMode } from './relay/link-mode.ts';
import { AUDITOR_LINK } from './relay/relayed-links.ts';
import { faultSchedule } from './schedule.ts';

export type FaultOptions = {
  readonly seed: number;
  readonly faults: readonly LiveFamily[];
  readonly faultIntervalMs: number;
  /** Null: the seed decides. */
  readonly faultPlan: readonly PlannedFault[] | null;
  readonly slaMs: number;
  readonly summers: number;
  readonly chunkers: number;
  readonly isFollowed: boolean;
};

export function faultsOf(options: FaultOptions, lengthMs: number): Iterable<PlannedFault> {
  const { faultPlan, faults: families, faultIntervalMs: intervalMs } = options;
  if (faultPlan !== null) return faultPlan.filter(({ atMs }) => atMs < lengthMs);
  return families.length === 0 ? [] : faultSchedule({ ...options, families, intervalMs, lengthMs });
}

/** The families of a plan's faults, in the order in which they come. */
export function familiesOf(plan: readonly PlannedFault[]): LiveFamily[] {
  return [...new Set(plan.map(({ kind }) => familyOf(kind)))];
}

/**
 * Reads the plan of the run that wrote this faults.csv. Throws a UsageError that names the file and what is wrong with
 * it.
 */
export function readFaultPlan(path: string, flag: string): PlannedFault[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseFaultPlan(bytes, `${flag} ${path}`);
}

/**
 * `where`: how an error begins. What was drawn in the place of a fault that had missed is left out: this run draws
 * anew.
 */
export function parseFaultPlan(bytes: Buffer, where: string): PlannedFault[] {
  let rows: readonly Readonly<Record<string, string>>[];
  try {
    rows = readCsvBytes(bytes);
  } catch (error) {
    throw new UsageError(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const plan = rows.flatMap((row, index): PlannedFault[] => {
    const wrong = (column: string): UsageError =>
      new UsageError(`${where}: row ${index + 1}: ${column} ${JSON.stringify(row[column] ?? '')} is no part of a plan`);
    if ((row['instead_of'] ?? '') !== '') return [];
    const kind = FAULT_KINDS.find((candidate) => candidate === row['kind']);
    if (kind === undefined) throw wrong('kind');
    const targets = (row['target'] ?? '').split(' ');
    if (!targets.every((name) => /^(?:broker|auditor|(?:summer|chunker)-\d+)$/.test(name))) throw wrong('target');
    const ms = (column: string): number => {
      const seconds = row[column] === '' ? Number.NaN : Number(row[column]);
      if (!(seconds >= 0 && seconds < 1e9)) throw wrong(column);
      return Math.round(seconds * 1e6) / 1e3;
    };
    const fault = { id: index + 1, kind, targets, atMs: ms('at_s'), lengthMs: ms('length_s') };
    if (familyOf(kind) !== 'partition') return [fault];
    const link = linkOf(row['link_mode'] ?? '');
    if (link === null) throw wrong('link_mode');
    return [{ ...fault, link }];
  });
  if (plan.length === 0) throw new UsageError(`${where}: it has no faults`);
  return plan.toSorted((a, b) => a.atMs - b.atMs).map((fault, index) => ({ ...fault, id: index + 1 }));
}

function linkOf(text: string): LinkMode | null {
  try {
    return parseLinkMode(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Throws a UsageError for a fault of a process that this run does not have. */
export function checkPlan(
  plan: readonly PlannedFault[],
  { summers, chunkers }: { readonly summers: number; readonly chunkers: number },
): void {
  const names = new Set([
    'broker',
    AUDITOR_LINK,
    ...processNames('summer', summers),
    ...processNames('chunker', chunkers),
  ]);
  for (const { id, kind, targets } of plan) {
    const unknown = targets.find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new UsageError(`--fault-plan: the fault ${id} (${kind}) hits ${unknown}, which is not there`);
  }
}

/** How often each kind has its turn, at most `countedMax` in all. */
export function kindCounts(faults: Iterable<PlannedFault>, countedMax: number): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  let seen = 0;
  for (const { kind } of faults) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    seen += 1;
    if (seen === countedMax) break;
  }
  return new Map(FAULT_KINDS.flatMap((kind) => (counts.has(kind) ? [[kind, counts.get(kind) ?? 0] as const] : [])));
}
