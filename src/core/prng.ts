/**
 * Pseudo-random numbers from a seed: the same on every machine and Node version, with a state that can be saved.
 * Not for secrets. SFC32 (Chris Doty-Humphrey, PractRand): 128 bits of state, period about 2^127 on average.
 */

/** Mixes one 32-bit word so that every bit of the input reaches every bit of the output (lowbias32, Chris Wellons). */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Folds several 32-bit words into one. */
export function mixWords(...words: readonly number[]): number {
  let x = 0x9e3779b9;
  for (const word of words) x = mixNext(x, word);
  return x >>> 0;
}

/** Folds one word more into what `mixWords` has returned: `mixNext(mixWords(a), b)` is `mixWords(a, b)`. */
export function mixNext(mixed: number, word: number): number {
  return mix32(Math.imul(mixed, 31) ^ word);
}

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  private constructor(a: number, b: number, c: number, counter: number) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#counter = counter | 0;
  }

  /** A stream for each distinct list of words (seed, purpose, number, ...). */
  static fromSeed(...words: readonly number[]): Prng {
    const prng = new Prng(mixWords(1, ...words), mixWords(2, ...words), mixWords(3, ...words), 1);
    for (let round = 0; round < 12; round += 1) prng.next32();
    return prng;
  }

  /** Continues from a state that `state()` returned. */
  static fromState(state: readonly [number, number, number, number]): Prng {
    return new Prng(...state);
  }

  state(): [number, number, number, number] {
    return [this.#a, this.#b, this.#c, this.#counter];
  }

  /** A uniform integer in [0, 2^32). */
  next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** A uniform integer in [0, bound), bound from 1 to 2^32. The bias is below bound / 2^32. */
  below(bound: number): number {
    return Math.floor((this.next32() / 0x1_0000_0000) * bound);
  }

  /** A uniform integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
}
