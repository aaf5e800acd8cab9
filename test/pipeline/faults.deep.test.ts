/** Families of faults in a run without others. `faults.test.ts` has a run with those that are not here. */

import test from 'ava';
import { everyFaultIsSurvived } from './testing/fault-soak.ts';

for (const family of ['pause', 'upgrade'] as const) {
  test.serial(`every ${family} of real processes hits, ends and is recovered from, and the run holds`, (t) =>
    everyFaultIsSurvived(t, [family]),
  );
}
