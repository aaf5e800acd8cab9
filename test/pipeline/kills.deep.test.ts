/** Each component is killed, alone and together with others, or told to end. `kills.test.ts` has two kills. */

import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { Fleet, START_ORDER, surviveKills, verifiesMore } from './testing/killed-fleet.ts';
import { Pipeline, drained, faultsIn, producerOf } from './testing/pipeline.ts';

test.serial('whatever is killed, every file gets exactly one right sum', (t) => surviveKills(t));

test.serial('whatever is killed and however often, every file gets exactly one right sum', (t) =>
  surviveKills(t, { more: 7 }),
);

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
