import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { TOOLS, isClinic, launchOf, wayOut } from './tools.ts';

const SHORT = ['--duration', '1s', '--files', '10', '--partitions', '2'];

function only<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

function runIn(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as Record<string, unknown>;
}

test.serial("Node's profiler on a chunker of a real pipeline leaves its profile in the run's folder", async (t) => {
  const results = temporaryFolder(t);
  const argv = ['profile', '--component', 'chunker', '--tool', 'cpu-prof', '--results', results, ...SHORT];
  const run = new TestProcess(t, argv);
  t.is((await run.exited).code, 0, run.stderr.join('\n'));
  const folder = join(results, only(readdirSync(results)) ?? 'none');
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

test.serial('a profile that is interrupted says so, and leaves neither process nor data', async (t) => {
  const results = temporaryFolder(t);
  const argv = ['profile', '--component', 'summer', '--tool', 'flame', '--results', results, ...SHORT];
  const run = new TestProcess(t, [...argv, '--duration', '10m']);
  await run.lines((lines) => lines.some((line) => line.startsWith('running for')), 'stderr');
  await run.signal('SIGINT');
  t.is((await run.exited).code, 3);
  t.is(run.stderr.at(-1), 'stream-sum: interrupted');
  const folder = join(results, only(readdirSync(results)) ?? 'none');
  t.deepEqual(readdirSync(folder).toSorted(), ['logs', 'run.json']);
  t.like(runIn(folder), { exitCode: 3, reasons: ['interrupted'] });
});

test.serial('a component that refuses its arguments is named, and no profiler is blamed', async (t) => {
  const argv = ['profile', '--component', 'broker', '--tool', 'flame', '--results', temporaryFolder(t), ...SHORT];
  const run = new TestProcess(t, [...argv, '--chunk-bytes', '1MiB']);
  t.is((await run.exited).code, 1);
  t.regex(run.stderr.at(-1) ?? '', /^stream-sum: the chunker did not start: .*--batch-bytes 262144: .*for a chunk of/);
});

test('an unknown tool or component is a usage error that names it', async (t) => {
  const run = new TestProcess(t, ['profile', '--component', 'broker', '--tool', 'hammer']);
  t.is((await run.exited).code, 2);
  t.regex(run.stderr.join('\n'), /--tool hammer: expected one of doctor/);
});

test('each tool of clinic has a way out that is none', (t) => {
  for (const tool of TOOLS) t.false(isClinic(wayOut(tool)));
  t.true(launchOf(['summer'], 'heap', '/tmp').argv.includes('heapprofiler'));
});
