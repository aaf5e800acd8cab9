/** Which faults of a plan hit whatever else happens, and so how many of each kind a run must have seen at least. */

import { isDeparture } from './departures.ts';
import { CERTAIN_CRASHES, type FaultKind, type Plan, type PlannedFault, targetOf } from './plan.ts';

/**
 * A fault this long before everything heals finds its target up, unless the target is paused, and has the time to hit.
 */
const CERTAIN_MS = 15_000;
/** A retirement waits until its target is ready, and then for the answers of the broker. */
const CERTAIN_RETIRE_MS = 30_000;
/** How long a chunker that leaves may be away beyond its absence, until another one is in its place. */
const REPLACED_MS = 10_000;
/** Kinds that hit every process into which they are injected, if it is there until the drain. */
const CERTAIN_KINDS: readonly FaultKind[] = ['crash', 'restart', 'power-loss', 'takeover', 'retire'];
/** Of the other faults, at least one in so many hits. */
const OTHERS_ONE_OF = 4;

/**
 * What must have taken effect at least, so that a schedule proves anything: by kind and component, the faults that are
 * certain to hit; and a share of all planned faults except crashes.
 */
export function leastFaults(whole: Plan): Readonly<Record<string, number>> {
  const least: Record<string, number> = {};
  for (const planned of whole.faults.filter((candidate) => isCertain(candidate, whole))) {
    const keys = [
      `${planned.kind} of ${componentOf(targetOf(planned))}`,
      ...(planned.kind === 'crash' ? ['crash'] : []),
    ];
    for (const key of keys) least[key] = (least[key] ?? 0) + 1;
  }
  // Summers replace each other: the summers that a fault waits for may be gone when it is due.
  for (const key of Object.keys(least)) {
    if (key.endsWith(' of summer') || key === 'crash') least[key] = Math.ceil((least[key] ?? 0) / 2);
  }
  const others = whole.faults.filter(({ kind }) => kind !== 'crash').length;
  if (others >= OTHERS_ONE_OF) least['any but crash'] = Math.floor(others / OTHERS_ONE_OF);
  return least;
}

/** Whether the fault will hit, whatever else happens. */
export function isCertain(planned: PlannedFault, whole: Plan): boolean {
  if (isOfEtcd(planned)) return isFirstOfEtcd(planned, whole);
  const target = targetOf(planned);
  const isThere = componentOf(target) !== 'chunker' || CERTAIN_CRASHES.includes(target);
  const isEarly =
    planned.kind === 'retire'
      ? Math.min(...[target, 'broker'].map((name) => runningMs(name, planned, whole))) >= CERTAIN_RETIRE_MS
      : runningMs(target, planned, whole) >= CERTAIN_MS;
  const isAtOnce = planned.kind !== 'crash' || planned.when === null;
  return isThere && isEarly && isAtOnce && CERTAIN_KINDS.includes(planned.kind);
}

function isOfEtcd({ kind }: PlannedFault): boolean {
  return kind === 'etcd-crash' || kind === 'etcd-away';
}

/** The first of them finds each member up. Those that follow may find one down, and wait. */
function isFirstOfEtcd({ id }: PlannedFault, { faults }: Plan): boolean {
  const [first] = faults.filter(isOfEtcd).toSorted((a, b) => a.atMs - b.atMs);
  return first?.id === id;
}

/**
 * How long a cluster may be away in all. Its faults wait for each other, so all of them may come after any other fault.
 */
function awayMs({ cluster, faults }: Plan): number {
  return cluster === undefined ? 0 : faults.reduce((sumMs, planned) => sumMs + absenceMs(planned, cluster.leaseMs), 0);
}

/** Journals of a broker that was lost wait for its lease. */
function absenceMs(planned: PlannedFault, leaseMs: number): number {
  if (planned.kind === 'all-brokers-crash') return planned.downMs + planned.resetMs + leaseMs;
  if (planned.kind === 'member-crash' || planned.kind === 'member-loss-in-turn') return leaseMs;
  if (planned.kind === 'member-cut') return planned.durationMs + (planned.dies ? leaseMs : 0);
  return planned.kind === 'member-pause' || planned.kind === 'etcd-away' ? planned.durationMs : 0;
}

/**
 * How long nothing planned stops the target, from the time of a fault on until everything heals, in ms: a pause, or
 * another fault that makes it leave. Who leaves also waits for the broker. Nothing that needs a cluster is done while
 * that is away.
 */
function runningMs(target: string, { id, atMs: fromMs }: PlannedFault, whole: Plan): number {
  const { warmUpMs, faultsMs, faults } = whole;
  const endMs = warmUpMs + faultsMs;
  let runsMs = 0;
  let atMs = fromMs;
  const leaves = faults.some((planned) => isDeparture(planned) && planned.target === target);
  const stops = faults.filter((planned) => {
    if (planned.id === id) return false;
    if (planned.kind === 'pause') return planned.target === target || (leaves && planned.target === 'broker');
    return isDeparture(planned) && planned.target === target;
  });
  for (const stop of stops.toSorted((a, b) => a.atMs - b.atMs)) {
    runsMs += Math.max(0, Math.min(stop.atMs, endMs) - atMs);
    atMs = Math.max(atMs, stop.atMs + stoppedMs(stop));
  }
  // Power is lost whatever else is away.
  const withoutMs = target === 'all' ? 0 : awayMs(whole);
  return Math.max(0, runsMs + Math.max(0, endMs - atMs) - withoutMs);
}

function stoppedMs(planned: PlannedFault): number {
  const durationMs = 'durationMs' in planned ? planned.durationMs : 0;
  return isDeparture(planned) ? durationMs + REPLACED_MS : durationMs;
}

/** The component of `summer-2` is `summer`. */
function componentOf(target: string): string {
  return target.replace(/-\d+$/, '');
}
