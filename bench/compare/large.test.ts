/**
 * The memory that a comparison needs grows with the rows, not with their pairs. `large.deep.test.ts` has larger tables.
 */

import test from 'ava';
import { tablesAreCompared } from './testing/large-tables.ts';

test('300 rows of 300 rounds are compared within 256 MiB', (t) =>
  tablesAreCompared(t, { rows: 300, rounds: 300 }, 256));
