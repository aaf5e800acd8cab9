/** Clinic itself, which takes its time. */

import { readFileSync } from 'node:fs';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';

const SHORT = ['--duration', '1s', '--files', '10', '--partitions', '2'];

test.serial('clinic on a summer of a real pipeline leaves its page in the run folder', async (t) => {
  const results = temporaryFolder(t);
  const argv = ['profile', '--component', 'summer', '--tool', 'heap', '--results', results, ...SHORT];
  const run = new TestProcess(t, argv);
  t.is((await run.exited).code, 0, run.stderr.join('\n'));
  t.regex(readFileSync(run.stdout.at(-1) ?? '', 'utf8'), /Clinic Heap Profiler/);
});

test.serial('where clinic fails, one line says so and names the way out', async (t) => {
  const argv = ['profile', '--component', 'chunker', '--tool', 'doctor', '--results', temporaryFolder(t), ...SHORT];
  const run = new TestProcess(t, [...argv, '--chunk-bytes', '1MiB']);
  t.is((await run.exited).code, 1);
  t.regex(
    run.stderr.at(-1) ?? '',
    /clinic doctor failed on Node v.*: npm run profile -- --component chunker --tool cpu-prof$/,
  );
});
