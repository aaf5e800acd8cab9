import test from 'ava';
import { Counters } from '../world/counters.ts';
import { Kernel } from '../world/kernel.ts';
import { ClusterNetwork, Lane } from './cluster-network.ts';

const MESSAGES = 200;
const EVERY_NS = 20_000;

/** The order in which numbered messages of one lane arrive while the lane is cut and mended. */
async function arrivals(seed: number): Promise<number[]> {
  const kernel = new Kernel(0, (error) => {
    throw error;
  });
  const counters = new Counters();
  const network = new ClusterNetwork({ kernel, seed, counters, delayNs: 200_000, jitterNs: 300_000 });
  const cut = { from: (name: string) => name === 'a', to: (name: string) => name === 'b' };
  const lane = new Lane();
  const arrived: number[] = [];
  for (let number = 0; number < MESSAGES; number += 1) {
    kernel.after(number * EVERY_NS, () => network.send('a', 'b', () => arrived.push(number), lane));
  }
  kernel.after(1_000_000, () => network.cut(cut));
  kernel.after(2_000_000, () => network.mend(cut));
  await kernel.run(() => false);
  return arrived;
}

test('no message overtakes what a cut has held back in its lane', async (t) => {
  const inOrder = Array.from({ length: MESSAGES }, (_, number) => number);
  for (let seed = 1; seed <= 20; seed += 1) t.deepEqual(await arrivals(seed), inOrder, `seed ${seed}`);
});
