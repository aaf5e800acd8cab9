import test from 'ava';
import fc from 'fast-check';
import type { StoredBatch } from '../../../src/journal/journals.ts';
import type { Happening } from '../../guarantee/history.ts';
import { type CheckpointHappening, JournalFeed } from './journal-feed.ts';

const JOURNAL = 'chunks/part-000';
const BATCH_BYTES = 10;

function batchAt(begin: number): StoredBatch {
  return { begin, end: begin + BATCH_BYTES, stampNs: 1, bytes: new Uint8Array(BATCH_BYTES) };
}

function checkpointAt(offset: number): CheckpointHappening {
  return {
    event: 'checkpoint',
    process: 'summer-0',
    shard: 0,
    moment: 'restart',
    offset,
    nextSum: 0,
    nextIndexes: {},
    openFiles: {},
    outbox: [],
  };
}

/** `10`: the batch that ends there; `@10`: the checkpoint. */
function makeFeed(): { feed: JournalFeed; seen: string[] } {
  const seen: string[] = [];
  const record = (happening: Happening): void => {
    if (happening.event === 'batch') seen.push(String(happening.end));
    if (happening.event === 'checkpoint') seen.push(`@${happening.offset}`);
  };
  return { feed: new JournalFeed(JOURNAL, record), seen };
}

/** Offers batch after batch, like a reader of the journal. */
async function readAll(feed: JournalFeed, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await feed.offer(batchAt(at * BATCH_BYTES));
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('batches go no further than what is allowed', async (t) => {
  const { feed, seen } = makeFeed();
  void readAll(feed, 5);
  await settled();
  t.deepEqual(seen, []);
  feed.allow(25);
  await settled();
  t.deepEqual(seen, ['10', '20']);
  feed.allow(10);
  feed.allow(30);
  await settled();
  t.deepEqual(seen, ['10', '20', '30']);
  t.is(feed.through, 30);
});

test('a checkpoint stands between what is below its offset, which it allows, and the rest', async (t) => {
  const { feed, seen } = makeFeed();
  void readAll(feed, 5);
  feed.checkpoint(checkpointAt(20));
  feed.allow(50);
  feed.checkpoint(checkpointAt(50));
  await settled();
  t.deepEqual(seen, ['10', '20', '@20', '30', '40', '50', '@50']);
});

test('what is held back comes when it is let go', async (t) => {
  const { feed, seen } = makeFeed();
  feed.holdBack(true);
  void readAll(feed, 2);
  feed.allow(20);
  feed.checkpoint(checkpointAt(10));
  await settled();
  t.deepEqual(seen, []);
  feed.holdBack(false);
  await settled();
  t.deepEqual(seen, ['10', '@10', '20']);
});

test('a checkpoint below what was folded, or inside of a batch, is not kept from the checkers', async (t) => {
  const { feed, seen } = makeFeed();
  void readAll(feed, 3);
  feed.allow(20);
  await settled();
  feed.checkpoint(checkpointAt(10));
  feed.checkpoint(checkpointAt(25));
  await settled();
  t.deepEqual(seen, ['10', '20', '@10', '@25']);
});

test('a checkpoint beyond the end of its journal comes at the end', async (t) => {
  const { feed, seen } = makeFeed();
  void readAll(feed, 1);
  feed.checkpoint(checkpointAt(70));
  await settled();
  t.deepEqual(seen, ['10']);
  feed.end();
  t.deepEqual(seen, ['10', '@70']);
});

test('whatever is allowed and recorded in between, each checkpoint finds exactly what is below it', async (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('allow' as const), batches: fc.nat(3) }),
    fc.record({ do: fc.constant('checkpoint' as const), batches: fc.nat(2) }),
    fc.constantFrom({ do: 'hold back' as const }, { do: 'let go' as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { feed, seen } = makeFeed();
      const reading = readAll(feed, 100);
      let folded = 0;
      for (const action of steps) {
        if (action.do === 'hold back') feed.holdBack(true);
        else if (action.do === 'let go') feed.holdBack(false);
        else {
          folded += action.batches * BATCH_BYTES;
          if (action.do === 'allow') feed.allow(folded);
          else feed.checkpoint(checkpointAt(folded));
        }
        if (folded % 3 === 0) await settled();
      }
      feed.holdBack(false);
      feed.allow(100 * BATCH_BYTES);
      await reading;
      let through = 0;
      for (const line of seen) {
        if (line.startsWith('@')) t.is(line, `@${through}`);
        else through = Number(line);
      }
      t.is(seen.length, 100 + steps.filter((action) => action.do === 'checkpoint').length);
    }),
  );
});
