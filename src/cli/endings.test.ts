/**
 * However a component ends, and whatever becomes of its log, it ends, and says what it knows.
 * `endings.deep.test.ts` has more ways to end.
 */

import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { QUICK, checkEnds, checkNoSupervisor, checkServing, checkStoppedEarly, isQuick } from './testing/endings.ts';

for (const log of QUICK.logs) {
  test(`with a log on ${log}, every end takes place and is told`, async (t) => {
    await checkEnds(t, log, (way) => isQuick(log, way));
  });
}

test('a component whose stdout is a full disk serves, and ends as it is asked to', async (t) => {
  await checkServing(t, 'a full disk');
});

test('a chunker with a count that is stopped before any broker has answered exits with 3', async (t) => {
  await checkStoppedEarly(t, ['--count', '4'], EXIT.inconclusive);
});

test('--supervised speaks on the descriptor that it names, and refuses a number that is no descriptor', async (t) => {
  await checkNoSupervisor(t, '999', /--supervised 999: not a pipe/);
});
