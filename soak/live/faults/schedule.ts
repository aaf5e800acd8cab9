/**
 * Which fault hits what, when, and for how long: a pure function of the seed and the options, made step by step, so
 * that a run of weeks holds one fault at a time.
 *
 * One fault falls at a random moment into each interval. A phase that is shorter than an interval still gets one
 * fault. Kinds come by turns, every kind once a turn; within a turn the families alternate, so that a short phase has
 * something of each.
 */

import { assert, unreachable } from '../../../src/core/assert.ts';
import { Prng } from '../../../src/core/prng.ts';
import { type FaultKind, type LiveFamily, familyOf, kindsOf } from '../../guarantee/fault-kinds.ts';
import { type PlannedFault, processNames } from './planned-fault.ts';

/** The first word of this purpose's random stream: ASCII `faul`. */
const PURPOSE = 0x6661_756c;
/** A fault keeps away from both ends of its interval by this part of it, so that two never coincide. */
const MARGIN = 0.15;

/**
 * How long a pause lasts, ms: too short for anybody to notice; beyond the 2 s after which a client takes its broker
 * for gone; beyond the 10 s after which a broker forgets a session.
 */
export const PAUSE_MS: Readonly<Record<'short' | 'noticed' | 'forgotten', readonly [low: number, high: number]>> = {
  short: [100, 900],
  noticed: [2_200, 3_500],
  forgotten: [10_500, 12_500],
};
/** Pauses of more than 10 s have their place in a phase in which there is room for so many of them. */
const FORGOTTEN_SHARE = 1 / 12;
/** The part of the SLA that a fault lasts at most: the rest is for the repair. */
const SLA_SHARE = 1 / 3;
/** What has been taken over is paused, or down, for so long: beyond the time in which its successor has its shards. */
const WAKE_MS: readonly [low: number, high: number] = [1_500, 3_000];

export type ScheduleOptions = {
  readonly seed: number;
  readonly families: readonly LiveFamily[];
  readonly lengthMs: number;
  readonly intervalMs: number;
  readonly slaMs: number;
  readonly summers: number;
  readonly chunkers: number;
};

export function* faultSchedule(options: ScheduleOptions): Generator<PlannedFault, void, undefined> {
  const { seed, families, lengthMs } = options;
  assert(options.intervalMs > 0 && lengthMs > 0, 'faults have an interval and a length');
  assert(families.length > 0, 'there is a family to draw from');
  const intervalMs = Math.min(options.intervalMs, lengthMs);
  const draw = new Draw(Prng.fromSeed(seed, PURPOSE), options);
  for (let index = 0; (index + 1) * intervalMs <= lengthMs; index += 1) {
    const place = MARGIN + (1 - 2 * MARGIN) * draw.share();
    yield { id: index + 1, ...draw.next(), atMs: Math.floor((index + place) * intervalMs) };
  }
}

/**
 * Draws faults without their times. Another one of a kind has the same form: it may be drawn in the place of one that
 * missed.
 */
class Draw {
  readonly #prng: Prng;
  readonly #options: ScheduleOptions;
  /** Of this turn, the next one last. */
  #turn: FaultKind[] = [];
  #turns = 0;

  constructor(prng: Prng, options: ScheduleOptions) {
    this.#prng = prng;
    this.#options = options;
  }

  /** From 0 to 1. */
  share(): number {
    return this.#prng.next32() / 2 ** 32;
  }

  next(): Pick<PlannedFault, 'kind' | 'targets' | 'lengthMs'> {
    if (this.#turn.length === 0) this.#shuffle();
    const kind = this.#turn.pop();
    assert(kind !== undefined, 'every family has a kind');
    return { kind, targets: this.#targetsOf(kind), lengthMs: this.#lengthOf(kind) };
  }

  #shuffle(): void {
    const kinds = this.#inRandomOrder(kindsOf(this.#options.families, this.#options));
    const families = this.#inRandomOrder(this.#options.families).map((family) =>
      kinds.filter((kind) => familyOf(kind) === family),
    );
    const longest = Math.max(...families.map(({ length }) => length));
    const byTurns = Array.from({ length: longest }, (_, at) => families.flatMap((of) => of.slice(at, at + 1))).flat();
    this.#turn = byTurns.toReversed();
    this.#turns += 1;
  }

  #targetsOf(kind: FaultKind): string[] {
    const { summers, chunkers } = this.#options;
    const allSummers = processNames('summer', summers);
    const all = ['broker', ...allSummers, ...processNames('chunker', chunkers)];
    switch (kind) {
      case 'kill-broker':
      case 'pause-broker':
        return ['broker'];
      case 'kill-summer':
      case 'pause-summer':
      case 'takeover-running':
      case 'takeover-paused':
      case 'takeover-dead':
        return [`summer-${this.#prng.below(summers)}`];
      case 'kill-two-summers':
        return this.#inRandomOrder(allSummers).slice(0, 2);
      case 'kill-all-summers':
        return allSummers;
      case 'kill-chunker':
      case 'pause-chunker':
        return [`chunker-${this.#prng.below(chunkers)}`];
      case 'restart-each':
        return this.#inRandomOrder(all);
      case 'kill-everything':
      case 'pause-everything':
      case 'restart-all':
        return all;
      default:
        return unreachable(kind);
    }
  }

  #lengthOf(kind: FaultKind): number {
    const longestMs = this.#options.slaMs * SLA_SHARE;
    const within = ([low, high]: readonly [number, number]): number =>
      Math.min(longestMs, Math.round(low + (high - low) * this.share()));
    if (kind === 'takeover-paused' || kind === 'takeover-dead') return within(WAKE_MS);
    if (familyOf(kind) !== 'pause') return 0;
    // In the first turn a pause is as long as a client's patience or shorter; from then on every third may be longer.
    const hasRoom = PAUSE_MS.forgotten[1] <= Math.min(longestMs, this.#options.lengthMs * FORGOTTEN_SHARE);
    const lengths = [PAUSE_MS.short, PAUSE_MS.noticed, ...(hasRoom && this.#turns > 1 ? [PAUSE_MS.forgotten] : [])];
    return within(lengths[this.#prng.below(lengths.length)] ?? PAUSE_MS.short);
  }

  /** Fisher-Yates. */
  #inRandomOrder<T>(values: readonly T[]): T[] {
    const drawn: T[] = [];
    const left = [...values];
    while (left.length > 0) drawn.push(...left.splice(this.#prng.below(left.length), 1));
    return drawn;
  }
}
