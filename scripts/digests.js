/**
 * `node scripts/digests.js [SEEDS]`: the digests of the histories of seeds 1 to SEEDS, one a line. They are the same on
 * every version of Node.
 */

import { planOf, workloadOf } from '../dist/soak/simulation/plan.js';
import { simulate } from '../dist/soak/simulation/simulate.js';

const seeds = Number(process.argv[2] ?? 9);
for (let seed = 1; seed <= seeds; seed += 1) {
  const { digest } = await simulate(planOf(seed, workloadOf(seed)));
  console.log(`${seed} ${digest}`);
}
