// The suites as in `run.test.ts`: the one with the most rows, and the names at two scales.

import test from 'ava';
import { namesAreThoseOfTasks, suiteIsComplete } from './testing/suite-runs.ts';

const ROWS = { hash: 5 * 6 + 2 * 2 + 4 + 1 };

for (const [suite, rows] of Object.entries(ROWS)) {
  test(`the ${suite} suite runs, its results are right, and its rows are complete`, (t) =>
    suiteIsComplete(t, suite, rows));
}

test('the names that can be asked for are those of the tasks of each suite', async (t) => {
  await namesAreThoseOfTasks(t, 'smoke');
  await namesAreThoseOfTasks(t, 'quick');
});
