/** Compares two runs on disk and asks a gate, for tests. */

import type { ExecutionContext } from 'ava';
import { EXIT } from '../../../src/core/errors.ts';
import { type Comparison, compareRuns, gateOf, type GateOutcome } from '../comparison.ts';
import { loadRun } from '../loading.ts';
import { noisyRows, type RunSpecification, temporaryFolder, writeRun } from './run-folders.ts';

export type Judged = { readonly comparison: Comparison; readonly gate: GateOutcome; readonly allowed: GateOutcome };

export function judge(old: readonly string[], next: readonly string[], roundsAsRuns = false): Judged {
  const options = { threshold: 0.03, seed: 1, roundsAsRuns };
  const comparison = compareRuns(old.map(loadRun), next.map(loadRun), options);
  const gate = gateOf(comparison, { allowDifferent: false });
  return { comparison, gate, allowed: gateOf(comparison, { allowDifferent: true }) };
}

export const SAME: RunSpecification = { samples: noisyRows({ seed: 1 }), run: { pairing: 'a' } };
export const AGAIN: RunSpecification = { samples: noisyRows({ seed: 2 }), run: { pairing: 'a' } };
export const SLOWER: RunSpecification = {
  samples: noisyRows({ seed: 2, factors: { chunks_per_s: 0.9 } }),
  run: { pairing: 'a' },
};
export const FASTER: RunSpecification = {
  samples: noisyRows({ seed: 2, factors: { latency_p50_s: 0.8 } }),
  run: { pairing: 'a' },
};

export async function pair(
  t: ExecutionContext,
  old: RunSpecification,
  next: RunSpecification,
): Promise<[string, string]> {
  const results = temporaryFolder(t);
  return [await writeRun(results, 'old', old), await writeRun(results, 'new', next)];
}

export function refused(t: ExecutionContext, gate: GateOutcome, named: RegExp): void {
  t.is(gate.exitCode, EXIT.inconclusive, gate.reasons.join('\n'));
  t.regex(gate.reasons.join('\n'), named);
}
