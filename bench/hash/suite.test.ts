// The hash suite with smoke parameters: all contenders run and agree on their digests, and every row is there.

import test from 'ava';

import { hashSamples, runHashSuite } from './suite.ts';
import { hashTables } from './tables.ts';

test('the hash suite runs, its contenders agree, and its rows are complete', async (t) => {
  const results = await runHashSuite({ seed: 7, smoke: true }, () => undefined);
  const samples = hashSamples(results);
  t.is(samples.filter(({ benchmark }) => benchmark === 'sliced-chunks').length, 5 * 4);
  t.is(samples.filter(({ benchmark }) => benchmark === 'record-batches').length, 7 * 2);
  t.true(samples.every(({ value }) => value !== null && Number.isFinite(value)));
  t.is(hashTables(results, 'portable').filter((line) => line.includes('times faster')).length, 3 + 1 + 1);
});
