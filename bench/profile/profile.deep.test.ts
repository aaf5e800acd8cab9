/** Clinic itself, which takes its time, and profiles that end early. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { SHORT, onlyRunIn, runIn } from './testing/short-profile.ts';

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

test.serial('a profile that is interrupted says so, and leaves neither process nor data', async (t) => {
  const results = temporaryFolder(t);
  const argv = ['profile', '--component', 'summer', '--tool', 'flame', '--results', results, ...SHORT];
  const run = new TestProcess(t, [...argv, '--duration', '10m']);
  await run.lines((lines) => lines.some((line) => line.startsWith('running for')), 'stderr');
  await run.signal('SIGINT');
  t.is((await run.exited).code, 3);
  t.is(run.stderr.at(-1), 'stream-sum: interrupted');
  const folder = onlyRunIn(results);
  t.deepEqual(readdirSync(folder).toSorted(), ['logs', 'run.json']);
  t.like(runIn(folder), { exitCode: 3, reasons: ['interrupted'] });
});

test.serial('a component that refuses its arguments is named, and no profiler is blamed', async (t) => {
  const argv = ['profile', '--component', 'broker', '--tool', 'flame', '--results', temporaryFolder(t), ...SHORT];
  const run = new TestProcess(t, [...argv, '--chunk-bytes', '1MiB']);
  t.is((await run.exited).code, 1);
  t.regex(run.stderr.at(-1) ?? '', /^stream-sum: the chunker did not start: .*--batch-bytes 262144: .*for a chunk of/);
});

test.serial("Node's profiler on a chunker of a real pipeline leaves its profile in the run's folder", async (t) => {
  const results = temporaryFolder(t);
  const argv = ['profile', '--component', 'chunker', '--tool', 'cpu-prof', '--results', results, ...SHORT];
  const run = new TestProcess(t, argv);
  t.is((await run.exited).code, 0, run.stderr.join('\n'));
  const folder = onlyRunIn(results);
  t.is(run.stdout.at(-1), join(folder, 'chunker-cpu-prof.cpuprofile'));
  const profile = JSON.parse(readFileSync(join(folder, 'chunker-cpu-prof.cpuprofile'), 'utf8')) as {
    nodes: { callFrame: { url: string } }[];
  };
  t.true(profile.nodes.some(({ callFrame }) => callFrame.url.endsWith('chunker/stream/generator.js')));
  t.deepEqual(readdirSync(folder).toSorted(), ['chunker-cpu-prof.cpuprofile', 'logs', 'run.json']);
  const { kind, configuration, endedAt, exitCode, verdict } = runIn(folder);
  t.is(kind, 'profile');
  t.like(configuration, { component: 'chunker', tool: 'cpu-prof', duration: 1000, files: '10' });
  t.is(typeof endedAt, 'string');
  // A profile judges nothing.
  t.deepEqual([exitCode, verdict], [0, null]);
});
