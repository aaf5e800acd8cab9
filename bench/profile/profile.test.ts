import test from 'ava';
import { TestProcess } from '../../src/cli/testing/test-process.ts';
import { TOOLS, isClinic, launchOf, wayOut } from './tools.ts';

test('an unknown tool or component is a usage error that names it', async (t) => {
  const run = new TestProcess(t, ['profile', '--component', 'broker', '--tool', 'hammer']);
  t.is((await run.exited).code, 2);
  t.regex(run.stderr.join('\n'), /--tool hammer: expected one of doctor/);
});

test('each tool of clinic has a way out that is none', (t) => {
  for (const tool of TOOLS) t.false(isClinic(wayOut(tool)));
  t.true(launchOf(['summer'], 'heap', '/tmp').argv.includes('heapprofiler'));
});
