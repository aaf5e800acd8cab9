import test from 'ava';
import fc from 'fast-check';
import { checkHistory } from './index.ts';
import { buildHistory } from './testing/history-builder.ts';

test('clean histories hold', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      const { verdict } = checkHistory(buildHistory({ seed }));
      t.deepEqual(verdict.reasons, []);
    }),
    { numRuns: 30 },
  );
});
