import test from 'ava';
import fc from 'fast-check';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import type { HistoryEvent } from '../history.ts';
import { buildHistory } from './testing/history-builder.ts';
import { isChunks, isSums, recounted, replaced, retired, run } from './testing/planted.ts';
import { VacuityChecker } from './vacuity.ts';
import { WholeHistoryChecker } from './whole.ts';

function reasons(events: readonly HistoryEvent[]): readonly string[] {
  return [new WholeHistoryChecker(), new VacuityChecker()].flatMap((checker) => {
    const { violations, inconclusive } = run(checker, events);
    if (violations.length > 0) throw new Error('it finds no violations');
    return inconclusive;
  });
}

test('a whole history gives no reason to doubt', (t) => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 4 }), (seed, partitions) => {
      t.deepEqual(reasons(buildHistory({ seed, partitions })), []);
    }),
    { numRuns: 20 },
  );
});

test('of a retired chunker the journals hold as many sums as ends of files, and nothing else is asked of it', (t) => {
  const { events, producer } = retired(buildHistory());
  const ofIt = (history: readonly HistoryEvent[]): readonly string[] =>
    reasons(history).filter((reason) => reason.includes(producer));
  t.deepEqual(ofIt(events), []);
  const unknown = events.filter((event) => event.event !== 'producer' || event.producer !== producer);
  t.deepEqual(ofIt(unknown), [`${producer} was retired, and never began`]);
  const fewer = events.filter((event) => !isSums(event));
  t.regex(ofIt(fewer).join(), /was retired, and the journals hold \d+ ends of its files and 0 sums/);
});

test('every truncated history is doubted, the empty one too', (t) => {
  const events = buildHistory();
  for (let length = 0; length < events.length; length += 7) {
    t.true(reasons(events.slice(0, length)).includes('the history has no end'), `first ${length}`);
    if (length > 0) t.not(reasons(events.slice(length)).length, 0, `without the first ${length}`);
  }
});

type Name = HistoryEvent['event'];
const without =
  (...names: readonly Name[]) =>
  (events: readonly HistoryEvent[]): HistoryEvent[] =>
    events.filter(({ event }) => !names.includes(event));
/** Without the events in which a process speaks of itself. */
const silent =
  (process: string, ...names: readonly Name[]) =>
  (events: readonly HistoryEvent[]): HistoryEvent[] =>
    events.filter((event) => !('process' in event && event.process === process && names.includes(event.event)));

function inPhase(
  phase: string,
  keep: (event: HistoryEvent) => boolean,
): (events: readonly HistoryEvent[]) => HistoryEvent[] {
  return (events) => {
    let now = '';
    return events.filter((event) => {
      if (event.event === 'phase') now = event.phase;
      return now !== phase || keep(event);
    });
  };
}

function afterHeal(name: (event: HistoryEvent) => boolean): (events: readonly HistoryEvent[]) => HistoryEvent[] {
  return (events) => {
    const heal = events.findIndex((event) => event.event === 'phase' && event.phase === 'heal');
    return events.filter((event, place) => place < heal || !name(event));
  };
}

type Run = Extract<HistoryEvent, { event: 'run' }>;
const isRun = (event: HistoryEvent): event is Run => event.event === 'run';
type Drained = Extract<HistoryEvent, { event: 'drained' }>;
const isDrained = (event: HistoryEvent): event is Drained => event.event === 'drained';

const lastExit =
  (process: string, exitCode: number | null) =>
  (events: readonly HistoryEvent[]): HistoryEvent[] => {
    const last = events.findLastIndex((event) => event.event === 'ended' && event.process === process);
    return events.with(last, { event: 'ended', process, exitCode, atNs: events[last]?.atNs ?? 0 });
  };

const isFlow = (event: HistoryEvent): boolean => event.event === 'acknowledged' || event.event === 'batch';

