/** Components that are killed. `kills.deep.test.ts` kills each of them, and all, and tells them to end. */

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DEADLINE_MS, TestProcess, stateOf, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { surviveKills } from './testing/killed-fleet.ts';

const PARENT = fileURLToPath(new URL('./testing/parent.js', import.meta.url));

test.serial('a broker with a summer, and then a chunker is killed: every file gets exactly one right sum', (t) =>
  surviveKills(t, { targets: [['broker', 'summer-0'], ['chunker-0']] }),
);

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
