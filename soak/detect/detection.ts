/**
 * Measured power: what the checkers find of the planted bugs, and what they find where there is none. Pure: counts results,
 * judges them, and makes rows of them.
 */

import { EXIT } from '../../src/core/errors.ts';
import { median } from '../../src/measure/statistics.ts';
import { mutantNamed } from '../mutants/index.ts';
import type { MutantClass } from '../mutants/mutant.ts';
import { sabotageNamed } from '../mutants/sabotages.ts';
import type { ExperimentResult } from './experiment.ts';

/** Of the detections, so many must name the right kind. */
export const RIGHT_KIND_LEAST = 0.95;
/** With no alarm in n clean seeds, their rate is below 3/n with 95 % confidence (the rule of three). */
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

/** What became of the mutants of one class, or of all. */
export type Power = {
  readonly name: MutantClass | 'all';
  readonly mutants: number;
  /** Schedules, those in which the bug took effect, those of them in which it was caught, and by the right name. */
  readonly runs: number;
  readonly effective: number;
  readonly caught: number;
  readonly rightKind: number;
  /** From the beginning of a schedule until the violation was found; `null`: none was. */
  readonly virtualSMedian: number | null;
  readonly realSMedian: number | null;
};

export class Detection {
  readonly #results: ExperimentResult[] = [];

  add(result: ExperimentResult): void {
    this.#results.push(result);
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

  /** By class in the order in which they came, then of all. None when there was no mutant. */
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
        took_effect: String(isEffective(result)),
        caught: String(isCaught),
        kind_named: violation?.kind ?? null,
        kind_is_right: isCaught ? String(isRightKind(result)) : null,
        virtual_s: isCaught ? round(virtualS) : null,
        real_s: isCaught ? round(realS) : null,
      };
    });
  }

  /** What is not as it must be; one line each, with how to repeat it. */
  misses(): string[] {
    const lines: string[] = [];
    for (const result of this.#ofMutants) {
      const { name, seed, tookEffect, violation, reasons } = result;
      if (!tookEffect || violation !== null) continue;
      const seen = reasons[0] === undefined ? 'HOLDS' : `only ${reasons[0]}`;
      lines.push(`${name} was not caught under seed ${seed} (${seen}): ${repeat('mutant', name, seed)}`);
    }
    for (const name of new Set(this.#ofMutants.map((result) => result.name))) {
      const own = this.#ofMutants.filter((result) => result.name === name);
      if (own.some(isEffective)) continue;
      lines.push(`${name} took effect under none of ${own.length} seeds: ${repeat('mutant', name, own[0]?.seed ?? 1)}`);
    }
    for (const { seed, reasons } of this.alarms()) {
      lines.push(`a clean schedule does not hold (${reasons[0] ?? ''}): npm run simulate -- --seed ${seed}`);
    }
    for (const result of this.#sabotaged) {
      const { name, seed, holds, reasons } = result;
      if (isNamed(result)) continue;
      const seen = holds ? 'HOLDS' : `only ${reasons.join('; ')}`;
      lines.push(`the sabotage ${name} was not named (${seen}): ${repeat('sabotage', name, seed)}`);
    }
    return lines;
  }

  /** Caught, and called by another name; one line each. */
  misnamed(): string[] {
    return this.#ofMutants
      .filter((result) => result.violation !== null && !isRightKind(result))
      .map(({ name, seed, violation }) => {
        const right = mutantNamed(name).kinds.join(' or ');
        return `${name} was called ${violation?.kind ?? ''} under seed ${seed}, and is ${right}: ${repeat('mutant', name, seed)}`;
      });
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
    return `${named} of ${length} sabotages of the harness kept it from HOLDS, for the reason that was planted`;
  }

  get exitCode(): number {
    if (this.misses().length > 0) return EXIT.internal;
    const all = this.powers().at(-1);
    return all !== undefined && all.rightKind < all.caught * RIGHT_KIND_LEAST ? EXIT.internal : EXIT.holds;
  }
}

function powerOf(name: Power['name'], results: readonly ExperimentResult[]): Power {
  const effective = results.filter(isEffective);
  const caught = effective.filter(({ violation }) => violation !== null);
  return {
    name,
    mutants: new Set(results.map((result) => result.name)).size,
    runs: results.length,
    effective: effective.length,
    caught: caught.length,
    rightKind: caught.filter(isRightKind).length,
    virtualSMedian: caught.length === 0 ? null : median(caught.map(({ virtualS }) => virtualS)),
    realSMedian: caught.length === 0 ? null : median(caught.map(({ realS }) => realS)),
  };
}

/** A violation is an effect as well: what it is found by may come before what the bug itself waits for. */
function isEffective({ tookEffect, violation }: ExperimentResult): boolean {
  return tookEffect || violation !== null;
}

function isRightKind({ name, violation }: ExperimentResult): boolean {
  return mutantNamed(name).kinds.some((right) => right === violation?.kind);
}

function isNamed({ name, holds, reasons }: ExperimentResult): boolean {
  const { reason } = sabotageNamed(name);
  return !holds && reasons.some((line) => reason.test(line));
}

function repeat(of: 'mutant' | 'sabotage', name: string, seed: number): string {
  return `npm run detect -- --${of} ${name} --seed ${seed}`;
}

/** To milliseconds. */
function round(seconds: number): number {
  return Math.round(seconds * 1e3) / 1e3;
}
