import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DEADLINE_MS, TestProcess, stateOf, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { Fleet, START_ORDER, TARGETS, surviveKills, verifiesMore } from './testing/killed-fleet.ts';
import { Pipeline, drained, faultsIn, producerOf } from './testing/pipeline.ts';

const PARENT = fileURLToPath(new URL('./testing/parent.js', import.meta.url));

test.serial('whatever is killed, every file gets exactly one right sum', (t) => surviveKills(t, TARGETS.length));

test.serial('SIGTERM ends every component with 0, and started again they continue', async (t) => {
  const pipeline = new Pipeline(t, 4);
  const fleet = new Fleet(pipeline);
  for (const name of START_ORDER) await fleet.start(name);
  await verifiesMore(fleet.get('chunker-0'));
  const producer = await producerOf(fleet.get('chunker-0'));
  for (const name of START_ORDER.toReversed()) {
    const process = fleet.get(name);
    await process.signal('SIGTERM');
    t.deepEqual(await process.exit(), { code: EXIT.holds, signal: null }, `${name}: ${process.lastMessage}`);
    t.like(process.events.at(-1), { event: 'stopped', reason: 'SIGTERM' });
  }
  for (const name of START_ORDER) await fleet.start(name);
  const chunker = fleet.get('chunker-0');
  t.like(await chunker.ready(), { producer, resumed: true });
  chunker.command({ command: 'drain' });
  const { files } = await drained(chunker);
  const workload = pipeline.workload({ seed: 5, number: 0 });
  t.deepEqual(faultsIn(await pipeline.sums(), { producer, files, workload }), []);
});

test.serial('kill -9 of the parent leaves no component behind', async (t) => {
  const parent = new TestProcess(t, [temporaryFolder(t)], { script: PARENT });
  await parent.lines((lines) => lines.length > 0);
  const pids = JSON.parse(parent.stdout[0] ?? '[]') as number[];
  t.is(pids.length, 3);
  t.teardown(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  t.true(pids.every(isAlive));
  parent.child.kill('SIGKILL');
  const deadline = Date.now() + DEADLINE_MS;
  while (pids.some(isAlive) && Date.now() < deadline) await new Promise(setImmediate);
  t.deepEqual(pids.filter(isAlive), []);
});

/** A zombie that nobody has waited for is not alive. */
function isAlive(pid: number): boolean {
  return !['', 'Z', 'X'].includes(stateOf(pid));
}
