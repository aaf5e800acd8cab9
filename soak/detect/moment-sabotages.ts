/** Sabotages of how the harness reads pages of moments, over real processes. */

import type { SeenMoments } from '../../src/moments/page-layout.ts';
import type { LiveDecorations } from '../live/decorations.ts';
import type { SoakOptions } from '../live/soak-options.ts';

type MomentSabotage = {
  readonly name: string;
  readonly what: string;
  readonly reason: RegExp;
  readonly options: Partial<SoakOptions>;
  readonly decorations: () => LiveDecorations;
};

/** Long enough for some hundred transactions of each process and for a pause. */
const PAUSED: Partial<SoakOptions> = { faults: ['pause'], durationMs: 4_000, faultIntervalMs: 1_000, audit: 'end' };

export const MOMENT_SABOTAGES: readonly MomentSabotage[] = [
  {
    name: 'live-pages-of-moments-that-stand-still',
    what: 'the page of each process always says what it said first',
    reason: /the page of moments of \S+ counts \d+ transactions, and \S+ \d+/,
    options: PAUSED,
    decorations: () => {
      const first = new Map<number, SeenMoments>();
      return {
        moments: (_process, seen) => {
          if (seen === null) return null;
          const known = first.get(seen.pid) ?? seen;
          first.set(seen.pid, known);
          return known;
        },
      };
    },
  },
  {
    name: 'live-pages-of-moments-that-belong-to-others',
    what: 'a page goes on while its process is stopped',
    reason: /the page of \S+ has changed while \S+ was stopped/,
    options: PAUSED,
    decorations: () => {
      let reads = 0;
      return {
        moments: (_process, seen) => {
          reads += 1;
          return seen && { ...seen, begun: { ...seen.begun, starting: seen.begun.starting + reads } };
        },
      };
    },
  },
];
