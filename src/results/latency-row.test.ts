import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { CsvFile, readCsv } from './csv.ts';
import { LatencyHistogram } from '../measure/histogram.ts';
import { LATENCY_COLUMNS, latencyRow, parseLatencyRow } from './latency-row.ts';

test('a row of latencies is read as it was written, with what is missing', (t) => {
  let files = 0;
  const folder = temporaryFolder(t);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3_600e9 }), { maxLength: 50 }),
      fc.option(fc.nat(20)),
      fc.string(),
      (values, censored, phase) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.record(value);
        const row = latencyRow({ phase, stage: 'sum' }, histogram, censored);
        const path = join(folder, `${(files += 1)}.csv`);
        const file = CsvFile.create(path, LATENCY_COLUMNS);
        file.append(row);
        file.close();
        t.deepEqual(readCsv(path).map(parseLatencyRow), [row]);
      },
    ),
    { numRuns: 50 },
  );
});
