/** Plants some bugs in real processes. Each takes effect, is found after that and rightly named, and is audited. */

import type { ExecutionContext } from 'ava';
import { connectJournals } from '../../../src/cli/connection.ts';
import { makeAudit } from '../../live/audit/end-audit.ts';
import { runRealMutants } from '../real/real-experiments.ts';
import { realMutantNamed } from '../real/real-mutants.ts';

/** A bound for a trial that hangs. A soak takes some seconds. */
const TIMEOUT_MS = 3_600_000;
const SEED = 1;

export async function realMutantsAreCaught(t: ExecutionContext, names: readonly string[]): Promise<void> {
  t.timeout(TIMEOUT_MS);
  t.true(names.length > 0);
  const misses: string[] = [];
  let results = 0;
  await runRealMutants({
    mutants: names.map(realMutantNamed),
    composition: {
      connect: (endpoint) => connectJournals(endpoint, 'auditor'),
      audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
    },
    seed: SEED,
    jobs: 1,
    results: null,
    onResult: ({ name, miss }) => {
      results += 1;
      if (miss !== null) misses.push(`${name} ${miss} (seed ${SEED})`);
    },
  });
  t.deepEqual(misses, []);
  t.is(results, names.length);
}
