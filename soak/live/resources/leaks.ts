/**
 * What is judged of each resource, and when its growth is called a leak: when it is significant, fast enough to matter,
 * large enough to be no accident, not the work of a few values, and still going on. Never by an endpoint.
 */

import { holm } from '../../../src/measure/statistics.ts';
import type { SeriesSlope } from './resource-series.ts';

export const RESOURCES = ['rss', 'memory', 'heap', 'descriptors', 'disk', 'event-loop-lag'] as const;
export type Resource = (typeof RESOURCES)[number];

/** `perHour`: growth below it does not matter. `grown`: nor does growth by less than that while it was watched. */
export type LeakBound = { readonly perHour: number; readonly grown: number };

const MIB = 1024 ** 2;

/**
 * Null: listed, and not judged. Resident memory has the pages of files that the system can take back at any time: its
 * anonymous part (`memory`) is judged. A lag is no thing that is kept.
 */
export const BOUNDS: Readonly<Record<Resource, LeakBound | null>> = {
  rss: null,
  memory: { perHour: 16 * MIB, grown: 8 * MIB },
  heap: { perHour: 16 * MIB, grown: 8 * MIB },
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

/** So often a run may call any of its series a leak that is none. */
const FALSE_ALARMS = 0.01;
/** What levels off is no leak: its later half rises by less than this part of the whole. */
const RECENT_PART = 1 / 3;
const SECONDS_PER_HOUR = 3_600;

export type Watched = {
  readonly process: string;
  readonly resource: Resource;
  /** How long it was watched. */
  readonly seconds: number;
  /** Null: not long enough. */
  readonly slope: SeriesSlope | null;
};

/** `short`: not watched long enough. `listed`: this resource is not judged. */
export type LeakVerdict = 'leak' | 'none' | 'short' | 'listed';

/** In the order given. `bounds`: those of a shortened run, in a test. */
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
