/** `moments.test.ts` has kills and pauses; `faults.deep.test.ts` has each family, and upgrades. */

import test from 'ava';
import { everyFaultIsSurvived } from './testing/fault-soak.ts';

test('a run of real processes with every takeover, restart and retirement holds, and each is recovered from', (t) =>
  everyFaultIsSurvived(t, ['takeover', 'restart', 'retire']));
