/** `moments.test.ts` has kills and pauses; `faults.deep.test.ts` has each family, and upgrades. */

import test from 'ava';
import { everyFaultIsSurvived } from './testing/fault-soak.ts';

test('every takeover, restart and retirement of real processes hits and is recovered from, and one run with all holds', (t) =>
  everyFaultIsSurvived(t, ['takeover', 'restart', 'retire']));
