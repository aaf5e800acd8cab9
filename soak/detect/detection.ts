/**
 * Measured power: what the checkers find of the planted bugs, and what they find where nothing is planted. Pure: counts
 * results, judges them, and makes rows of them.
 */

import { EXIT } from '../../src/core/errors.ts';
import { median } from '../../src/measure/statistics.ts';
import { mutantNamed } from '../simulation/mutants/index.ts';
import type { MutantClass } from '../simulation/mutants/mutant.ts';
import { sabotageNamed } from '../simulation/sabotages/sabotages.ts';
import type { ExperimentResult } from './experiment.ts';
import { type LiveResult, liveSabotages } from './live-experiments.ts';

/** The share of the detections that must name the right kind. */
export const RIGHT_KIND_LEAST = 0.95;
/** Without an alarm in n clean seeds, the rate of alarms is below 3/n with 95 % confidence (the rule of three). */
const RULE_OF_THREE = 3;

export const DETECTION_COLUMNS = [
  'mutant',
  'class',
  'seed',
  'took_effect',
  'caught',
  'kind_named',
  'kind_is_right',
  'virtual_s',
  'real_s',
] as const;

export type DetectionRow = Record<(typeof DETECTION_COLUMNS)[number], string | number | null>;

/** A share, and the interval in which it lies with 95 % confidence. */
export type Rate = { readonly rate: number; readonly low: number; readonly high: number };

/**
 * What became of the mutants of one class, or of all. A bug has taken effect when it says so itself, before it is
 * caught.
 */
export type Power = {
  readonly name: MutantClass | 'all';
  readonly mutants: number;
  /** Schedules with a planted bug. */
  readonly planted: number;
  /**
   * Schedules in which the bug took effect, those in which it was also caught, and those in which it was caught by the
   * right name.
   */
  readonly effective: number;
  readonly caught: number;
  readonly rightKind: number;
  /** Time from the beginning of a schedule until the violation was found; `null`: none was found. */
  readonly virtualSMedian: number | null;
  readonly realSMedian: number | null;
};

export class Detection {
  readonly #results: ExperimentResult[] = [];
  readonly #live: LiveResult[] = [];

  add(result: ExperimentResult): void {
    this.#results.push(result);
  }

  addLive(result: LiveResult): void {
    this.#live.push(result);
  }

  get results(): readonly ExperimentResult[] {
    return this.#results;
  }

