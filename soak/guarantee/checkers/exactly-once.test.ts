import test from 'ava';
import fc from 'fast-check';
import { fileIdOf } from '../../../src/message/chunk.ts';
import type { Sum } from '../../../src/message/sum.ts';
import { ExactlyOnceChecker } from './exactly-once.ts';
import { type HistoryOptions, buildHistory } from './testing/history-builder.ts';
import { type Found, isSums, run } from './testing/planted.ts';

/** The shard whose sums are tampered with; every shard of the builder has more than one. */
const SHARD = 1;
const anyPlace = fc.record({ seed: fc.nat(1e6), index: fc.integer({ min: 0, max: 8 }) });

type Replace = (sum: Sum, at: { readonly turn: number }) => readonly Sum[];

/** Replaces the sums of one shard from an index on; `turn` counts them from there. */
function planted({ seed, index: from }: { seed: number; index: number }, replace: Replace): Found {
  let replacements = 0;
  const sum: NonNullable<HistoryOptions['tampering']['sum']> = (original, { shard, index }) => {
    if (shard !== SHARD || index < from) return [original];
    replacements += 1;
    return replace(original, { turn: index - from });
  };
  const found = run(new ExactlyOnceChecker(), buildHistory({ seed, tampering: { sum } }));
  if (replacements < 4) throw new Error(`seed ${seed}: too few sums to tamper with`);
  return found;
}

const once =
  (replace: (sum: Sum) => readonly Sum[]): Replace =>
  (sum, { turn }) =>
    turn === 0 ? replace(sum) : [sum];

test('a history in which every file has its sum once is clean, in whatever order the journals are read', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 4 }), (seed, partitions) => {
      const events = buildHistory({ seed, partitions });
      t.deepEqual(run(new ExactlyOnceChecker(), events).kinds, []);
      const sumsFirst = [...events.filter(isSums), ...events.filter((event) => !isSums(event))];
      const producers = events.filter(({ event }) => event === 'producer');
      t.deepEqual(run(new ExactlyOnceChecker(), [...producers, ...sumsFirst]).kinds, []);
    }),
    { numRuns: 20 },
  );
});

const PLANTED: readonly (readonly [title: string, kind: string, replace: () => Replace])[] = [
  ['a sum that is left out', 'lost', () => once(() => [])],
  ['a sum that is repeated under the next index', 'duplicate', () => once((sum) => [sum, sum])],
  ['a sum that is repeated later', 'duplicate', () => repeatLater()],
  ['two sums that have changed places', 'out-of-order', () => swap()],
  ['a sum of another run', 'phantom', () => once((sum) => [sum, { ...sum, fileId: fileIdOf('ab'.repeat(8), 3) }])],
  ['a sum of a file that never was', 'phantom', () => once((sum) => [sum, { ...sum, fileId: never(sum) }])],
  ['a sum with a wrong digest', 'mismatched', () => once((sum) => [{ ...sum, digest: '0'.repeat(64) }])],
  ['a sum with wrong bytes', 'mismatched', () => once((sum) => [{ ...sum, bytes: sum.bytes + 1 }])],
  ['a sum with a wrong sequence', 'mismatched', () => once((sum) => [{ ...sum, lastSequence: sum.lastSequence + 1 }])],
];

function never({ fileId }: Sum): string {
  return fileIdOf(fileId.slice(0, 16), 77_777_777);
}

function repeatLater(): Replace {
  let first: Sum | null = null;
  return (sum, { turn }) => {
    if (turn === 0) first = sum;
    return turn === 3 && first !== null ? [sum, first] : [sum];
  };
}

function swap(): Replace {
  let first: Sum | null = null;
  return (sum, { turn }) => {
    if (turn === 0) {
      first = sum;
      return [];
    }
    return turn === 1 && first !== null ? [sum, first] : [sum];
  };
}

for (const [title, kind, replace] of PLANTED) {
  test(`${title} is ${kind}, and nothing else`, (t) => {
    fc.assert(
      fc.property(anyPlace, (place) => {
        const { kinds, violations } = planted(place, replace());
        t.deepEqual(kinds, [kind]);
        t.regex(violations[0]?.file ?? '', /^[0-9a-f]{32}$/);
      }),
      { numRuns: 12 },
    );
  });
}

test('a sum in the shard of another partition is a phantom', (t) => {
  let moved: Sum | null = null;
  const sum: HistoryOptions['tampering']['sum'] = (original, { shard, index }) => {
    if (shard === 0 && index === 2) moved = original;
    return shard === 1 && index === 12 && moved !== null ? [original, moved] : [original];
  };
  const { kinds } = run(new ExactlyOnceChecker(), buildHistory({ tampering: { sum } }));
  t.deepEqual(kinds, ['phantom']);
});

test('what is missing from a history without an end, or from one with holes, is not called lost', (t) => {
  const tampering = { sum: (): Sum[] => [] };
  const events = buildHistory({ tampering });
  t.deepEqual(run(new ExactlyOnceChecker(), events).kinds, ['lost']);
  t.deepEqual(run(new ExactlyOnceChecker(), events.slice(0, -1)).kinds, []);
  // A run that was cut short ends without its journals read to their ends.
  const cutShort = events.filter(({ event }) => event !== 'head');
  t.deepEqual(run(new ExactlyOnceChecker(), cutShort).kinds, []);
  const unread = { event: 'unread', journal: 'sums', from: 0, to: 9, atNs: 0 } as const;
  t.deepEqual(run(new ExactlyOnceChecker(), [...events.slice(0, 40), unread, ...events.slice(40)]).kinds, []);
});

test('more violations than are kept are counted', (t) => {
  const checker = new ExactlyOnceChecker();
  const tampering = { sum: (sum: Sum): Sum[] => [{ ...sum, bytes: sum.bytes + 1 }] };
  const events = buildHistory({ tampering });
  for (const event of events) checker.observe(event);
  const { violations, violationCount } = checker.finish();
  t.is(violations.length, 20);
  t.is(violationCount, events.filter(({ event }) => event === 'verified').length);
});

test('a process that publishes under the id of another one is named at once, one that was restarted is not', (t) => {
  const events = buildHistory();
  const producers = events.flatMap((event) => (event.event === 'producer' ? [event] : []));
  const [first, second] = producers;
  if (first === undefined || second === undefined) throw new Error('the history has two producers');
  t.deepEqual(run(new ExactlyOnceChecker(), [...producers, first, ...producers]).kinds, []);
  const twin = { ...second, producer: first.producer };
  const { violations } = run(new ExactlyOnceChecker(), [first, twin]);
  t.deepEqual(
    violations.map(({ kind, detail }) => `${kind}: ${detail}`),
    [`duplicate: ${second.process} publishes as producer ${first.producer}, which is that of ${first.process}`],
  );
});
