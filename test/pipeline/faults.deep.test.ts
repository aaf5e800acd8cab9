/** Soaks of real processes with some families of faults. `moments.deep.test.ts` has kills and pauses. */

import test from 'ava';
import { everyFaultIsSurvived } from './testing/fault-soak.ts';

for (const families of [['pause'], ['upgrade'], ['takeover', 'restart', 'retire']] as const) {
  test.serial(
    `every ${families.join(', ')} of real processes hits, ends and is recovered from, and the run holds`,
    (t) => everyFaultIsSurvived(t, families),
  );
}