const SABOTAGES: readonly (readonly [
  title: string,
  reason: string,
  change: (events: readonly HistoryEvent[]) => HistoryEvent[],
])[] = [
  ['an empty history', 'the history has no end', () => []],
  ['a history without its run', 'the history does not say what was asked for', without('run')],
  ['a history that was cut at its begin', 'there was no phase of load', without('phase')],
  ['no traffic at all', 'no chunks flowed in the phase steady', without('acknowledged', 'batch', 'completed')],
  [
    'no traffic while it warmed up',
    'no chunks flowed in the phase warm-up',
    inPhase('warm-up', (event) => !isFlow(event)),
  ],
  ['no traffic under faults', 'no chunks flowed in the phase faults', inPhase('faults', (event) => !isFlow(event))],
  [
    'a fault injector that does nothing',
    'the fault kill-summer took effect 0 times, and should have 3 times',
    without('fault-effective'),
  ],
  ['faults that hit the same thing once', 'the fault kill-summer took effect 1 times', sameFault],
  ['faults that never heal', 'nothing says that they healed', (events) => events.filter((event) => !isHeal(event))],
  ['no sum after the heal', 'no sum was read after the last heal', afterHeal(isSumsBatch)],
  ['verifiers that died', 'no sum was verified after the last heal', afterHeal(({ event }) => event === 'verified')],
  ['a summer that never started', 'summer-0 never started', silent('summer-0', 'started', 'ready', 'ended')],
  ['a summer that was never ready', 'summer-0 was not ready', silent('summer-0', 'ready')],
  ['a broker that did not end', 'broker did not report to the end', silent('broker', 'ended')],
  ['a summer that was killed at last', 'summer-0 was killed and did not come back', lastExit('summer-0', null)],
  [
    'a chunker that was killed before it had drained',
    'chunker-1 was killed and did not come back',
    (events) => silent('chunker-1', 'drained')(lastExit('chunker-1', null)(events)),
  ],
  ['a broker that failed', 'broker ended with exit 1', lastExit('broker', 1)],
  ['a chunker that never drained', 'never said that it had drained', silent('chunker-0', 'drained')],
  [
    'a chunker that does nothing',
    'chunker-9 has published nothing',
    (events) => replaced(events, isRun, 0, (event) => [{ ...event, processes: [...event.processes, 'chunker-9'] }]),
  ],
  ['a chunker that runs to its end and completes nothing', 'chunker-9 completed no file', withIdle(64)],
  [
    'a run without processes',
    'no process was asked to report',
    (events) => replaced(events, isRun, 0, (event) => [{ ...event, processes: [] }]),
  ],
  [
    'a clock that stands still',
    'the clock stood still in the phase steady',
    (events) => events.map((event) => ({ ...event, atNs: 7 })),
  ],
  ['a clock that goes back', 'time goes back', (events) => events.map((event) => ({ ...event, atNs: -event.atNs }))],
  [
    'a clock that gives no number',
    'time goes back',
    (events) => events.map((event) => ({ ...event, atNs: Number.NaN })),
  ],
  [
    'a hole in a journal',
    'chunks/part-001 was not read from 5 to 9',
    (events) => [...events.slice(0, 9), { event: 'unread', journal: 'chunks/part-001', from: 5, to: 9, atNs: 5e9 }],
  ],
  ['journals without an end', 'nothing says where sums ends', without('head')],
  ['no state at the end', 'the state of shard 2 was not seen at the end', without('checkpoint')],
  [
    'a chunker that has verified less than it completed',
    'files and verified',
    (events) => replaced(events, isDrained, 0, (event) => [{ ...event, verifiedTotal: event.verifiedTotal - 1 }]),
  ],
  [
    'a chunker that says it completed more than the journals hold',
    'the journals hold',
    (events) =>
      replaced(events, isDrained, 0, (event) => [{ ...event, verifiedTotal: 9_999, filesCompletedTotal: 9_999 }]),
  ],
  [
    'a history of which an event is lost on its way',
    'events were written before the end, and',
    (events) => events.toSpliced(40, 1),
  ],
  [
    'faults that hit something else than was asked for',
    'the fault kill-summer of broker took effect 0 times, and should have 1 times',
    (events) => replaced(events, isRun, 0, (event) => [{ ...event, faults: { 'kill-summer of broker': 1 } }]),
  ],
  [
    'no fault but crashes',
    'the fault any but crash took effect 0 times',
    (events) =>
      replaced(events, isRun, 0, (event) => [{ ...event, faults: { 'any but crash': 1 } }]).map((event) =>
        event.event === 'fault-effective' ? { ...event, kind: 'crash' } : event,
      ),
  ],
  [
    'a history that goes on after its end',
    'goes on after its end',
    (events) => [...events, { event: 'end', atNs: 9e18 }],
  ],
];

function sameFault(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events.map((event) => (event.event === 'fault-effective' ? { ...event, id: 1 } : event));
}

function isHeal(event: HistoryEvent): boolean {
  return event.event === 'phase' && event.phase === 'heal';
}

function isSumsBatch(event: HistoryEvent): boolean {
  return event.event === 'batch' && event.journal === SUMS_JOURNAL;
}

for (const [title, reason, change] of SABOTAGES) {
  test(`${title} is doubted, and the reason is named`, (t) => {
    const found = reasons(change(buildHistory()));
    t.true(
      found.some((line) => line.includes(reason)),
      found.join('; '),
    );
  });
}

test('chunks that were acknowledged have flowed, even if the auditor reads them later', (t) => {
  const events = buildHistory();
  const late = events.findIndex((event) => event.event === 'phase' && event.phase === 'drain');
  const before = events.slice(0, late);
  const moved = [
    ...before.filter((event) => !isChunks(event)),
    ...events.slice(late, late + 1),
    ...before.filter(isChunks).map((event) => ({ ...event, atNs: events[late]?.atNs ?? 0 })),
    ...events.slice(late + 1),
  ];
  t.deepEqual(reasons(moved), []);
});

/** With a chunker that decides to end at this step, and has completed nothing. */
function withIdle(endStep: number): (events: readonly HistoryEvent[]) => HistoryEvent[] {
  return (events) =>
    replaced(events, isRun, 0, (event) => {
      const { atNs } = event;
      const [process, producer] = ['chunker-9', '9999999999999999'];
      const workload = events.flatMap((each) => (each.event === 'producer' ? [each.workload] : []))[0];
      if (workload === undefined) throw new Error('the history has no producer');
      return [
        { ...event, processes: [...event.processes, process] },
        { atNs, event: 'started', process },
        { atNs, event: 'ready', process },
        { atNs, event: 'producer', process, producer, workload, fileCount: null },
        { atNs, event: 'ending', producer, endStep },
        { atNs, event: 'drained', process, producer, verifiedTotal: 0, filesCompletedTotal: 0 },
        { atNs, event: 'ended', process, exitCode: 0 },
      ];
    });
}

test('a chunker that was killed after it had said that it had drained has nothing more to say', (t) => {
  t.deepEqual(reasons(recounted(lastExit('chunker-1', null)(buildHistory()))), []);
});

test('a chunker that was told to end before its first step has nothing to show', (t) => {
  t.deepEqual(reasons(recounted(withIdle(0)(buildHistory()))), []);
});
