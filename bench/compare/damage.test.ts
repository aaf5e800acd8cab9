/** Run folders in which one byte was changed, lost or doubled: the comparison notices it, or nothing changes. */

import test from 'ava';
import { damageIsNoticed } from './testing/damaged-runs.ts';

test('of a hundred damages to the files of a run each is noticed or harmless', (t) => damageIsNoticed(t, 100));
