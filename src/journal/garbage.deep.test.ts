/** Garbage over the endpoint that `garbage.test.ts` leaves out. */

import test from 'ava';
import { garbageLosesNothing } from './testing/garbage-clients.ts';

test.serial('over ipc, clients that send garbage and oversized messages lose nothing of others', (t) =>
  garbageLosesNothing(t, 'ipc'),
);
