/**
 * Plants some bugs in real processes. Each takes effect, is found after that and rightly named, and is audited. Its
 * evidence names the command that plants it again.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-real-trials-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
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
    results: folder,
    onResult: ({ name, miss, folder: run }) => {
      results += 1;
      if (miss !== null) misses.push(`${name} ${miss} (seed ${SEED})`);
      else t.regex(readFileSync(join(run ?? '', 'evidence', 'witness.txt'), 'utf8'), repeatLine(name));
      rmSync(run ?? '', { recursive: true, force: true });
    },
  });
  t.deepEqual(misses, []);
  t.is(results, names.length);
}

function repeatLine(name: string): RegExp {
  return new RegExp(`Repeat the run: npx stream-sum detect --real --mutant ${name} --seed ${SEED}`);
}
