/**
 * What a soak will be like, worked out from its options before anything is started: what cannot work is refused, and
 * what the user is in for is told. Pure.
 */

import { UsageError } from '../../src/core/errors.ts';
import { type Range, formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import { faultsOf, kindCounts } from './faults/fault-plan.ts';
import { type FaultKind, familyOf, kindsOf } from '../guarantee/fault-kinds.ts';
import { auditDepthOf } from './audit-depth.ts';
import type { SoakOptions } from './soak-options.ts';
import { planPhases } from './phases.ts';

/** A drain that takes longer than the run itself, and than this, is not what anybody has asked for. */
const DRAIN_MS_MAX = 60_000;
/** Beyond twice the drain that is expected: for recoveries, and for what the SLA allows. */
const DRAIN_MARGIN_MS = 30_000;
/** How much of its expected time the luckiest file of many may take. */
const EARLIEST = 0.8;
/** How often each kind is counted at most: in a run of weeks the counts are of no use. */
const FAULTS_COUNTED_MAX = 10_000;
/** So many faults of each family have their turn, or the run would show little of what that does. */
export const FAMILY_FAULTS_MIN = 2;

export type Outlook = {
  /** Files that are complete when the drain begins, and bytes published by then. Null: at `--rate max` nobody knows. */
  readonly files: number | null;
  readonly bytes: number | null;
  /** How often each kind has its turn: those that have none are not there. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Of the drain: what is expected, and when it is given up. Null as above. */
  readonly drainMs: number | null;
  readonly drainMsMax: number;
};

/** Throws a UsageError where the run could show nothing, or would not end. */
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
  // The chunks of a file come at random: some files are earlier than that.
  if (firstMs * EARLIEST > durationMs) {
    throw new UsageError(
      `--rate ${rate}: with ${openFiles} open files of ${options.chunks.low} chunks and more no file is complete within ` +
        `--duration ${formatDuration(durationMs)}; the first ones take ${formatDuration(firstMs)}`,
    );
  }
  const drainMs = (openFiles * residual(options.chunks) * 1e3) / rate;
  if (drainMs > Math.max(durationMs, DRAIN_MS_MAX)) {
    throw new UsageError(
      `--rate ${rate}: the ${openFiles} files that are open at the end would take ${formatDuration(drainMs)} to drain, ` +
        `longer than --duration ${formatDuration(durationMs)}; ask for a higher --rate, fewer --files or fewer --chunks`,
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

/** Every family that was asked for has its turns, or the run could not show what it does. */
function plannedFaults(options: SoakOptions): Map<FaultKind, number> {
  const { faults: families, faultPlan, faultIntervalMs } = options;
  const lengthMs = planPhases(options).find(({ phase }) => phase === 'faults')?.durationMs ?? 0;
  const counts = kindCounts(
    lengthMs === 0 ? [] : faultsOf({ ...options, isFollowed: auditDepthOf(options).depth === 'follow' }, lengthMs),
    FAULTS_COUNTED_MAX,
  );
  const least = faultPlan === null ? FAMILY_FAULTS_MIN : 1;
  const missed = families.find((family) => familyCount(counts, family) < least);
  if (missed === undefined) return counts;
  const room = `the ${formatDuration(lengthMs)} that --duration ${formatDuration(options.durationMs)} leaves for them`;
  if (faultPlan !== null)
    throw new UsageError(`--fault-plan: it has no ${missed} within ${room}; ask for a longer --duration`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  // Which kinds these are depends on the seed, and the message must not.
  throw new UsageError(
    `--fault-interval ${formatDuration(faultIntervalMs)}: of ${total} faults in ${room} not each of ` +
      `${families.join(', ')} has ${least}; ask for a longer --duration, a shorter --fault-interval or fewer --faults`,
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
    `      then ${drain}, which is given up after ${formatDuration(drainMsMax)}`,
  ];
}

function mean({ low, high }: Range): number {
  return (low + high) / 2;
}

/**
 * The chunks that a file which is open at a random moment still has to come: E[L^2] / 2 E[L] of lengths that are
 * equally likely from `low` to `high`, the end of the file counted. (The inspection paradox: long files are open
 * longer.)
 */
function residual({ low, high }: Range): number {
  const count = high - low + 1;
  const average = mean({ low: low + 1, high: high + 1 });
  const variance = (count * count - 1) / 12;
  return (average * average + variance) / (2 * average);
}
