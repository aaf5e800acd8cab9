/** Claims that the tests of the chunker make about a bench, and what they read from it. */

import type { ExecutionContext } from 'ava';
import { isPhaseRow, readRow } from '../rows/records.ts';
import type { ChunkerBench } from './chunker-bench.ts';

export function phaseOf(bench: ChunkerBench): string | null {
  return readRow(bench.store, 'phase', isPhaseRow)?.phase ?? null;
}

/** All files of a drained life are there once and verified, and nothing is left behind. */
export function holds(t: ExecutionContext, bench: ChunkerBench, message?: string): void {
  const { producer, ledger } = bench.life;
  const endStep = bench.durableEndStep();
  const pure = bench.pureStream(producer, endStep);
  t.deepEqual(
    bench.journalStream(producer),
    pure.map((partition) => partition.map(({ record }) => record)),
    message,
  );
  const files = pure.flat().filter(({ record }) => record.startsWith('00000000')).length;
  t.is(ledger.next, files, message);
  t.is(ledger.outstanding.size, 0, message);
  t.true(bench.hasEnded(producer), message);
  t.is(bench.pin, undefined, message);
  t.is(phaseOf(bench), 'told', message);
  t.deepEqual(bench.failures, [], message);
  // Every append respected what was durable at that time: the end of generation, and the reserved step.
  for (const sent of bench.sent) {
    if (sent.kind !== 'chunks' || sent.producer !== producer) continue;
    const last = pure[sent.partition]?.[sent.firstIndex + sent.count - 1]?.step ?? Number.NaN;
    t.true(last < sent.reservedStep, `step ${last} was sent, ${sent.reservedStep} was reserved`);
    if (endStep !== null && last >= endStep) t.is(sent.endStep, endStep, `step ${last} was sent before the decision`);
  }
}

/** Records of all producers in the journals. */
export function recordsOf(bench: ChunkerBench): number {
  const producers = new Set(bench.sent.map(({ producer }) => producer));
  return [...producers].flatMap((producer) => bench.journalStream(producer).flat()).length;
}
