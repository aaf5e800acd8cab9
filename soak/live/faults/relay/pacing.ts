/**
 * When the bytes of one direction of a connection may pass. Pure: time and randomness are handed in. The order is kept,
 * because only counts of bytes are granted, and the lane takes the bytes from the front of its queue.
 */

import type { Prng } from '../../../../src/core/prng.ts';
import type { LinkMode } from './link-mode.ts';

export interface Pacing {
  /** So many bytes have arrived behind the waiting ones. */
  arrive(byteCount: number, nowNs: number): void;
  /** How many of the `heldBytes` waiting bytes may pass now. They count as passed. */
  grant(heldBytes: number, nowNs: number): number;
  /** When to ask again while bytes wait and none is granted. */
  nextNs(heldBytes: number): number;
}

/** Null: the mode lets bytes pass at once. */
export function pacingOf(mode: LinkMode, prng: Prng): Pacing | null {
  switch (mode.mode) {
    case 'delay':
      return new Delay({ delayNs: mode.delayMs * 1e6, jitterNs: mode.jitterMs * 1e6, prng });
    case 'throttle':
      return new Throttle(mode.bytesPerS);
    case 'slice':
      return new Slice({ bytesMax: mode.bytesMax, pauseNs: mode.pauseMs * 1e6, prng });
    case 'pass':
    case 'refuse':
    case 'drop':
    case 'stall':
    case 'reset':
      return null;
    default:
      return mode satisfies never;
  }
}

/** Each byte waits for a time of its own, but never passes before the bytes in front of it. */
export class Delay implements Pacing {
  readonly #delayNs: number;
  readonly #jitterNs: number;
  readonly #prng: Prng;
  readonly #waiting: { bytes: number; readonly dueNs: number }[] = [];
  #lastDueNs = 0;

  constructor({ delayNs, jitterNs, prng }: { delayNs: number; jitterNs: number; prng: Prng }) {
    this.#delayNs = delayNs;
    this.#jitterNs = jitterNs;
    this.#prng = prng;
  }

  arrive(bytes: number, nowNs: number): void {
    const jitterNs = (this.#prng.next32() / 2 ** 32) * this.#jitterNs;
    this.#lastDueNs = Math.max(this.#lastDueNs, nowNs + this.#delayNs + jitterNs);
    this.#waiting.push({ bytes, dueNs: this.#lastDueNs });
  }

  grant(heldBytes: number, nowNs: number): number {
    let granted = 0;
    for (let head = this.#waiting[0]; head !== undefined && head.dueNs <= nowNs; head = this.#waiting[0]) {
      granted += head.bytes;
      this.#waiting.shift();
    }
    return Math.min(granted, heldBytes);
  }

  nextNs(): number {
    return this.#waiting[0]?.dueNs ?? 0;
  }
}

/** Granted bytes are passed in steps of about this time, so that a slow link does not send bursts. */
const STEP_S = 0.01;

/** A byte passes when the time that it takes at this rate is over. */
export class Throttle implements Pacing {
  readonly #bytesPerS: number;
  /** When the last granted byte had passed, or the first one arrived on an idle link. */
  #passedNs = 0;
  #heldBytes = 0;

  constructor(bytesPerS: number) {
    this.#bytesPerS = bytesPerS;
  }

  arrive(bytes: number, nowNs: number): void {
    if (this.#heldBytes === 0) this.#passedNs = Math.max(this.#passedNs, nowNs);
    this.#heldBytes += bytes;
  }

  grant(heldBytes: number, nowNs: number): number {
    const possible = Math.floor(((nowNs - this.#passedNs) / 1e9) * this.#bytesPerS);
    const granted = Math.max(0, Math.min(possible, heldBytes));
    if (granted < this.#stepBytes(heldBytes)) return 0;
    this.#passedNs += (granted / this.#bytesPerS) * 1e9;
    this.#heldBytes -= granted;
    return granted;
  }

  nextNs(heldBytes: number): number {
    return this.#passedNs + (this.#stepBytes(heldBytes) / this.#bytesPerS) * 1e9;
  }

  #stepBytes(heldBytes: number): number {
    return Math.min(heldBytes, Math.max(1, Math.floor(this.#bytesPerS * STEP_S)));
  }
}

/** Pieces of random size, with a pause after each. */
export class Slice implements Pacing {
  readonly #bytesMax: number;
  readonly #pauseNs: number;
  readonly #prng: Prng;
  #nextNs = 0;

  constructor({ bytesMax, pauseNs, prng }: { bytesMax: number; pauseNs: number; prng: Prng }) {
    this.#bytesMax = bytesMax;
    this.#pauseNs = pauseNs;
    this.#prng = prng;
  }

  arrive(): void {}

  grant(heldBytes: number, nowNs: number): number {
    if (nowNs < this.#nextNs) return 0;
    this.#nextNs = nowNs + this.#pauseNs;
    return Math.min(heldBytes, this.#prng.between(1, this.#bytesMax));
  }

  nextNs(): number {
    return this.#nextNs;
  }
}
