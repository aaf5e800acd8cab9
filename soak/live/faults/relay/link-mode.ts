/**
 * What a relay does with the bytes of one link, as data: drawn from a seed, sent to the relay's process, and written
 * into results. A link is the way between one client and the broker; `to-broker` and `to-client` are its directions.
 */

import { asRecord, isCount } from '../../../../src/core/assert.ts';
import type { Prng } from '../../../../src/core/prng.ts';

export type Direction = 'to-broker' | 'to-client';
export const DIRECTIONS: readonly Direction[] = ['to-broker', 'to-client'];

/**
 * - `pass`: all bytes pass at once.
 * - `refuse`: connections are reset, and no new connection is made. `closed`: nobody listens. `reset`: a new
 *   connection is reset at once.
 * - `drop`: bytes of these directions vanish. Neither side learns of it, nor of the other side's end. A connection
 *   that was open meanwhile is reset afterwards, because no direction may go on in the middle of a frame.
 * - `stall`: bytes of these directions wait, and pass afterwards.
 * - `reset`: each connection is reset in the middle of a frame, after at most `bytesMax` bytes.
 * - `delay`: bytes wait for `delayMs` and up to `jitterMs` more, and keep their order.
 * - `throttle`: each direction of each connection carries `bytesPerS`.
 * - `slice`: bytes pass in pieces of at most `bytesMax`, with `pauseMs` between two.
 */
export type LinkMode =
  | { readonly mode: 'pass' }
  | { readonly mode: 'refuse'; readonly how: 'closed' | 'reset' }
  | { readonly mode: 'drop' | 'stall'; readonly directions: readonly Direction[] }
  | { readonly mode: 'reset'; readonly bytesMax: number }
  | { readonly mode: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly mode: 'throttle'; readonly bytesPerS: number }
  | { readonly mode: 'slice'; readonly bytesMax: number; readonly pauseMs: number };

export const PASS: LinkMode = { mode: 'pass' };

/** The names of what can be done to a link; `drop-one-way` is `drop` with one direction. */
export const LINK_FAULTS = ['refuse', 'drop', 'drop-one-way', 'stall', 'reset', 'delay', 'throttle', 'slice'] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

/**
 * A link must carry 16 KiB in 2 s (D-LINK-5). These rates are faster than that, and slower than any link within one
 * machine, however busy it is. A fault is over when its link is faster again.
 */
const BYTES_PER_S: readonly number[] = [128 * 1024, 512 * 1024];
const SLICE_BYTES: readonly number[] = [256, 1_024];
/** Delays of one direction. A client hears an answer twice as late, and must hear it within 2 s. */
const DELAYS_MS: readonly number[] = [60, 200, 400];

/** A mode of this fault, drawn at random. */
export function drawLinkMode(fault: LinkFault, prng: Prng): LinkMode {
  switch (fault) {
    case 'refuse':
      return { mode: 'refuse', how: pick(prng, ['closed', 'reset'] as const) };
    case 'drop':
      return { mode: 'drop', directions: DIRECTIONS };
    case 'drop-one-way':
      return { mode: 'drop', directions: [pick(prng, DIRECTIONS)] };
    case 'stall':
      return { mode: 'stall', directions: pick(prng, [DIRECTIONS, ['to-broker'], ['to-client']] as const) };
    case 'reset':
      return { mode: 'reset', bytesMax: pick(prng, [200, 4 * 1024, 64 * 1024] as const) };
    case 'delay': {
      const delayMs = pick(prng, DELAYS_MS);
      return { mode: 'delay', delayMs, jitterMs: prng.below(delayMs + 1) };
    }
    case 'throttle':
      return { mode: 'throttle', bytesPerS: pick(prng, BYTES_PER_S) };
    case 'slice':
      return { mode: 'slice', bytesMax: pick(prng, SLICE_BYTES), pauseMs: prng.between(1, 2) };
    default:
      return fault satisfies never;
  }
}

function pick<T>(prng: Prng, values: readonly T[]): T {
  return values[prng.below(values.length)] as T;
}

/** The name of the mode as a fault; null for `pass`. */
export function linkFaultOf(mode: LinkMode): LinkFault | null {
  if (mode.mode === 'pass') return null;
  return mode.mode === 'drop' && mode.directions.length === 1 ? 'drop-one-way' : mode.mode;
}

/** The mode in a few words, for results: `delay 100ms+40ms`. */
export function linkModeText(mode: LinkMode): string {
  switch (mode.mode) {
    case 'pass':
      return 'pass';
    case 'refuse':
      return `refuse ${mode.how}`;
    case 'drop':
    case 'stall':
      return `${mode.mode} ${mode.directions.join(' ')}`;
    case 'reset':
      return `reset within ${mode.bytesMax}B`;
    case 'delay':
      return `delay ${mode.delayMs}ms+${mode.jitterMs}ms`;
    case 'throttle':
      return `throttle ${mode.bytesPerS}B/s`;
    case 'slice':
      return `slice ${mode.bytesMax}B/${mode.pauseMs}ms`;
    default:
      return mode satisfies never;
  }
}

/** Whether bytes of that direction vanish. */
export function drops(mode: LinkMode, direction: Direction): boolean {
  return mode.mode === 'drop' && mode.directions.includes(direction);
}

/** The value as a mode; null when it is not a mode. */
export function parseLinkMode(value: unknown): LinkMode | null {
  const fields = asRecord(value) ?? {};
  const { mode, how, directions, bytesMax, delayMs, jitterMs, bytesPerS, pauseMs } = fields;
  switch (mode) {
    case 'pass':
      return PASS;
    case 'refuse':
      return how === 'closed' || how === 'reset' ? { mode, how } : null;
    case 'drop':
    case 'stall':
      return isDirections(directions) ? { mode, directions } : null;
    case 'reset':
      return isPositive(bytesMax) ? { mode, bytesMax } : null;
    case 'delay':
      return isCount(delayMs) && isCount(jitterMs) ? { mode, delayMs, jitterMs } : null;
    case 'throttle':
      return isPositive(bytesPerS) ? { mode, bytesPerS } : null;
    case 'slice':
      return isPositive(bytesMax) && isPositive(pauseMs) ? { mode, bytesMax, pauseMs } : null;
    default:
      return null;
  }
}

function isPositive(value: unknown): value is number {
  return isCount(value) && value > 0;
}

function isDirections(value: unknown): value is readonly Direction[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => DIRECTIONS.includes(each as Direction));
}
