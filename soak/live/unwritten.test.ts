import { closeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { runSoak, type SoakDependencies } from './run.ts';
import { SoakFiles } from './soak-files.ts';
import { fakeDependencies, fakeOptions } from './testing/fake-run.ts';
import { openFilesAt } from './testing/open-files.ts';
import { runMoved } from './testing/run-moved.ts';
import { withUnwritten } from '../guarantee/verdict.ts';

/** Takes the descriptor of a file away, so that the system refuses each further write. */
function breakFile(path: string): void {
  const [file] = openFilesAt(path);
  if (file === undefined) throw new Error(`nobody has ${path} open`);
  closeSync(file.descriptor);
}

test.serial('a file that cannot be written is given up by name, and the others are written on', (t) => {
  const folder = temporaryFolder(t);
  const said: string[] = [];
  const files = new SoakFiles(folder, { startNs: 0, processes: ['soak'], onUnwritten: (line) => said.push(line) });
  const path = join(folder, 'violations.csv');
  breakFile(path);
  for (const offset of [1, 2]) files.violation({ process: 'chunker-0', kind: 'lost', detail: 'planted', offset }, 1e9);
  files.sample({
    suite: 'soak',
    benchmark: 'x',
    parameters: '',
    metric: 'm',
    unit: '',
    better: 'none',
    round: 1,
    value: 1,
  });
  files.close();
  t.is(said.length, 1);
  t.true(said[0]?.includes(path) === true && said[0].includes('EBADF'), said[0]);
  t.deepEqual(files.unwritten, said);
  t.is(readCsv(join(folder, 'samples.csv')).length, 1);
});

test('what could not be written takes HOLDS away, and nothing else', (t) => {
  const holds = { verdict: 'HOLDS', exitCode: 0, reasons: [] } as const;
  const violated = { verdict: 'VIOLATED', exitCode: 10, reasons: ['a violation'] } as const;
  const failed = { verdict: 'INCONCLUSIVE', exitCode: 1, reasons: ['a failure'] } as const;
  t.is(withUnwritten(holds, []), holds);
  t.deepEqual(withUnwritten(holds, ['x']), { verdict: 'INCONCLUSIVE', exitCode: 3, reasons: ['x'] });
  t.deepEqual(withUnwritten(violated, ['x']), { ...violated, reasons: ['a violation', 'x'] });
  t.deepEqual(withUnwritten(failed, ['x']), { ...failed, reasons: ['a failure', 'x'] });
});

test('a run whose folder is gone has a verdict, which says so', async (t) => {
  const { verdict, screen } = await runMoved(t, {});
  t.is(verdict.verdict, 'INCONCLUSIVE');
  t.is(verdict.exitCode, 3);
  t.regex(verdict.reasons.join('\n'), /cannot write .*run\.json: .*ENOENT/);
  t.regex(screen, /^INCONCLUSIVE/m);
});

test('an error of the soak itself is a failure of the run, and hides no violation', async (t) => {
  const broken: Partial<SoakDependencies> = {
    audit: () => Promise.reject(new TypeError('planted')),
  };
  const said: string[] = [];
  const dependencies = { ...fakeDependencies({}, said), ...broken };
  const options = fakeOptions(temporaryFolder(t), { durationMs: 1_000, chunkers: 1, summers: 1 });
  const { verdict } = await runSoak(options, dependencies);
  t.is(verdict.verdict, 'INCONCLUSIVE');
  t.is(verdict.exitCode, 1);
  t.regex(verdict.reasons.join('\n'), /soak: planted/);
});
