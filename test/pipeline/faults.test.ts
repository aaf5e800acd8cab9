/** `moments.deep.test.ts` has kills and pauses, `faults.deep.test.ts` pauses alone and upgrades. */

import test from 'ava';
import { everyFaultIsSurvived } from './testing/fault-soak.ts';

test('a run of real processes with every takeover, restart and retirement holds, and each is recovered from', (t) =>
  everyFaultIsSurvived(t, ['takeover', 'restart', 'retire']));
