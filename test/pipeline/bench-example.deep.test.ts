// The row of Gazette's own example, with its real programs on a cluster of one broker. Takes a minute and less.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ClusterEngine, Example } from '../../bench/harness/engine.ts';
import { exampleTask } from '../../bench/pipeline/example-task.ts';
import { findExample } from '../../soak/cluster/binaries.ts';
import { findGazetteEngine } from '../../soak/cluster/measured-cluster.ts';
import { DEADLINE_MS, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import type { Task } from '../../bench/harness/task.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { clusterPrograms } from './testing/real-cluster.ts';

const SHAPE = { brokers: 1, replication: 1, etcd: 1 };
const TURN = { milliseconds: 0, callsMin: 1 };

type Found = { readonly engine: ClusterEngine; readonly example: Example };

/** A test that needs a cluster and the example. It is skipped by its name where one of them is missing. */
function exampleTest(title: string, run: (t: ExecutionContext, found: Found) => Promise<void>): void {
  const [programs, found] = [clusterPrograms(), findExample(null)];
  const missing = 'missing' in programs ? programs.missing : 'missing' in found ? found.missing : null;
  if (missing !== null) return test.skip(`left out: ${title} (${missing})`, () => {});
  return test.serial(title, async (t) => {
    t.timeout(DEADLINE_MS);
    const engine = await findGazetteEngine(null);
    if ('missing' in engine.example) throw new Error(engine.example.missing);
    await run(t, { engine, example: engine.example });
  });
}

/** The task, and the folder of its data, which is empty after each turn. */
function taskOf(
  t: ExecutionContext,
  { engine, example }: Found,
): { readonly task: Task; readonly dataFolder: string; readonly logsFolder: string } {
  const folder = temporaryFolder(t);
  const [dataFolder, logsFolder] = [join(folder, 'data'), join(folder, 'logs')];
  const rest = { seed: 1, scale: 'smoke', launch: { command: 'false', argv: [] } } as const;
  const context = { ...rest, dataFolder, logsFolder, signal: new AbortController().signal };
  return { task: exampleTask(example, { context, engine, shape: SHAPE }), dataFolder, logsFolder };
}

function valuesOf({ measurements }: Awaited<ReturnType<Task['measure']>>): ReadonlyMap<string, number | null> {
  return new Map(measurements.map(({ metric, process = '', value }) => [`${metric} ${process}`.trim(), value]));
}

exampleTest("Gazette's own example verifies its sums, and its row counts every process", async (t, found) => {
  const { task, dataFolder } = taskOf(t, found);
  const values = valuesOf(await task.measure(TURN));
  t.true((values.get('chunks_per_s') ?? 0) > 0);
  t.true((values.get('written_bytes_per_payload_byte') ?? 0) > 0);
  for (const process of ['summer-0', 'chunker-0', 'broker-1', 'all']) {
    t.true((values.get(`cpu_s_per_million_chunks ${process}`) ?? 0) > 0, process);
  }
  t.true(values.has('cpu_s_per_million_chunks etcd-1'));
  t.deepEqual(readdirSync(dataFolder), []);
});

exampleTest('a chunker of the example that is killed leaves no row and no process', async (t, found) => {
  const pids: number[] = [];
  const example: Example = {
    ...found.example,
    start: async (asked) => {
      const running = await found.example.start(asked);
      pids.push(...running.processes.flatMap(({ pid }) => (pid === null ? [] : [pid])));
      process.kill(running.processes.find(({ name }) => name === 'chunker-0')?.pid ?? Number.NaN, 'SIGKILL');
      return running;
    },
  };
  const { task } = taskOf(t, { ...found, example });
  await t.throwsAsync(task.measure(TURN), {
    instanceOf: OperatingError,
    message: /^chunker-0 of the example was ended by SIGKILL/,
  });
  t.true(pids.length >= 3);
  t.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});
