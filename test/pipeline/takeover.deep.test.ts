import { renameSync } from 'node:fs';
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

test.serial('a summer that is killed and started again on its folder continues with every shard', async (t) => {
  const scene = await begin(t);
  await scene.first.kill();
  const again = scene.pipeline.summer('summer-a');
  t.deepEqual(await again.ready(), { ...(await again.ready()), shards: [0, 1] });
  await published(again);
  await endsWell(t, scene);
});

test.serial('a summer whose shards are confirmed elsewhere exits 12 and names who has them', async (t) => {
  const scene = await begin(t);
  await scene.first.kill();
  const second = scene.pipeline.summer('summer-b', { takeOver: true });
  await second.ready();
  const replaced = scene.pipeline.summer('summer-a');
  t.is((await replaced.exit()).code, EXIT.fenced);
  t.true(
    replaced.stderr.some((line) => line.includes(scene.pipeline.path('summer-b'))),
    replaced.stderr.join('\n'),
  );
  t.deepEqual(replaced.stdout, []);
  await endsWell(t, scene);
});

test.serial('a summer leaves out the shard that is confirmed elsewhere and keeps the others', async (t) => {
  const scene = await begin(t);
  await scene.first.kill();
  const second = scene.pipeline.summer('summer-b', { takeOver: true, partitions: '1' });
  await second.ready();
  const first = scene.pipeline.summer('summer-a');
  const ready = await first.ready();
  t.deepEqual(ready.component === 'summer' ? ready.shards : null, [0]);
  t.true(first.stderr.some((line) => line.includes('shard 1') && line.includes(scene.pipeline.path('summer-b'))));
  await endsWell(t, scene);
});

test.serial('a take-over from a stopped summer: resumed, it publishes nothing and exits 12', async (t) => {
  const scene = await begin(t);
  await scene.first.signal('SIGSTOP');
  const second = scene.pipeline.summer('summer-b', { takeOver: true });
  await published(second);
  await scene.first.signal('SIGCONT');
  t.is((await scene.first.exit()).code, EXIT.fenced);
  await published(second, (await published(second)) + 1);
  await endsWell(t, scene);
});

test.serial('a take-over from a dead summer continues from its store', async (t) => {
  const scene = await begin(t);
  await scene.first.kill();
  const second = scene.pipeline.summer('summer-b', { takeOver: true });
  await published(second);
  t.true(second.stderr.some((line) => line.includes('copiedFrom') && line.includes(scene.pipeline.path('summer-a'))));
  await endsWell(t, scene);
});

test.serial(
  'a successor that died before it confirmed does not keep its predecessor from a plain restart',
  async (t) => {
    const scene = await begin(t);
    const dying = scene.pipeline.summer('summer-b', { takeOver: true, partitions: '0', plan: { crashAt: 'copied' } });
    t.is((await dying.exit()).signal, 'SIGKILL');
    await dropped(scene.first);
    t.is(await stopped(scene.first), EXIT.holds);
    const again = scene.pipeline.summer('summer-a');
    const ready = await again.ready();
    t.deepEqual(ready.component === 'summer' ? ready.shards : null, [0, 1]);
    await endsWell(t, scene);
  },
);

test.serial('a takeover that cannot succeed leaves the owner as it is, and says what helps', async (t) => {
  const scene = await begin(t);
  const { pipeline, first } = scene;
  const elsewhere = pipeline.path('elsewhere');
  // The process of that folder runs on.
  renameSync(pipeline.path('summer-a'), elsewhere);
  const successor = pipeline.summer('summer-b', { takeOver: true });
  t.is((await successor.exit()).code, EXIT.internal);
  t.regex(successor.lastMessage, /shards 0, 1 were not taken over, .* there is no store at .* add --take-over-from/);
  const nowhere = pipeline.summer('summer-b', { takeOverFrom: pipeline.path('nowhere') });
  t.is((await nowhere.exit()).code, EXIT.usage);
  t.regex(nowhere.lastMessage, /--take-over-from .*nowhere/);
  await published(first, (await published(first)) + 1);
  // From its new place it can be taken over.
  const second = pipeline.summer('summer-b', { takeOverFrom: elsewhere });
  t.like(await second.ready(), { shards: [0, 1] });
  t.is((await first.exit()).code, EXIT.fenced);
  await endsWell(t, scene);
});

test.serial('a summer whose own folder was moved says what helps, and goes on there', async (t) => {
  const scene = await begin(t);
  const { pipeline, first } = scene;
  await first.kill();
  renameSync(pipeline.path('summer-a'), pipeline.path('moved'));
  const plain = pipeline.summer('moved');
  t.is((await plain.exit()).code, EXIT.fenced);
  t.true(plain.stderr.some((line) => line.includes('if it was moved, name its new place by --take-over-from')));
  const again = pipeline.summer('moved', { takeOverFrom: pipeline.path('moved') });
  t.like(await again.ready(), { shards: [0, 1] });
  await again.kill();
  // From then on the store is confirmed there.
  await pipeline.summer('moved').ready();
  await endsWell(t, scene);
});

test.serial('a summer that has lost one of two shards goes on with the other', async (t) => {
  const scene = await begin(t);
  const { pipeline, first } = scene;
  const second = pipeline.summer('summer-b', { partitions: '0', takeOver: true });
  t.like(await second.ready(), { shards: [0] });
  await dropped(first);
  await published(first, (await published(first)) + 1);
  await published(second);
  const third = pipeline.summer('summer-c', { takeOver: true });
  t.like(await third.ready(), { shards: [0, 1] });
  for (const replaced of [first, second]) t.is((await replaced.exit()).code, EXIT.fenced);
  await endsWell(t, scene);
});
