import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import { type RunFile, digestFiles, writeRunFile } from '../../src/results/run-folder.ts';
import { changedFiles, readRecordedRun } from './recorded-run.ts';

const RUN = { kind: 'soak', verdict: null, reasons: [], seed: 7, configuration: {}, digests: {} };

/** Written as a soak writes it, with these fields alone. */
function write(folder: string, change: object): Promise<void> {
  return writeRunFile(folder, { ...RUN, ...change } as unknown as RunFile);
}

test('a run is read as it was written, and its engine promises what its configuration says', async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { verdict: 'HOLDS', configuration: { summers: 3 } });
  const run = readRecordedRun(folder);
  t.like(run, { verdict: 'HOLDS', reasons: [], seed: 7, configuration: { summers: 3 }, digests: {}, isWhole: true });
  await write(folder, { configuration: { cluster: { brokers: 4 } } });
  t.notDeepEqual(readRecordedRun(folder).promises, run.promises);
});

test('a field that is not what a soak writes is named', async (t) => {
  const folder = temporaryFolder(t);
  const wrong = { verdict: 7, reasons: [7], seed: -1, configuration: null, digests: { 'faults.csv': 7 } };
  for (const [name, value] of Object.entries(wrong)) {
    await write(folder, { [name]: value });
    t.throws(() => readRecordedRun(folder), { instanceOf: UsageError, message: new RegExp(`its field "${name}"`) });
  }
});

test('a run.json or a table that was changed after the run is named', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'faults.csv'), 'id\r\n');
  await write(folder, { digests: await digestFiles(folder, ['faults.csv']) });
  t.deepEqual(await changedFiles(folder, readRecordedRun(folder)), []);
  writeFileSync(join(folder, 'faults.csv'), 'id\r\n1\r\n');
  t.regex((await changedFiles(folder, readRecordedRun(folder))).join('\n'), /^\S*faults\.csv was changed[^\n]*$/);
  rmSync(join(folder, 'faults.csv'));
  t.regex((await changedFiles(folder, readRecordedRun(folder))).join('\n'), /^\S*faults\.csv is missing[^\n]*$/);
  await write(folder, {});
  const path = join(folder, 'run.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"seed": 7', '"seed": 8'));
  t.regex((await changedFiles(folder, readRecordedRun(folder))).join('\n'), /^\S*run\.json was changed[^\n]*$/);
});
