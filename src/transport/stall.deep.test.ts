/** What `stall.test.ts` shows over ipc, over tcp; and stalls that are longer, while the other end lives. */

import test from 'ava';
import {
  checkBrokerOfDead,
  checkBrokerOfLiving,
  checkClientOfDead,
  checkClientOfLiving,
} from './testing/stall-scene.ts';

test.serial(
  'over tcp, a client that stands still while its broker dies loses its link, and not its life',
  async (t) => {
    await checkClientOfDead(t, 'tcp');
  },
);

test.serial('over tcp, a broker that stands still while clients with heartbeats die serves the others', async (t) => {
  await checkBrokerOfDead(t, 'tcp');
});

for (const kind of ['ipc', 'tcp'] as const) {
  test.serial(`over ${kind}, a client that stands still while its broker lives receives all of it later`, async (t) => {
    await checkClientOfLiving(t, kind);
  });

  test.serial(
    `over ${kind}, a broker that stands still while clients with heartbeats live serves them later`,
    async (t) => {
      await checkBrokerOfLiving(t, kind);
    },
  );
}
