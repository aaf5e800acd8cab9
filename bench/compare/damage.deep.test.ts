/** Many damages of run folders; `damage.test.ts` has fewer. */

import test from 'ava';
import { damageIsNoticed } from './testing/damaged-runs.ts';

test('a byte that was flipped, lost or doubled, and a file that was cut, are noticed or harmless', (t) =>
  damageIsNoticed(t, 400));
