/**
 * The seed of a random test: `STREAM_SUM_TEST_SEED`, or a fresh one. It is logged, so that a failure can be repeated.
 */

import { randomInt } from 'node:crypto';

export function testSeed(t: { log(line: string): void }): number {
  const seed = Number(process.env['STREAM_SUM_TEST_SEED'] ?? randomInt(2 ** 31));
  t.log(`STREAM_SUM_TEST_SEED=${seed}`);
  return seed;
}
