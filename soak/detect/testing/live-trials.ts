/** Runs some of the sabotages of the live harness: none may hold, and each must be named. */

import type { ExecutionContext } from 'ava';
import { connectJournals } from '../../../src/cli/connection.ts';
import { makeAudit } from '../../live/audit/end-audit.ts';
import { Detection } from '../detection.ts';
import { liveSabotages, runLiveSabotages } from '../live-experiments.ts';

/** A bound for hanging tests: about thirty soaks take a few seconds each. */
const TIMEOUT_MS = 3_600_000;

const COMPOSITION = {
  connect: (endpoint: string) => connectJournals(endpoint, 'auditor'),
  audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
};

/** The sabotages over real processes, in parts of a few minutes each, by their names. A deep test runs each part. */
export const REAL_PARTS: Readonly<Record<'audit' | 'relay' | 'withheld' | 'pages' | 'retirements', RegExp>> = {
  audit: /auditor|checkpoints-that/,
  relay: /relay/,
  withheld: /withheld/,
  pages: /pages-of/,
  retirements: /retire/,
};

/** `isReal`: over real processes, else over fake ones. */
export async function liveSabotagesAreNamed(
  t: ExecutionContext,
  isAsked: (name: string) => boolean,
  isReal: boolean,
): Promise<void> {
  t.timeout(TIMEOUT_MS);
  const names = new Set(
    liveSabotages()
      .filter(({ name, over }) => (isReal || over === 'fake') && isAsked(name))
      .map(({ name }) => name),
  );
  t.true(names.size > 0, 'no sabotage has such a name');
  const detection = new Detection();
  await runLiveSabotages({
    composition: isReal ? COMPOSITION : null,
    names,
    onResult: (result) => detection.addLive(result),
  });
  t.deepEqual(detection.misses(), []);
  const named = detection.liveRows().reduce((total, row) => total + row.named, 0);
  // Withheld evidence gives one row for each partition or process, however many there are.
  if ([...names].some((name) => name.includes('withheld'))) t.true(named > 0);
  else t.is(named, names.size);
}
