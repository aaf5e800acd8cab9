/**
 * What a soak will be like, computed from its options before anything is started. Options that cannot work are refused,
 * and the user is told what to expect. Pure.
 */

import { UsageError } from '../../src/core/errors.ts';
import { type Range, formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import { faultsOf, kindCounts } from './faults/fault-plan.ts';
import { type FaultKind, familyOf, kindsOf } from '../guarantee/fault-kinds.ts';
import { auditDepthOf } from './audit-depth.ts';
import type { SoakOptions } from './soak-options.ts';
import { timedPhases } from './phases.ts';

/** Nobody asks for a drain that takes longer than the run itself, and longer than this. */
const DRAIN_MS_MAX = 60_000;
/** Added to twice the expected drain: for recoveries, and for what the SLA allows. */
const DRAIN_MARGIN_MS = 30_000;
/** The share of its expected time that the luckiest of many files may take. */
const EARLIEST = 0.8;
/** How many faults are counted at most. In a run of weeks the counts are of no use. */
const FAULTS_COUNTED_MAX = 10_000;
/** The least number of faults of each family. With fewer, the run would show little of what the family does. */
export const FAMILY_FAULTS_MIN = 2;

export type Outlook = {
  /** Files that are complete when the drain begins, and bytes published by then. Null: at `--rate max` nobody knows. */
  readonly files: number | null;
  readonly bytes: number | null;
  /** How often each kind has its turn. Kinds without a turn are left out. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** The expected time of the drain, and when it is given up. Null as above. */
  readonly drainMs: number | null;
  readonly drainMsMax: number;
};

/** Throws a UsageError when the run could show nothing, or would not end. */
export function outlookOf(options: SoakOptions): Outlook {
  const faults = plannedFaults(options);
  const { rate, durationMs, slaMs } = options;
  if (rate === 'max') {
    const drainMsMax = 2 * Math.max(durationMs, DRAIN_MS_MAX) + slaMs + DRAIN_MARGIN_MS;
    return { files: null, bytes: null, faults, drainMs: null, drainMsMax };
  }
  const openFiles = options.files * options.chunkers;
  const chunks = (rate * durationMs) / 1e3;
  // The end of a file counts as a record of the schedule.
  const recordsOfFile = mean(options.chunks) + 1;
  const firstMs = ((options.chunks.low + 1) * openFiles * 1e3) / rate;
  // The chunks of a file come at random, so some files are earlier.
  if (firstMs * EARLIEST > durationMs) {
    throw new UsageError(
      `--rate ${rate}: no file would be complete within --duration ${formatDuration(durationMs)}; with ${openFiles} ` +
        `open files of ${options.chunks.low} chunks or more, the first take ${formatDuration(firstMs)}`,
    );
  }
  const drainMs = (openFiles * residual(options.chunks) * 1e3) / rate;
  if (drainMs > Math.max(durationMs, DRAIN_MS_MAX)) {
    throw new UsageError(
      `--rate ${rate}: the ${openFiles} files that are open at the end would take ${formatDuration(drainMs)} to ` +
        `drain, longer than --duration ${formatDuration(durationMs)}; ` +
        'ask for a higher --rate, fewer --files or fewer --chunks',
    );
  }
  return {
    files: Math.max(0, Math.floor((chunks - openFiles * residual(options.chunks)) / recordsOfFile)),
    bytes: (chunks * mean(options.chunks) * mean(options.chunkBytes)) / recordsOfFile,
    faults,
    drainMs,
    drainMsMax: 2 * drainMs + slaMs + DRAIN_MARGIN_MS,
  };
}

/** Every family that was asked for must have its turns. Otherwise the run could not show what it does. */
function plannedFaults(options: SoakOptions): Map<FaultKind, number> {
  const { faults: families, faultPlan, faultIntervalMs } = options;
  const lengthMs = timedPhases(options).find(({ phase }) => phase === 'faults')?.durationMs ?? 0;
  const counts = kindCounts(
    lengthMs === 0 ? [] : faultsOf({ ...options, isFollowed: auditDepthOf(options).depth === 'follow' }, lengthMs),
    FAULTS_COUNTED_MAX,
  );
  const least = faultPlan === null ? FAMILY_FAULTS_MIN : 1;
  const missed = families.find((family) => familyCount(counts, family) < least);
  if (missed === undefined) return counts;
  const duration = `--duration ${formatDuration(options.durationMs)}`;
  const room = `the ${formatDuration(lengthMs)} that ${duration} leaves for faults`;
  if (faultPlan !== null)
    throw new UsageError(`--fault-plan: no ${missed} begins in ${room}; ask for a longer --duration`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  // The seed decides which kinds these are, and the message must not depend on it.
  throw new UsageError(
    `--fault-interval ${formatDuration(faultIntervalMs)}: ${room} have time for ${total} of them, too few for ` +
      `${least} of each of ${families.join(', ')}; ` +
      'ask for a longer --duration, a shorter --fault-interval or fewer --faults',
  );
}

function familyCount(counts: ReadonlyMap<FaultKind, number>, family: string): number {
  return [...counts].reduce((total, [kind, count]) => total + (familyOf(kind) === family ? count : 0), 0);
}

/** Two lines for the user. */
export function outlookLines(outlook: Outlook, options: SoakOptions): readonly [string, string] {
  const { files, bytes, faults, drainMs, drainMsMax } = outlook;
  const flow =
    files === null || bytes === null
      ? 'as many files as it can take'
      : `some ${formatCount(files)} files and ${formatBytes(bytes)}`;
  const kinds = options.faults.map((family) => {
    const count = familyCount(faults, family);
    const of = [...faults.keys()].filter((kind) => familyOf(kind) === family).length;
    const all = kindsOf([family], options).length;
    return `${count >= FAULTS_COUNTED_MAX / 4 ? 'many' : count} ${family} (${of} of ${all} kinds)`;
  });
  const drain = drainMs === null ? 'a drain' : `a drain of some ${formatDuration(Math.max(1_000, drainMs))}`;
  return [
    `plan: ${flow} in ${formatDuration(options.durationMs)}; ${kinds.length === 0 ? 'no faults' : kinds.join(', ')}`,
    `      then ${drain}, given up after ${formatDuration(drainMsMax)}`,
  ];
}

function mean({ low, high }: Range): number {
  return (low + high) / 2;
}

/**
 * The expected number of chunks that a file which is open at a random moment still has to get: E[L^2] / 2 E[L], for
 * lengths that are equally likely from `low` to `high`, with the end of the file counted. (The inspection paradox: long
 * files are open longer.)
 */
function residual({ low, high }: Range): number {
  const count = high - low + 1;
  const average = mean({ low: low + 1, high: high + 1 });
  const variance = (count * count - 1) / 12;
  return (average * average + variance) / (2 * average);
}
