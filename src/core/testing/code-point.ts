/** One character for tests that generate text. */

import fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATES = 0x800;
const LAST = 0x10_ffff;

/**
 * Any code point but surrogates, as the unit `binary` of fast-check. That one makes a map of all 1.1 million code
 * points when it is first used in a process, which takes longer than most tests.
 */
export const CODE_POINT: fc.Arbitrary<string> = fc.nat({ max: LAST - SURROGATES }).map(
  (index) => String.fromCodePoint(index < SURROGATES_FROM ? index : index + SURROGATES),
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined;
    if (point === undefined || String.fromCodePoint(point) !== text || /\p{Surrogate}/u.test(text)) {
      throw new Error('it is no code point');
    }
    return point < SURROGATES_FROM ? point : point - SURROGATES;
  },
);
