import test from 'ava';
import fc from 'fast-check';
import { type BatchEvent, shardOfProducer } from './batch-reader.ts';
import { FencingChecker } from './fencing.ts';
import type { HistoryEvent } from '../history.ts';
import { type HistoryOptions, buildHistory } from './testing/history-builder.ts';
import { type Found, decoded, isSums, replaced, run } from './testing/planted.ts';

type Raised = Extract<HistoryEvent, { event: 'raised' | 'confirmed' }>;
const isRaised = (event: HistoryEvent): event is Raised => event.event === 'raised';

function check(events: readonly HistoryEvent[]): Found {
  return run(new FencingChecker(), events);
}

/** Writes the first batch of a shard that belongs to one epoch under another epoch. */
function firstUnder(wanted: number, written: number): HistoryOptions['tampering'] {
  let hasWritten = false;
  return {
    epoch: (epoch, { shard }) => {
      if (shard !== 1 || epoch !== wanted || hasWritten) return epoch;
      hasWritten = true;
      return written;
    },
  };
}

function isOf(event: BatchEvent, owner: { shard: number; epoch: number }): boolean {
  const { producer, epoch } = decoded(event);
  return shardOfProducer(producer) === owner.shard && epoch === owner.epoch;
}

test('along restarts that each raise the epoch nothing is stale', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      const found = check(buildHistory({ seed }));
      t.deepEqual(found.kinds, []);
      t.deepEqual(found.inconclusive, []);
    }),
    { numRuns: 20 },
  );
});

test('a batch that a replaced owner wrote after the claim is stale, also when the claim is seen late', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      // In a few histories the shard has no sum under that epoch, and nothing is planted.
      fc.pre(buildHistory({ seed }).some((event) => isSums(event) && isOf(event, { shard: 1, epoch: 3 })));
      const events = buildHistory({ seed, tampering: firstUnder(3, 2) });
      const { violations } = check(events);
      t.is(violations[0]?.kind, 'stale-writer');
      t.is(violations[0]?.journal, 'sums');
      const late = [...events.filter((event) => !isRaised(event)), ...events.filter(isRaised)];
      t.is(check(late).violations[0]?.kind, 'stale-writer');
    }),
    { numRuns: 15 },
  );
});

test('an epoch that is raised twice fences nobody', (t) => {
  const events = buildHistory();
  const planted = replaced(events, isRaised, 1, (event) => [event, event]);
  t.deepEqual(check(planted).kinds, ['stale-writer']);
});

test('an epoch that decreases is stale, whatever was raised', (t) => {
  const written = new Set<number>();
  const epoch = (value: number, { shard }: { shard: number }): number => {
    if (shard !== 1 || value !== 2) return value;
    written.add(written.size);
    return written.size === 2 ? 1 : 2;
  };
  const events = buildHistory({ tampering: { epoch } }).filter((event) => !isRaised(event));
  t.deepEqual(check(events).kinds, ['stale-writer']);
});

test('an epoch above all others makes the next batch stale; the last one of all is doubted', (t) => {
  t.deepEqual(check(buildHistory({ tampering: firstUnder(2, 9) })).kinds, ['stale-writer']);
  const unclaimed = buildHistory().filter((event) => !isRaised(event) || event.epoch !== 4);
  t.deepEqual(check(unclaimed).kinds, []);
  t.regex(check(unclaimed).inconclusive[0] ?? '', /wrote under epoch 4, which nobody was seen to raise/);
});

test('what was written below the head at the claim is not stale', (t) => {
  const events = buildHistory();
  const last = events.findLast(isSums);
  if (last === undefined) throw new Error('there are sums');
  const shard = Number.parseInt(decoded(last).producer, 16);
  const claim = { event: 'raised', process: 'summer-1', shard, epoch: 99, sumsHead: last.end, atNs: 0 } as const;
  t.deepEqual(check([...events, claim]).kinds, []);
  t.deepEqual(check([...events, { ...claim, sumsHead: last.begin }]).kinds, ['stale-writer']);
  t.deepEqual(check([claim, ...replaced(events, isSums, 0, () => [])]).kinds, []);
});
