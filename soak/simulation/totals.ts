/** The totals of many schedules: how many failed, and which moments none of them reached. */

import { EXIT } from '../../src/core/errors.ts';
import { formatCount } from '../../src/core/units.ts';
import { ALL_MOMENTS, type Moment } from './world/counters.ts';
import { brokenPromises } from './promises.ts';
import type { SeedResult } from './seed-result.ts';

export type TotalledSeed = Pick<
  SeedResult,
  'kind' | 'virtualMs' | 'wallMs' | 'faults' | 'records' | 'moments' | 'promises'
>;

export class Totals {
  failed = 0;
  #seeds = 0;
  #virtualMs = 0;
  #cpuMs = 0;
  #faults = 0;
  #records = 0;
  readonly #kinds = new Map<string, number>();
  readonly #reached = noMoments();
  readonly #expected = noMoments();

  add(result: TotalledSeed): void {
    this.#seeds += 1;
    this.#virtualMs += result.virtualMs;
    this.#cpuMs += result.wallMs;
    this.#faults += result.faults;
    this.#records += result.records;
    for (const moment of ALL_MOMENTS) {
      this.#reached[moment] += result.moments[moment];
      this.#expected[moment] += result.promises[moment];
    }
    if (result.kind === null) return;
    this.failed += 1;
    this.#kinds.set(result.kind, (this.#kinds.get(result.kind) ?? 0) + 1);
  }

  /** Moments that the plans promised and no seed reached. A failed seed ends early, and reaches less. */
  get #broken(): Moment[] {
    return this.failed > 0 ? [] : brokenPromises(this.#expected, this.#reached);
  }

  get exitCode(): number {
    if (this.failed === 0) return this.#broken.length === 0 ? EXIT.holds : EXIT.inconclusive;
    const kinds = new Set(this.#kinds.keys());
    kinds.delete('failed');
    kinds.delete('inconclusive');
    if (kinds.size > 0) return EXIT.violation;
    return this.#kinds.has('failed') ? EXIT.internal : EXIT.inconclusive;
  }

  /** `seconds`: real time of all schedules. */
  lines(seconds: number): string[] {
    const virtual = this.#virtualMs / 1e3;
    const shownMoments = ALL_MOMENTS.filter((moment) => this.#expected[moment] > 0 || this.#reached[moment] > 0);
    const lines = shownMoments.map((moment) => {
      const count = this.#reached[moment];
      const shown = count === 0 ? 'never reached in these seeds' : formatCount(count);
      return `${shown.padStart(30)}  ${moment}`;
    });
    const [seeds, records, faults] = [this.#seeds, this.#records, this.#faults].map(formatCount);
    lines.push(
      `${seeds} seeds, ${records} records, ${faults} faults: ` +
        `${formatCount(virtual)} virtual s in ${seconds.toFixed(1)} s, ` +
        `${formatCount((virtual * 1e3) / this.#cpuMs)} times real time a thread`,
    );
    if (this.failed > 0) {
      const kinds = Array.from(this.#kinds, ([kind, count]) => `${kind} ${formatCount(count)}`).join(', ');
      return [...lines, `${formatCount(this.failed)} of ${formatCount(this.#seeds)} seeds failed: ${kinds}`];
    }
    const broken = this.#broken.map(
      (moment) => `INCONCLUSIVE  the plans promised a moment that no seed reached: ${moment}`,
    );
    return [...lines, ...(broken.length === 0 ? ['HOLDS'] : broken)];
  }
}

function noMoments(): Record<Moment, number> {
  return Object.fromEntries(ALL_MOMENTS.map((moment) => [moment, 0])) as Record<Moment, number>;
}
