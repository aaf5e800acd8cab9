import test from 'ava';
import fc from 'fast-check';
import { CoverageChecker } from './coverage.ts';
import type { HistoryEvent } from '../history.ts';
import { buildHistory } from './testing/history-builder.ts';
import { placeOf, replaced, run } from './testing/planted.ts';

function reasons(events: readonly HistoryEvent[]): readonly string[] {
  const { violations, inconclusive } = run(new CoverageChecker(), events);
  if (violations.length > 0) throw new Error('it finds no violations');
  return inconclusive;
}

/** A history with every possible kind of event: the builder's, with claims after its restarts, and trimmed journals. */
function wholeHistory(seed = 1): HistoryEvent[] {
  const events = buildHistory({ seed }).map((event): HistoryEvent => {
    if (event.event === 'run') return { ...event, tells: ['completed', 'claim', 'trimmed'] };
    return event.event === 'head' ? { ...event, begin: Math.floor(event.offset / 2) } : event;
  });
  return events.flatMap((event): HistoryEvent[] => {
    if (event.event === 'head') {
      const { journal, begin = 0, atNs } = event;
      return [{ event: 'trimmed', journal, begin, needed: begin, atNs }, event];
    }
    if (event.event !== 'confirmed') return [event];
    const { process, shard, atNs } = event;
    const state = { offset: 0, nextSum: 0, nextIndexes: {}, openFiles: {}, outbox: [] };
    return [event, { event: 'checkpoint', process, shard, moment: 'claim', atNs, ...state }];
  });
}

test('whole histories give no reason to doubt, whatever else they tell', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 4 }), (seed, partitions) => {
      t.deepEqual(reasons(buildHistory({ seed, partitions })), []);
      t.deepEqual(reasons(wholeHistory(seed)), []);
    }),
    { numRuns: 15 },
  );
});

test('a history that was cut short, or that was not read whole, misses nothing', (t) => {
  const events = wholeHistory();
  t.deepEqual(reasons(events.slice(0, events.length / 2)), []);
  const unread = { event: 'unread', journal: 'sums', from: 0, to: 1, atNs: 5e9 } as const;
  t.deepEqual(reasons([...events.slice(0, 9).filter(({ event }) => event !== 'acknowledged'), unread, ...events]), []);
});

type Fits = (event: HistoryEvent) => boolean;

const isCheckpoint =
  (moment: string): Fits =>
  (event) =>
    event.event === 'checkpoint' && event.moment === moment;
const is =
  (name: HistoryEvent['event']): Fits =>
  (event) =>
    event.event === name;

/**
 * By kind of event: which events are of one producer, partition or process, and the reason that is given when they are
 * missing.
 */
const KINDS: readonly (readonly [title: string, fits: Fits, isOfOne: Fits, reason: RegExp])[] = [
  [
    'acknowledgements',
    is('acknowledged'),
    (event) => event.event === 'acknowledged' && event.partition === 1,
    /was told of \d+ of its \d+ records in chunks\/part-\d+ that they are durable/,
  ],
  [
    'completions',
    is('completed'),
    (event) => event.event === 'completed' && event.producer.endsWith('1'),
    /completed \d+ files, and \d+ are on record/,
  ],
  [
    'verified files',
    is('verified'),
    (event) => event.event === 'verified' && event.fileNumber % 2 === 0,
    /verified \d+ files, and \d+ are on record/,
  ],
  [
    'states at restarts',
    isCheckpoint('restart'),
    (event) => event.event === 'checkpoint' && event.shard === 1,
    /the owner of shard \d was restarted 3 times, and its state was seen at [012] of them/,
  ],
  [
    'states after claims',
    isCheckpoint('claim'),
    (event) => event.event === 'checkpoint' && event.shard === 1,
    /the state of shard \d was not seen after \d of its claims/,
  ],
  [
    'confirmations',
    is('confirmed'),
    (event) => event.event === 'confirmed' && event.shard === 1,
    /nobody was seen to own shard \d|with which nobody was seen to be confirmed/,
  ],
  [
    'claims',
    is('raised'),
    (event) => event.event === 'raised' && event.shard === 1,
    /nobody was seen to own shard \d|restarted \d times|with which nobody/,
  ],
  [
    'ends of processes',
    is('ended'),
    (event) => event.event === 'ended' && event.process === 'summer-0',
    /was started again, and had not ended|did not report its end/,
  ],
  [
    'words of being ready',
    is('ready'),
    (event) => event.event === 'ready' && event.process === 'summer-0',
    /summer-0 owns shard 0, and was not ready/,
  ],
  [
    'trimmed journals',
    is('trimmed'),
    (event) => event.event === 'trimmed' && event.journal === 'chunks/part-001',
    /begins at \d+, and was seen to be trimmed to 0/,
  ],
  ['phases', is('phase'), (event) => event.event === 'phase' && event.phase === 'audit', /there was no phase audit/],
];

for (const [title, fits, isOfOne, reason] of KINDS) {
  test(`${title} that are withheld, all, all but the first or those of one part, are missed`, (t) => {
    const events = wholeHistory();
    const first = placeOf(events, fits, 0);
    const withheld: readonly (readonly [string, Fits])[] = [
      ['all', fits],
      ['those of one part', (event) => fits(event) && isOfOne(event)],
    ];
    for (const [which, isDropped] of withheld) {
      const rest = events.filter((event) => !isDropped(event));
      t.true(rest.length < events.length);
      t.true(
        reasons(rest).some((line) => reason.test(line)),
        `${which}: ${reasons(rest).join('; ')}`,
      );
    }
    // The broker's `ready` is the first, and no shard is its own.
    if (title === 'words of being ready') return;
    const fewest = events.filter((event, place) => place <= first || !fits(event));
    t.true(reasons(fewest).length > 0, 'all but the first');
  });
}

function isReady(event: HistoryEvent): event is Extract<HistoryEvent, { event: 'started' | 'ready' }> {
  return event.event === 'ready' && event.process === 'summer-0';
}

test('a process that is started twice without an end in between is doubted, a start that failed is not', (t) => {
  const events = buildHistory();
  const twice = replaced(events, isReady, 0, (event) => [event, { ...event, event: 'started' }, event]);
  t.regex(reasons(twice).join(), /summer-0 was started again, and had not ended/);
});

test('a raise that nobody had the answer of excuses the state that nobody could see', (t) => {
  const events = buildHistory({ partitions: 1 });
  const at = placeOf(events, isCheckpoint('restart'), 1);
  const skipped = events
    .filter((_, place) => place !== at)
    .map((event, place) =>
      place >= at && (event.event === 'raised' || event.event === 'confirmed')
        ? { ...event, epoch: event.epoch + 1 }
        : event,
    );
  const lines = reasons(skipped).filter((line) => !line.includes('nobody was seen to be confirmed'));
  t.deepEqual(lines, []);
});
