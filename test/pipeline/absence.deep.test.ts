/** Absent chunkers: what becomes of them, and that no other component notices. */

import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { Pipeline, drained, producerOf } from './testing/pipeline.ts';

const PARTITIONS = 2;

test.serial(
  'one that was stopped goes on after any absence, one that was killed ends with 3 and says what helps',
  async (t) => {
    const pipeline = new Pipeline(t, PARTITIONS);
    const broker = await pipeline.broker({ 'pin-absence': '4s' }, { isAudited: false });
    pipeline.summer('summer');
    const [stopped, killed] = [0, 1].map((number) => pipeline.chunker(`chunker-${number}`, { number, rate: '500' }));
    if (stopped === undefined || killed === undefined) throw new Error('there are two');
    const [own, lost] = [await producerOf(stopped), await producerOf(killed)];
    for (const chunker of [stopped, killed])
      await chunker.progress((event) => (event.component === 'chunker' && event.sumsVerified > 5 ? true : undefined));
    await stopped.signal('SIGTERM');
    t.is((await stopped.exit()).code, EXIT.holds);
    await killed.kill();
    // The stopped chunker is away for longer by then.
    await broker.lines((lines) => lines.some((line) => line.includes(`dropped the pin of ${lost}`)), 'stderr');
    t.false(broker.stderr.some((line) => line.includes(`dropped the pin of ${own}`)));
    const gone = pipeline.chunker('chunker-1', { number: 1, rate: '500' });
    t.is((await gone.exit()).code, EXIT.inconclusive);
    t.regex(
      gone.lastMessage,
      new RegExp(`the pin of producer ${lost} .* is gone.*stream-sum retire --producer ${lost}`),
    );
    t.false(gone.events.some(({ event }) => event === 'violation'));
    const again = pipeline.chunker('chunker-0', { number: 0, rate: '500' });
    t.is(await producerOf(again), own);
    again.command({ command: 'drain' });
    t.true((await drained(again)).files > 5);
  },
);

test.serial(
  'one absent chunker does not stop the sums of the others: its pin is dropped and it is named',
  async (t) => {
    const pipeline = new Pipeline(t, 1);
    const broker = await pipeline.broker({ 'sums-retention': '1MiB', 'pin-patience': '10s' }, { isAudited: false });
    pipeline.summer('summer');
    const absent = pipeline.chunker('absent', { number: 0, rate: '100' });
    const producer = await producerOf(absent);
    await absent.progress((event) => (event.component === 'chunker' && event.sumsVerified > 0 ? true : undefined));
    await absent.kill();
    // More sums than there is room for.
    const healthy = pipeline.chunker('healthy', { number: 1, rate: 'max', count: 20_000, chunks: '0..1' });
    const { files } = await drained(healthy);
    t.is(files, 20_000);
    t.true(broker.stderr.some((line) => line.includes(`dropped the pin of ${producer} in sums: it kept`)));
    const back = pipeline.chunker('absent', { number: 0, rate: '100' });
    t.is((await back.exit()).code, EXIT.inconclusive);
  },
);
