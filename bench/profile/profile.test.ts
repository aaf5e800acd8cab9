import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { SHORT, onlyRunIn, runIn } from './testing/short-profile.ts';
import { TOOLS, isClinic, launchOf, wayOut } from './tools.ts';

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

test('an unknown tool or component is a usage error that names it', async (t) => {
  const run = new TestProcess(t, ['profile', '--component', 'broker', '--tool', 'hammer']);
  t.is((await run.exited).code, 2);
  t.regex(run.stderr.join('\n'), /--tool hammer: expected one of doctor/);
});

test('each tool of clinic has a way out that is none', (t) => {
  for (const tool of TOOLS) t.false(isClinic(wayOut(tool)));
  t.true(launchOf(['summer'], 'heap', '/tmp').argv.includes('heapprofiler'));
});
