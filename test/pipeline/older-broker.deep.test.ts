/**
 * A broker that comes back with an older copy of its folder, or with an empty one: every holder of proof says so, with
 * exit 10.
 */

import { cpSync, rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import type { TestProcess } from '../../src/cli/testing/test-process.ts';
import { Pipeline, drained } from './testing/pipeline.ts';

type Scene = { readonly pipeline: Pipeline; readonly broker: TestProcess; readonly summer: TestProcess };

/** Files are summed, the stopped broker's folder is copied, and more files are summed. */
async function begin(t: ExecutionContext): Promise<Scene> {
  const pipeline = new Pipeline(t, 1);
  const first = await pipeline.broker();
  const summer = pipeline.summer('summer');
  await drained(pipeline.chunker('chunker-0', { count: 20 }));
  await first.kill();
  cpSync(pipeline.path('broker'), pipeline.path('older'), { recursive: true });
  const broker = await pipeline.broker();
  await drained(pipeline.chunker('chunker-1', { number: 1, count: 20 }));
  return { pipeline, broker, summer };
}

/** The broker is killed, and started again on another folder. */
async function goBack({ pipeline, broker }: Scene, how: 'older' | 'wiped'): Promise<void> {
  await broker.kill();
  rmSync(pipeline.path('broker'), { recursive: true });
  if (how === 'older') cpSync(pipeline.path('older'), pipeline.path('broker'), { recursive: true });
  await pipeline.broker();
}

async function saysSo(t: ExecutionContext, process: TestProcess): Promise<void> {
  t.is((await process.exit()).code, EXIT.violation, process.stderr.join('\n'));
  t.true(process.stderr.some((line) => line.includes('violation=acknowledged-loss')));
}

for (const how of ['older', 'wiped'] as const) {
  test.serial(
    `the store of a broker is ${how}: a summer that runs, and one that is started again, say so`,
    async (t) => {
      const scene = await begin(t);
      await goBack(scene, how);
      await saysSo(t, scene.summer);
      await saysSo(t, scene.pipeline.summer('summer'));
      // A component that knows of nothing makes the journal grow beyond the loss. The proof stays valid.
      const other = scene.pipeline.summer('other', { takeOver: true });
      if (how === 'older') await saysSo(t, other);
      else {
        await drained(scene.pipeline.chunker('chunker-2', { number: 2, count: 60 }));
        await saysSo(t, scene.pipeline.summer('summer', { takeOver: true }));
        await other.signal('SIGTERM');
      }
    },
  );

  test.serial(`the store of a broker is ${how}: a chunker that runs, and one that had ended, say so`, async (t) => {
    const scene = await begin(t);
    const running = scene.pipeline.chunker('chunker-2', { number: 2, rate: '500' });
    await running.ready();
    await goBack(scene, how);
    await saysSo(t, running);
    await saysSo(t, scene.pipeline.chunker('chunker-1', { number: 1, count: 20 }));
    // It had ended before the copy was made.
    const first = scene.pipeline.chunker('chunker-0', { count: 20 });
    if (how === 'wiped') await saysSo(t, first);
    else t.truthy(await first.ready());
  });
}

test.serial(
  'a broker that has all it had acknowledged is taken back by everybody, at another address too',
  async (t) => {
    const { pipeline, broker, summer } = await begin(t);
    await broker.kill();
    const same = await pipeline.broker();
    await drained(pipeline.chunker('chunker-2', { number: 2, count: 20 }));
    await summer.signal('SIGTERM');
    t.is((await summer.exit()).code, EXIT.holds);
    await same.kill();
    const connect = `${pipeline.endpoint}-2`;
    const data = pipeline.path('broker');
    await pipeline.start(['broker', '--data', data, '--listen', connect, '--partitions', '1']).ready();
    const again = pipeline.start([
      'summer',
      '--data',
      pipeline.path('summer'),
      '--connect',
      connect,
      '--partitions',
      '0',
    ]);
    t.truthy(await again.ready());
  },
);

test.serial(
  'the store of another broker, elsewhere, is a usage error that names the broker it belongs to',
  async (t) => {
    const { pipeline, summer } = await begin(t);
    await summer.kill();
    const other = new Pipeline(t, 1);
    await other.broker();
    const lost = other.start([
      'summer',
      '--data',
      pipeline.path('summer'),
      '--connect',
      other.endpoint,
      '--partitions',
      '0',
    ]);
    t.is((await lost.exit()).code, EXIT.usage);
    t.true(
      lost.stderr.some((line) => line.includes(pipeline.endpoint)),
      lost.stderr.join('\n'),
    );
  },
);
