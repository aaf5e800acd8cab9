// Two ways in which a shard or a producer passes on; `takeover.deep.test.ts` has the others.

import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { producerOf } from './testing/pipeline.ts';
import { PARTITIONS, begin, endsWell, published } from './testing/takeover-scene.ts';

test.serial('a take-over from a running summer: it exits 12, and its successor continues', async (t) => {
  const scene = await begin(t);
  const second = scene.pipeline.summer('summer-b', { takeOver: true });
  await published(second);
  t.is((await scene.first.exit()).code, EXIT.fenced);
  t.regex(scene.first.lastMessage, /newer owner/);
  await endsWell(t, scene);
});

test.serial('retire ends a producer everywhere, can be run again, and its chunker exits 12', async (t) => {
  const { pipeline, chunker } = await begin(t);
  const producer = await producerOf(chunker);
  for (let run = 0; run < 2; run += 1) {
    const plain = pipeline.plain(['retire', '--connect', pipeline.endpoint, '--producer', producer]);
    t.is((await plain.exit()).code, EXIT.holds);
    t.is(plain.lastMessage, 'retired');
  }
  t.is((await chunker.exit()).code, EXIT.fenced);
  t.regex(chunker.lastMessage, new RegExp(`producer ${producer} was retired`));
  const again = pipeline.chunker('chunker');
  t.is((await again.exit()).code, EXIT.fenced);
  t.regex(again.lastMessage, new RegExp(`producer ${producer} was retired`));
  const journals = pipeline.connect();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    t.is((await journals.expected(`chunks/part-00${partition}`, producer)).outcome, 'ended');
  }
  journals.close();
});
