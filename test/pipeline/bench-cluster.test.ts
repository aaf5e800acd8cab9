// The pipeline suite of an engine that is a cluster: over components and a cluster that do no work.
// `bench-cluster.deep.test.ts` has more runs, also on real clusters.

import test from 'ava';
import { OperatingError } from '../../src/core/errors.ts';
import { fakeEngine, fakeExample, run } from './testing/fake-engine.ts';

test('the CPU time of all counts the members of the cluster, and their journals have no file that grows', async (t) => {
  const { engine } = fakeEngine();
  const { files } = await run(t, ['throughput'], engine);
  const rows = files.samples.filter(({ parameters }) => parameters.includes('replication=1'));
  const cpu = new Map(
    rows
      .filter(({ metric }) => metric === 'cpu_s_per_million_chunks')
      .map(({ parameters, value }) => [parameters.match(/process=(\S+)/)?.[1] ?? '', value ?? 0]),
  );
  const { all = 0, ...parts } = Object.fromEntries(cpu);
  t.deepEqual(
    Object.keys(parts).toSorted((a, b) => a.localeCompare(b)),
    ['broker-1', 'chunker-0', 'etcd-1', 'summer-0'],
  );
  const sum = Object.values(parts).reduce((before, value) => before + value, 0);
  t.true(Math.abs(all - sum) <= 1e-9 * sum, `${all} is ${sum}`);
  t.false(rows.some(({ metric }) => metric === 'journal_growth_per_payload_byte'));
  t.false(files.remarks.some((line) => line.includes('reused its pages') || line.includes('still grew')));
});

test('a member that ends by itself ends the run, which says so, and the cluster is stopped', async (t) => {
  const { engine, log } = fakeEngine({ onStarted: ({ onEnded }) => onEnded('etcd-1 was killed by SIGSEGV') });
  await t.throwsAsync(run(t, ['throughput'], engine), {
    instanceOf: OperatingError,
    message: 'etcd-1 was killed by SIGSEGV',
  });
  t.is(log.at(-1), 'stop');
});

test('an example that counts more chunks than it was given has no row', async (t) => {
  const { example } = fakeExample({ part: 1.1 });
  await t.throwsAsync(run(t, ['throughput'], fakeEngine({ example }).engine), {
    instanceOf: OperatingError,
    message: /folded \d+ chunks and ends of streams instead of \d+$/,
  });
});
