import test, { type ExecutionContext } from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { CRASH_POINTS } from './testing/tampering.ts';
import { begin, dropped, endsWell, published, stopped } from './testing/takeover-scene.ts';

/**
 * A successor dies at each point of its claim in turn. By then its predecessor has lost the first shard, and goes on
 * with the other. Then one more takes over from the store that `chosen` names.
 */
async function surviveCrashes(
  t: ExecutionContext,
  chosen: (names: { dead: string; before: string }) => string,
): Promise<void> {
  const scene = await begin(t);
  let current = { name: 'summer-a', process: scene.first };
  for (const crashAt of CRASH_POINTS) {
    const dead = current.name === 'summer-a' ? 'summer-b' : 'summer-a';
    const dying = scene.pipeline.summer(dead, { takeOver: true, plan: { crashAt } });
    t.is((await dying.exit()).signal, 'SIGKILL', crashAt);
    const before = current;
    await dropped(before.process);
    const name = chosen({ dead, before: before.name });
    if (name === before.name) t.is(await stopped(before.process), EXIT.holds, crashAt);
    current = { name, process: scene.pipeline.summer(name, { takeOver: true }) };
    await published(current.process);
    if (name !== before.name) t.is((await before.process.exit()).code, EXIT.fenced, crashAt);
  }
  await endsWell(t, scene);
}

test.serial('a successor that dies at any point of its claim takes over again: every file has one sum', (t) =>
  surviveCrashes(t, ({ dead }) => dead),
);

test.serial('the predecessor of one that dies at any point of its claim takes over: every file has one sum', (t) =>
  surviveCrashes(t, ({ before }) => before),
);