  get #ofMutants(): ExperimentResult[] {
    return this.#results.filter(({ of }) => of === 'mutant');
  }

  get #clean(): ExperimentResult[] {
    return this.#results.filter(({ of }) => of === 'clean');
  }

  get #sabotaged(): ExperimentResult[] {
    return this.#results.filter(({ of }) => of === 'sabotage');
  }

  /** By class in the order in which they came, then over all. Empty without mutants. */
  powers(): Power[] {
    const results = this.#ofMutants;
    if (results.length === 0) return [];
    const classes = new Map<MutantClass, ExperimentResult[]>();
    for (const result of results) {
      const name = mutantNamed(result.name).class;
      classes.set(name, [...(classes.get(name) ?? []), result]);
    }
    return [...Array.from(classes, ([name, own]) => powerOf(name, own)), powerOf('all', results)];
  }

  rows(): DetectionRow[] {
    return this.#ofMutants.map((result) => {
      const { name, seed, violation, virtualS, realS } = result;
      const isCaught = violation !== null;
      return {
        mutant: name,
        class: mutantNamed(name).class,
        seed,
        took_effect: String(result.tookEffect),
        caught: String(isCaught),
        kind_named: violation?.kind ?? null,
        kind_is_right: isCaught ? String(isRightKind(result)) : null,
        virtual_s: isCaught ? round(virtualS) : null,
        real_s: isCaught ? round(realS) : null,
      };
    });
  }

  /** Misses: one line each, with how to repeat it. */
  misses(): string[] {
    const lines: string[] = [];
    for (const result of this.#ofMutants) {
      const { name, seed, tookEffect, violation, reasons } = result;
      if (!tookEffect && violation !== null) {
        const kind = `${violation.kind} was found`;
        lines.push(
          `${name} did not say that it took effect under seed ${seed} (${kind}): ${repeat('mutant', name, seed)}`,
        );
      }
      if (!tookEffect || violation !== null) continue;
      const seen = reasons[0] === undefined ? 'HOLDS' : `only ${reasons[0]}`;
      lines.push(`${name} was not caught under seed ${seed} (${seen}): ${repeat('mutant', name, seed)}`);
    }
    for (const name of new Set(this.#ofMutants.map((result) => result.name))) {
      const own = this.#ofMutants.filter((result) => result.name === name);
      if (own.some(({ tookEffect }) => tookEffect)) continue;
      lines.push(`${name} took effect under none of ${own.length} seeds: ${repeat('mutant', name, own[0]?.seed ?? 1)}`);
    }
    for (const { seed, reasons, engine } of this.alarms()) {
      const onEngine = engine === undefined ? '' : ` --engine ${engine}`;
      lines.push(`a clean schedule does not hold (${reasons[0] ?? ''}): npm run simulate -- --seed ${seed}${onEngine}`);
    }
    for (const result of this.#sabotaged) {
      const { name, seed, holds, reasons } = result;
      if (isNamed(result)) continue;
      const seen = holds ? 'HOLDS' : `only ${reasons.join('; ')}`;
      lines.push(`the sabotage ${name} was not named (${seen}): ${repeat('sabotage', name, seed)}`);
    }
    for (const result of this.#live) {
      if (isLiveNamed(result)) continue;
      const seen = result.holds ? 'HOLDS' : `only ${result.reasons.join('; ')}`;
      const again = `npm run detect -- --sabotage ${result.name}`;
      lines.push(`the sabotage ${result.name} of the live harness was not named (${seen}): ${again}`);
    }
    return lines;
  }

  /** Bugs that were caught and called by another name: one line each. */
  misnamed(): string[] {
    return this.#ofMutants
      .filter((result) => result.violation !== null && !isRightKind(result))
      .map(({ name, seed, violation }) => {
        const right = mutantNamed(name).kinds.join(' or ');
        const called = violation?.kind ?? '';
        return `${name} was called ${called} under seed ${seed}, and is ${right}: ${repeat('mutant', name, seed)}`;
      });
  }

  /** How many of the bugs that took effect were missed. */
  missLine(): string | null {
    const all = this.powers().at(-1);
    if (all === undefined || all.effective === 0) return null;
    const missed = all.effective - all.caught;
    const { rate, low, high } = rateOf(missed, all.effective);
    const of = `${missed} of ${all.effective} schedules in which a bug took effect`;
    return `missed in ${of}: ${percent(rate)} (95 % interval ${percent(low)} to ${percent(high)})`;
  }

  /** Clean schedules that do not hold. */
  alarms(): readonly ExperimentResult[] {
    return this.#clean.filter(({ holds }) => !holds);
  }

  cleanLine(): string | null {
    const { length } = this.#clean;
    if (length === 0) return null;
    const alarms = this.alarms().length;
    if (alarms > 0) return `${alarms} alarms in ${length} clean schedules`;
    const bound = Math.min(100, (RULE_OF_THREE / length) * 100).toFixed(1);
    return `0 alarms in ${length} clean schedules: with 95 % confidence fewer than ${bound} % of them raise one`;
  }

  sabotageLine(): string | null {
    const { length } = this.#sabotaged;
    if (length === 0) return null;
    const named = this.#sabotaged.filter(isNamed).length;
    return `${named} of ${length} sabotages of the harness kept the run from HOLDS, for the planted reason`;
  }

  /** Rows by what the soak ran over: the number of sabotages, and how many were named. Empty without sabotages. */
  liveRows(): { readonly over: LiveResult['over']; readonly sabotages: number; readonly named: number }[] {
    return (['fake', 'real'] as const).flatMap((over) => {
      const results = this.#live.filter((result) => result.over === over);
      return results.length === 0
        ? []
        : [{ over, sabotages: results.length, named: results.filter(isLiveNamed).length }];
    });
  }

  get exitCode(): number {
    if (this.misses().length > 0) return EXIT.internal;
    const all = this.powers().at(-1);
    return all !== undefined && all.rightKind < all.caught * RIGHT_KIND_LEAST ? EXIT.internal : EXIT.holds;
  }
}

function powerOf(name: Power['name'], results: readonly ExperimentResult[]): Power {
  const effective = results.filter(({ tookEffect }) => tookEffect);
  const caught = effective.filter(({ violation }) => violation !== null);
  return {
    name,
    mutants: new Set(results.map((result) => result.name)).size,
    planted: results.length,
    effective: effective.length,
    caught: caught.length,
    rightKind: caught.filter(isRightKind).length,
    virtualSMedian: caught.length === 0 ? null : median(caught.map(({ virtualS }) => virtualS)),
    realSMedian: caught.length === 0 ? null : median(caught.map(({ realS }) => realS)),
  };
}

/** The quantile of the normal distribution for 95 %, two-sided. */
const Z = 1.959964;

/**
 * The score interval (Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927).
 */
export function rateOf(count: number, of: number): Rate {
  const rate = count / of;
  const middle = (rate + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of);
  const half = (Z / (1 + Z ** 2 / of)) * Math.sqrt((rate * (1 - rate)) / of + Z ** 2 / (4 * of ** 2));
  return { rate, low: count === 0 ? 0 : middle - half, high: count === of ? 1 : middle + half };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function isRightKind({ name, violation }: ExperimentResult): boolean {
  return mutantNamed(name).kinds.some((right) => right === violation?.kind);
}

function isNamed({ name, holds, reasons }: ExperimentResult): boolean {
  const { reason } = sabotageNamed(name);
  return !holds && reasons.some((line) => reason.test(line));
}

function isLiveNamed({ name, holds, reasons }: LiveResult): boolean {
  const reason = liveSabotages().find((sabotage) => sabotage.name === name)?.reason;
  return !holds && reason !== undefined && reasons.some((line) => reason.test(line));
}

function repeat(of: 'mutant' | 'sabotage', name: string, seed: number): string {
  return `npm run detect -- --${of} ${name} --seed ${seed}`;
}

/** Rounds to milliseconds. */
function round(seconds: number): number {
  return Math.round(seconds * 1e3) / 1e3;
}
