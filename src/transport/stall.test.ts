/**
 * Both ends of a link as processes whose event loops stop while the other end dies or lives on. In these states libzmq
 * aborts, if it bounds what it receives or sends heartbeats. `stall.deep.test.ts` has longer stalls, and tcp.
 */

import test from 'ava';
import { checkBrokerOfDead, checkClientOfDead } from './testing/stall-scene.ts';

test.serial(
  'over ipc, a client that stands still while its broker dies loses its link, and not its life',
  async (t) => {
    await checkClientOfDead(t, 'ipc');
  },
);

test.serial('over ipc, a broker that stands still while clients with heartbeats die serves the others', async (t) => {
  await checkBrokerOfDead(t, 'ipc');
});
