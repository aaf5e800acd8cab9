/**
 * Judges each resource: its growth is called a leak when it is significant, fast enough to matter, too large for an
 * accident, not the work of a few values, and still going on. Its end points alone never decide.
 */

import { holm } from '../../../src/measure/statistics.ts';
import type { SeriesSlope } from './resource-series.ts';

export const RESOURCES = ['rss', 'memory', 'heap', 'descriptors', 'disk', 'event-loop-lag'] as const;
export type Resource = (typeof RESOURCES)[number];

/** Growth below `perHour` does not matter. Nor does growth by less than `grown` during the watch. */
export type LeakBound = { readonly perHour: number; readonly grown: number };

const MIB = 1024 ** 2;
/**
 * What a process may gain while V8 puts off a collection of its old generation. A process that allocates little gains
 * it slowly, like a leak: summers of a soak at 30 chunks/s gained 8.6 to 10.3 MB within 19 minutes.
 */
const UNCOLLECTED_BYTES = 32 * MIB;

/**
 * Null: listed but not judged. Resident memory contains pages of files that the system can take back at any time, so
 * its anonymous part (`memory`) is judged. A lag is not something that a process keeps.
 */
export const BOUNDS: Readonly<Record<Resource, LeakBound | null>> = {
  rss: null,
  memory: { perHour: 16 * MIB, grown: UNCOLLECTED_BYTES },
  heap: { perHour: 16 * MIB, grown: UNCOLLECTED_BYTES },
  descriptors: { perHour: 30, grown: 8 },
  disk: { perHour: 64 * MIB, grown: 16 * MIB },
  'event-loop-lag': null,
};

export const UNITS: Readonly<Record<Resource, 'B' | '1' | 's'>> = {
  rss: 'B',
  memory: 'B',
  heap: 'B',
  descriptors: '1',
  disk: 'B',
  'event-loop-lag': 's',
};

/** How often a run may wrongly call one of its series a leak. */
const FALSE_ALARMS = 0.01;
/** Growth that levels off is not a leak: its later half rises by less than this part of the whole. */
const RECENT_PART = 1 / 3;
const SECONDS_PER_HOUR = 3_600;

export type Watched = {
  readonly process: string;
  readonly resource: Resource;
  /** The time that it was watched. */
  readonly seconds: number;
  /** Null: it was not watched long enough. */
  readonly slope: SeriesSlope | null;
};

/** `short`: not watched long enough. `listed`: this resource is not judged. */
export type LeakVerdict = 'leak' | 'none' | 'short' | 'listed';

/** Judges in the given order. `bounds`: those of a shortened run, in a test. */
export function judgeLeaks(
  watched: readonly Watched[],
  bounds: Readonly<Record<Resource, LeakBound | null>> = BOUNDS,
): LeakVerdict[] {
  const judged = watched.flatMap((one) => (one.slope !== null && bounds[one.resource] !== null ? [one.slope.p] : []));
  const adjusted = holm(judged);
  return watched.map(({ resource, seconds, slope }) => {
    const bound = bounds[resource];
    if (bound === null) return 'listed';
    if (slope === null) return 'short';
    const p = adjusted.shift() ?? 1;
    const isLeak =
      p <= FALSE_ALARMS &&
      slope.low * SECONDS_PER_HOUR >= bound.perHour &&
      slope.value * seconds >= bound.grown &&
      slope.recent >= slope.value * RECENT_PART &&
      slope.recent * SECONDS_PER_HOUR >= bound.perHour &&
      slope.robust() * SECONDS_PER_HOUR >= bound.perHour;
    return isLeak ? 'leak' : 'none';
  });
}
