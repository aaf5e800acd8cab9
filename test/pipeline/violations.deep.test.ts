/** The planted faults that `violations.test.ts` leaves out, and one that only an auditor can see. */

import { join } from 'node:path';
import test from 'ava';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';
import {
  COMPONENT,
  PARTITIONS,
  QUICK,
  begin,
  chunkerFinds,
  endsWith,
  soakIsViolated,
  summerFinds,
} from './testing/planted-violations.ts';
import { CHUNK_TAMPERINGS, SUM_TAMPERINGS } from './testing/tampering.ts';

for (const tampering of SUM_TAMPERINGS) if (tampering !== QUICK.ofSums) chunkerFinds(tampering);

for (const tampering of CHUNK_TAMPERINGS) {
  if (tampering !== QUICK.ofChunks && tampering !== 'alter-batch-sealed') summerFinds(tampering);
}

test.serial('chunk data that is altered under a right checksum is mismatched: the chunker exits 10', async (t) => {
  const { chunker } = await begin(t, 'alter-batch-sealed');
  await endsWith(t, chunker, { kind: 'mismatched', line: /journal=sums offset=\d+ file=[0-9a-f]{32}/ });
});

test.serial(
  'a summer whose offset lags behind its state, which no chunker can see, is found by the auditor',
  async (t) => {
    const options = fakeOptions(temporaryFolder(t), {
      durationMs: 20_000,
      faults: ['kill'],
      faultIntervalMs: 1_000,
      audit: 'follow',
      chunkers: 1,
      summers: 1,
      partitions: PARTITIONS,
      retentionBytes: 64 * 1024 * 1024,
    });
    const said: string[] = [];
    const { verdict, folder } = await runSoak(options, {
      ...fakeDependencies({}, said),
      connect: (endpoint) => connectJournals(endpoint, 'auditor'),
      launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify({ tampering: 'late-offset' })] },
    });
    t.is(verdict.exitCode, EXIT.violation, said.join('\n'));
    const violations = readCsv(join(folder, 'violations.csv'));
    t.is(violations[0]?.['kind'], 'state-ahead', said.join('\n'));
    t.deepEqual(new Set(violations.map((row) => row['process'])), new Set(['state']));
  },
);

soakIsViolated('alter-batch', 'corrupt');
